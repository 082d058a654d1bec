"""What a catalogue entry says of its model to this backend: ChatModel.parameters, checked and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from conversations.backends.local.source import is_path
from conversations.reasoning import MODES, PARAMETER

TEMPLATE, DIALOGPT, LABELS = FORMATS = ("template", "dialogpt", "labels")
USUAL_LABELS = {"user": "<human>:", "assistant": "<bot>:"}


@dataclass(frozen=True, slots=True)
class Parameters:
    """prompt_format     "template" (the tokenizer's own), "dialogpt" (turns joined by the end of text) or "labels"
    user, assistant   the labels, for example "<human>:" and "<bot>:"
    stop              strings before which the answer ends
    stop_tokens       tokens that end it: their text, or their numbers
    adapter           a LoRA adapter: a folder, or a name at Hugging Face
    adapter_revision  its branch, tag or commit
    """

    prompt_format: str = TEMPLATE
    user: str = USUAL_LABELS["user"]
    assistant: str = USUAL_LABELS["assistant"]
    stop: tuple[str, ...] = ()
    stop_tokens: tuple[str | int, ...] = ()
    adapter: str = ""
    adapter_revision: str | None = None

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Parameters:
        """From what `check` has found right."""
        return cls(
            prompt_format=given.get("prompt_format") or TEMPLATE,
            **(USUAL_LABELS | (given.get("labels") or {})),
            stop=tuple(_listed(given.get("stop"))),
            stop_tokens=tuple(_listed(given.get("stop_tokens"))),
            adapter=given.get("adapter") or "",
            adapter_revision=given.get("adapter_revision") or None,
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check(given: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each thing that is wrong."""
    for name, value in given.items():
        if name not in _RULES:
            known = ", ".join(_RULES)
            yield _("A local model knows no parameter “{name}”. It knows: {known}.").format(name=name, known=known)
        elif value is not None and not _RULES[name][0](value):
            yield _("The parameter “{name}” must be {what}.").format(name=name, what=_RULES[name][1]())
    if given.get("labels") and given.get("prompt_format") != LABELS:
        yield _("Labels count only with the prompt format “labels”. Set it, or remove them.")
    if given.get("adapter_revision") and not given.get("adapter"):
        yield _("There is a revision of an adapter, but no adapter. Name one, or remove the revision.")
    adapter = given.get("adapter")
    if isinstance(adapter, str) and is_path(adapter) and not Path(adapter).expanduser().is_dir():
        yield _("The adapter “{path}” is not there: no such folder.").format(path=adapter)


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else [value] if value not in (None, "") else []


def _is_labels(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= USUAL_LABELS.keys()
        and all(isinstance(label, str) and label.strip() for label in value.values())
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_stop(value: Any) -> bool:
    return all(isinstance(item, str) and item for item in _listed(value))


def _is_stop_token(value: Any) -> bool:
    return all(
        (isinstance(item, str) and item) or (isinstance(item, int) and not isinstance(item, bool) and item >= 0)
        for item in _listed(value)
    )


_Rule = tuple[Callable[[Any], bool], Callable[[], str]]
_RULES: dict[str, _Rule] = {
    "prompt_format": (lambda value: value in FORMATS, lambda: _("one of “template”, “dialogpt” and “labels”")),
    "labels": (_is_labels, lambda: _('two texts, for example {"user": "<human>:", "assistant": "<bot>:"}')),
    "stop": (_is_stop, lambda: _('a list of texts, for example ["</s>"]')),
    "stop_tokens": (_is_stop_token, lambda: _('a list of tokens or of their numbers, for example ["</s>", 2]')),
    "adapter": (_is_text, lambda: _("a folder, or a name at Hugging Face")),
    "adapter_revision": (_is_text, lambda: _("a branch, a tag or a commit")),
    PARAMETER: (lambda value: value in MODES, lambda: _("one of “tags”, “opened” and “off”")),
}
