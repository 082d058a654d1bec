"""What torch, transformers, peft and huggingface_hub raise, as faults that people understand."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from conversations.backends.local.faults import Fault

# The names of exceptions, because importing their classes would import their packages.
_NO_NETWORK = {
    "LocalEntryNotFoundError",
    "OfflineModeIsEnabled",
    "ConnectError",
    "ConnectTimeout",
    "ReadTimeout",
    "ConnectionError",
}
_NOT_FOUND = {"RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError", "EntryNotFoundError"}
_OUT_OF_MEMORY = {"OutOfMemoryError", "MemoryError"}
_DAMAGED = {"SafetensorError", "JSONDecodeError", "UnicodeDecodeError"}


def memory_fault(error: BaseException, model: str) -> Fault | None:
    """The fault if it was memory that ran out, of the machine or of its GPU."""
    names = {type(cause).__name__ for cause in _chain(error)}
    if names & _OUT_OF_MEMORY or "allocate memory" in str(error) or "not enough memory" in str(error):
        return Fault("memory", model=model)
    return None


@contextmanager
def faults_of(model: str) -> Iterator[None]:
    """What is raised inside comes out as a Fault, unless it is a bug. `model` is what sentences name."""
    try:
        yield
    except Exception as error:
        if (fault := loading_fault(error, model)) is not None:
            raise fault from error
        raise


def loading_fault(error: BaseException, model: str) -> Fault | None:
    """The fault that fits what was raised while something was fetched or loaded; None for a bug."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, ImportError):
        return Fault("missing_packages", names=error.name or str(error))
    if (fault := memory_fault(error, model)) is not None:
        return fault
    name = _kind(error)
    return Fault(name, model=model) if name else None


def _kind(error: BaseException) -> str:
    names = {type(cause).__name__ for cause in _chain(error)}
    if "GatedRepoError" in names:
        return "gated"
    if any(isinstance(cause, OSError) and cause.errno == errno.ENOSPC for cause in _chain(error)):
        return "disk_full"
    if names & _NO_NETWORK:
        return "no_network"
    if names & _NOT_FOUND:
        return "not_found"
    if "trust_remote_code" in str(error):
        return "needs_code"
    return "damaged" if names & _DAMAGED or isinstance(error, OSError | ValueError) else ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
