"""What is wrong with a local model, told without importing torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec

from django.core.checks import CheckMessage, Error

from conversations.backends.local.faults import INSTALL
from conversations.backends.local.source import Source

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "peft")
DTYPES = ("auto", "float32", "bfloat16", "float16")


def check_source(source: Source, alias: str) -> Iterator[CheckMessage]:
    """Missing packages (E131), a missing folder (E132), an unknown dtype or device (E133)."""
    needed = (*PACKAGES, "bitsandbytes") if source.four_bit else PACKAGES
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        yield Error(
            f"The local model “{source.model}” needs packages that are not installed: {', '.join(missing)}.",
            hint=f"Run: {INSTALL}",
            id="conversations.E131",
        )
    if source.is_path and not source.path.is_dir():
        yield Error(
            f"The local model “{source.model}” is not there: no such folder.",
            hint="Correct LOCAL_MODEL: a folder, or a name at Hugging Face such as Qwen/Qwen2.5-0.5B-Instruct.",
            id="conversations.E132",
        )
    if source.dtype not in DTYPES or not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", source.device):
        yield Error(
            f"CHAT_BACKENDS[“{alias}”] asks for dtype “{source.dtype}” on device “{source.device}”.",
            hint=f"The dtype is one of {', '.join(DTYPES)}; the device auto, cpu, mps, cuda, or cuda with a number.",
            id="conversations.E133",
        )
