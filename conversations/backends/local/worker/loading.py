"""Loading a model, once per process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from conversations.backends.local.faults import Fault
from conversations.backends.local.source import Source
from conversations.backends.local.worker.adapters import Adapters
from conversations.backends.local.worker.attention import reads_rows
from conversations.backends.local.worker.classify import faults_of
from conversations.backends.local.worker.engine import Engine
from conversations.backends.local.worker.memory import available_memory, weights_size

FOUR_BIT_SHARE = 0.4  # of weights in 16 bits: four of them, what is kept in 16, and the constants between


def load(source: Source, folder: Path) -> Engine:
    """Load tokenizer and weights from what fetching.py has brought: seconds. Raises Fault."""
    with faults_of(source.model):
        return _load(source, folder)


def _load(source: Source, folder: Path) -> Engine:
    torch.set_num_threads(source.threads)
    torch.seed()  # torch starts from the same number in each process
    device = _device(source)
    _refuse_what_does_not_fit(source, folder, device)
    transformers.utils.logging.disable_progress_bar()
    # Never code from a repository, never pickles: loading either runs what a stranger wrote.
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=source.dtype, use_safetensors=True, trust_remote_code=False, **_placement(source, device)
    )
    model = (model if source.four_bit else model.to(device)).eval()
    return Engine(tokenizer, model, source.model, Adapters(model, source.model), joins=reads_rows(model))


def _refuse_what_does_not_fit(source: Source, folder: Path, device: str) -> None:
    needed = weights_size(folder) * (FOUR_BIT_SHARE if source.four_bit else 1)
    if device == "cpu" and needed > available_memory():
        raise Fault("memory", model=source.model)  # before the kernel ends the process for it


def _placement(source: Source, device: str) -> dict[str, Any]:
    if not source.four_bit:
        return {}
    import bitsandbytes  # noqa: F401  transformers' own complaint about it names neither package nor command

    return {
        "device_map": {"": device},
        "quantization_config": transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=torch.bfloat16 if source.dtype == "auto" else getattr(torch, source.dtype),
            bnb_4bit_use_double_quant=True,
        ),
    }


def _device(source: Source) -> str:
    if source.device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind = source.device.partition(":")[0]
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[kind]:
        raise Fault("no_device", model=source.model, device=source.device)
    return source.device
