"""Where the files lie: a folder, or Hugging Face's cache, filled when something is missing there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conversations.backends.local.faults import Fault
from conversations.backends.local.source import Source, is_path
from conversations.backends.local.worker.classify import faults_of

# Weights as safetensors and what belongs to them; nothing from subfolders, where the same weights often lie again.
MODEL = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
ADAPTER = ["adapter_config.json", "adapter_model.safetensors"]
UNWANTED = ["*/*", "consolidated*"]
Progress = Callable[[int, int], None]  # bytes that are there, bytes in all


def fetch(source: Source, progress: Progress) -> Path:
    """The folder of a model, from its disk or from Hugging Face, which takes minutes. Raises Fault.

    torch is not needed for it, so that what is missing is told at once.
    """
    with faults_of(source.model):
        folder = folder_of(source.model, source.revision, MODEL, progress, missing="missing_path")
    if not any(folder.glob("*.safetensors")):
        raise Fault("pickled" if (folder / "config.json").is_file() else "damaged", model=source.model)
    return folder


def folder_of(name: str, revision: str | None, wanted: list[str], progress: Progress, *, missing: str) -> Path:
    """The folder with the files; what is in the cache already is neither fetched again nor asked for.

    So a model stays at the commit that was fetched first, until another revision is named. Raises Fault(missing) for
    a folder that is not there, and what huggingface_hub raises.
    """
    if is_path(name):
        folder = Path(name).expanduser()
        if not folder.is_dir():
            raise Fault(missing, model=name)
        return folder
    from huggingface_hub import snapshot_download

    options: dict[str, Any] = {"revision": revision, "allow_patterns": wanted, "ignore_patterns": UNWANTED}
    try:
        folder = Path(snapshot_download(name, local_files_only=True, **options))
        if _is_whole(folder):
            return folder
    except Exception:  # noqa: S110  whatever is wrong with the cache, fetching says it better
        pass
    return Path(snapshot_download(name, tqdm_class=_reporting(progress), **options))


def _is_whole(folder: Path) -> bool:
    return any(folder.glob("*.safetensors")) and any(folder.glob("*config.json"))


def _reporting(progress: Progress) -> type:
    """A progress bar that draws nothing: huggingface_hub counts the bytes of all files on it."""
    from tqdm import tqdm

    class Reporting(tqdm):
        def __init__(self, *args: Any, **options: Any):
            options.pop("name", None)
            super().__init__(*args, **options | {"file": _nowhere(), "disable": False})

        def display(self, *args: Any, **options: Any) -> None:
            if self.unit == "B" and self.total:
                progress(int(self.n), int(self.total))

    return Reporting


def _nowhere() -> Any:
    return open(os.devnull, "w", encoding="ascii")
