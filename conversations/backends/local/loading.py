"""From a name or a folder to a model in memory. torch and transformers are imported here, when it happens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conversations.backends.local import faults
from conversations.backends.local.engine import Engine
from conversations.backends.local.memory import available_memory, weights_size

# Weights as safetensors and what belongs to them; nothing from subfolders, where the same weights often lie again.
WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
UNWANTED = ["*/*", "consolidated*"]


@dataclass(frozen=True, slots=True)
class Source:
    """What to load: a name at Hugging Face or a folder, and how."""

    model: str
    revision: str | None = None
    dtype: str = "auto"
    device: str = "auto"
    threads: int = 1

    @property
    def is_path(self) -> bool:
        return self.model.startswith(("/", "./", "../", "~")) or Path(self.model).is_dir()

    @property
    def path(self) -> Path:
        return Path(self.model).expanduser()


def load(source: Source) -> Engine:
    """Load tokenizer and weights: seconds from disk, minutes from Hugging Face. Raises BackendError."""
    if source.is_path and not source.path.is_dir():
        raise faults.missing_path(source.model)
    try:
        return _load(source, source.path if source.is_path else _download(source))
    except Exception as error:
        if (fault := faults.loading_fault(error, source.model)) is not None:
            raise fault from error
        raise


def _download(source: Source) -> Path:
    """The folder in Hugging Face's cache; what is there already is not fetched again."""
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(source.model, revision=source.revision, allow_patterns=WANTED, ignore_patterns=UNWANTED)
    )


def _load(source: Source, folder: Path) -> Engine:
    import torch
    import transformers

    torch.set_num_threads(source.threads)
    device = _device(source.device)
    if device == "cpu" and weights_size(folder) > available_memory():
        raise MemoryError  # before the kernel kills the whole site for it
    transformers.utils.logging.disable_progress_bar()
    # Never code from a repository, never pickles: loading either runs what a stranger wrote.
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if not tokenizer.chat_template:
        raise faults.no_chat_template(source.model)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=source.dtype, use_safetensors=True, trust_remote_code=False
    )
    return Engine(tokenizer, model.to(device).eval(), source.model)


def _device(name: str) -> str:
    import torch

    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
