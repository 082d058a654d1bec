"""Whether a model fits, asked before it is loaded: where memory runs out, the kernel ends the process."""

from __future__ import annotations

import math
import re
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def weights_size(folder: Path) -> int:
    """Bytes of the weights on disk, which is what they take in memory as long as they keep their dtype."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def available_memory() -> float:
    """Bytes that this process may still take: the machine's, or its container's; infinite where neither is told."""
    return min(_of_machine(), _of_container())


def _of_machine() -> float:
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", _MEMINFO.read_text(), re.MULTILINE)
    except OSError:
        return math.inf
    return int(found[1]) * 1024 if found else math.inf


def _of_container() -> float:
    try:
        return int((_CGROUP / "memory.max").read_text()) - int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return math.inf
