"""What goes wrong with a model on this machine: as values that pass between processes, and as sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from conversations.errors import BackendError, BackendUnavailable

INSTALL = "pip install -r requirements-local.txt"


class Fault(Exception):
    """Something that people should hear. `name` is a key of SENTENCES; `details` fill its sentence."""

    def __init__(self, name: str, **details: Any):
        super().__init__(name, details)
        self.name = name
        self.details = details

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "details": self.details}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Fault:
        return cls(given["name"], **given["details"])

    def as_error(self) -> Exception:
        """What a backend raises for it, in the language of whoever is served."""
        if self.name == "bug":
            return RuntimeError(self.details["traceback"])
        kind, options = _KINDS.get(self.name, (BackendError, {}))
        return kind(SENTENCES[self.name]() % ({"command": INSTALL} | self.details), **options)


_KINDS: dict[str, tuple[type[BackendError], dict[str, Any]]] = {
    "memory": (BackendUnavailable, {"is_transient": False}),
    "killed": (BackendUnavailable, {"is_transient": False, "blames": "model"}),
    "ended": (BackendUnavailable, {"blames": "model", "retry_after": 2, "is_wait_told": False}),
    "too_long": (BackendError, {"status": 400, "concerns": "length"}),
}

SENTENCES: dict[str, Callable[[], str]] = {
    "missing_packages": lambda: _(
        "This site cannot run local models yet: %(names)s is missing. Its operator must run: %(command)s"
    ),
    "missing_path": lambda: _(
        "The local model “%(model)s” is not there: no such folder. Its administrator must correct LOCAL_MODEL."
    ),
    "too_long": lambda: _(
        "This conversation has %(tokens)s tokens, and the model reads %(limit)s at most. "
        "Start a new chat, or send a shorter message."
    ),
    "no_format": lambda: _(
        "“%(model)s” has no chat template, so nobody knows how to talk to it. Its administrator can choose the prompt "
        "format “labels” or “dialogpt” among its parameters, or an instruct or chat model instead."
    ),
    "memory": lambda: _(
        "The memory of this machine is too small for “%(model)s”. Choose a smaller model or a shorter chat."
    ),
    "killed": lambda: _(
        "The process of “%(model)s” was ended by the machine, most likely because memory ran out. "
        "Choose a smaller model or a shorter chat."
    ),
    "ended": lambda: _("The process of “%(model)s” has ended unexpectedly. Send the message again to start it anew."),
    "gated": lambda: _("“%(model)s” must be unlocked first: accept its licence at Hugging Face, and set HF_TOKEN."),
    "no_network": lambda: _(
        "“%(model)s” could not be downloaded: Hugging Face cannot be reached from this machine. "
        "Try again later, or put the model's folder on this machine and name that."
    ),
    "not_found": lambda: _("Hugging Face knows no “%(model)s” that this site may download. Check the name."),
    "disk_full": lambda: _("“%(model)s” could not be downloaded: the disk is full. Free some space and try again."),
    "needs_code": lambda: _(
        "“%(model)s” needs program code of its own, which this site does not run. Choose another model."
    ),
    "pickled": lambda: _(
        "“%(model)s” has no weights in safetensors format. Pickled ones can run any program, so they are not loaded. "
        "Choose a model in safetensors format."
    ),
    "damaged": lambda: _(
        "The files of “%(model)s” are incomplete, damaged or of a kind that this site cannot load. "
        "It needs a text model in safetensors format."
    ),
    "no_device": lambda: _(
        "“%(model)s” is to run on “%(device)s”, which this machine does not have. Set the device to “auto”."
    ),
    "unknown_token": lambda: _(
        "“%(model)s” knows no token “%(token)s”. Correct the stop tokens among its parameters in the admin."
    ),
    "adapter_missing": lambda: _(
        "The adapter “%(model)s” is not there: no such folder. Correct it among the model's parameters in the admin."
    ),
    "adapter_kind": lambda: _(
        "“%(model)s” is no LoRA adapter that this site can load. It needs adapter_config.json and "
        "adapter_model.safetensors, made by peft."
    ),
    "adapter_pickled": lambda: _(
        "The adapter “%(model)s” has its weights as a pickle, which can run any program, so it is not loaded. "
        "Save it in safetensors format."
    ),
    "adapter_base": lambda: _(
        "The adapter “%(model)s” was made for another model: it does not fit “%(base)s”. "
        "Choose the one that it was trained on, or another adapter."
    ),
}
