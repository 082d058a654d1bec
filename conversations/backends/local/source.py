"""What to load, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


def is_path(name: str) -> bool:
    """Whether it names a folder rather than something at Hugging Face."""
    return name.startswith(("/", "./", "../", "~")) or Path(name).is_dir()


@dataclass(frozen=True, slots=True)
class Source:
    """A name at Hugging Face or a folder, and how to run it. `batch`: how many replies are written at once."""

    model: str
    revision: str | None = None
    dtype: str = "auto"
    device: str = "auto"
    four_bit: bool = False
    threads: int = 1
    batch: int = 8

    @property
    def is_path(self) -> bool:
        return is_path(self.model)

    @property
    def path(self) -> Path:
        return Path(self.model).expanduser()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Source:
        return cls(**json.loads(text))

    def described(self) -> Mapping[str, Any]:
        """What a folder tells of itself for the catalogue: ChatModel fields. Empty for what is not here yet."""
        try:
            config = json.loads((self.path / "config.json").read_text(encoding="utf-8"))
            size = sum(path.stat().st_size for path in self.path.glob("*.safetensors"))
        except (OSError, ValueError):
            return {}
        config = config.get("text_config") or config
        context = config.get("max_position_embeddings") or config.get("n_positions")
        found: dict[str, Any] = {"memory": f"{size / 1e9:.1f} GB"} if size > 5e7 else {}
        return found | ({"context_size": context} if isinstance(context, int) else {})
