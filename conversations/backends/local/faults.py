"""What goes wrong with a model in this process, as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from conversations.errors import BackendError, BackendUnavailable

INSTALL = "pip install -r requirements-local.txt"

# The names of exceptions, because importing their classes would import their packages.
_NO_NETWORK = {
    "LocalEntryNotFoundError",
    "OfflineModeIsEnabled",
    "ConnectError",
    "ConnectTimeout",
    "ReadTimeout",
    "ConnectionError",
}
_NOT_ALLOWED = {"GatedRepoError"}
_NOT_FOUND = {"RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError", "EntryNotFoundError"}
_OUT_OF_MEMORY = {"OutOfMemoryError", "MemoryError"}
_DAMAGED = {"SafetensorError", "JSONDecodeError", "UnicodeDecodeError"}


def missing_packages(names: str) -> BackendError:
    sentence = _("This site cannot run local models yet: %(names)s is missing. Its operator must run: %(command)s")
    return BackendError(sentence % {"names": names, "command": INSTALL})


def missing_path(model: str) -> BackendError:
    return BackendError(_("The local model “%(model)s” is not there: no such folder.") % {"model": model})


def too_long(tokens: int, limit: int) -> BackendError:
    sentence = _(
        "This conversation has %(tokens)s tokens, and the model reads %(limit)s at most. "
        "Start a new chat, or send a shorter message."
    )
    return BackendError(sentence % {"tokens": tokens, "limit": limit}, status=400, concerns="length")


def no_chat_template(model: str) -> BackendError:
    sentence = _("“%(model)s” was not made for chats: it has no chat template. Choose an instruct or chat model.")
    return BackendError(sentence % {"model": model})


def memory_fault(error: BaseException, model: str) -> BackendError | None:
    """The sentence if it was memory that ran out, of the machine or of its GPU."""
    names = {type(cause).__name__ for cause in _chain(error)}
    if not names & _OUT_OF_MEMORY and "allocate memory" not in str(error) and "not enough memory" not in str(error):
        return None
    sentence = _("The memory of this machine is too small for “%(model)s”. Choose a smaller model or a shorter chat.")
    return BackendUnavailable(sentence % {"model": model}, is_transient=False)


def loading_fault(error: BaseException, model: str) -> BackendError | None:
    """The sentence for what huggingface_hub, transformers or torch raise while loading; None for a bug."""
    if isinstance(error, BackendError):
        return error
    if isinstance(error, ImportError):
        return missing_packages(error.name or str(error))
    if (fault := memory_fault(error, model)) is not None:
        return fault
    names = {type(cause).__name__ for cause in _chain(error)}
    if names & _NOT_ALLOWED:
        sentence = _("“%(model)s” must be unlocked first: accept its licence at Hugging Face, and set HF_TOKEN.")
    elif names & _NO_NETWORK:
        sentence = _("“%(model)s” could not be downloaded: Hugging Face cannot be reached from this machine.")
    elif names & _NOT_FOUND:
        sentence = _("Hugging Face knows no model “%(model)s” that this site may download. Check the name.")
    elif "trust_remote_code" in str(error):
        sentence = _("“%(model)s” needs program code of its own, which this site does not run. Choose another model.")
    elif names & _DAMAGED or isinstance(error, OSError | ValueError):
        sentence = _(
            "The files of “%(model)s” are incomplete, damaged or of a kind that this site cannot load. "
            "It needs a text model in safetensors format."
        )
    else:
        return None
    return BackendError(sentence % {"model": model})


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
