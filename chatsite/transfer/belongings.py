"""What is a person's beside their chats: folders, personas and saved prompts, which come back, and their preferences.

In the archive of everything each kind is a file: a list, whose items say what they are, so that each is read by itself.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatsite.transfer.problems import ChatRefused
from chatsite.transfer.reading import line, text
from conversations import services
from conversations.services import Fate

VERSION = 1
PREFERENCES = "preferences.json"


@dataclass(frozen=True, slots=True)
class File:
    """Of an archive. `said` is its line in the report."""

    name: str
    text: str
    said: str


class Kind(ABC):
    """One kind of thing. `name` stands in files and reports."""

    name: ClassVar[str]

    @property
    def file(self) -> str:
        return f"{self.name}s.json"

    @property
    def format(self) -> str:
        return f"chatsite.{self.name}"

    @abstractmethod
    def items(self, user) -> list[dict[str, Any]]:
        """All of this person's."""

    @abstractmethod
    def said(self, count: int) -> str:
        """The sentence of the report."""

    @abstractmethod
    def is_there(self, user, item: dict[str, Any]) -> bool: ...

    @abstractmethod
    def take(self, user, item: dict[str, Any]) -> None:
        """Raises InputError and its family for what cannot be taken in."""

    def title(self, item: dict[str, Any]) -> str:
        return line(item.get("name"))


class Folders(Kind):
    name = "folder"

    def items(self, user):
        return [{"name": folder.name} for folder in services.folders_of(user)]

    def said(self, count):
        return ngettext("{count} folder is in folders.json.", "{count} folders are in folders.json.", count)

    def is_there(self, user, item):
        return self.title(item) in {folder.name for folder in services.folders_of(user)}

    def take(self, user, item):
        services.create_folder(user, self.title(item))


class Personas(Kind):
    name = "persona"

    def items(self, user):
        return [
            {"name": one.name, "description": one.description, "prompt": one.prompt}
            for one in services.own_personas(user)
        ]

    def said(self, count):
        return ngettext(
            "{count} persona of your own is in personas.json.",
            "{count} personas of your own are in personas.json.",
            count,
        )

    def is_there(self, user, item):
        return services.own_personas(user).filter(name=self.title(item), prompt=_text(item.get("prompt"))).exists()

    def take(self, user, item):
        description, prompt = text(item.get("description")), text(item.get("prompt"))
        services.save_persona(user, name=self.title(item), description=description, prompt=prompt)


class Prompts(Kind):
    name = "prompt"

    def items(self, user):
        return [{"name": one.name, "text": one.text} for one in services.own_prompts(user)]

    def said(self, count):
        return ngettext(
            "{count} prompt that you saved is in prompts.json.",
            "{count} prompts that you saved are in prompts.json.",
            count,
        )

    def is_there(self, user, item):
        name = services.as_name(text(item.get("name")))
        return services.own_prompts(user).filter(name=name, text=_text(item.get("text"))).exists()

    def take(self, user, item):
        services.save_prompt(user, name=text(item.get("name")), text=text(item.get("text")))


KINDS: tuple[Kind, ...] = (Folders(), Personas(), Prompts())
NAMES = tuple(kind.name for kind in KINDS)
FILES = frozenset(kind.file for kind in KINDS)


def files(user) -> list[File]:
    """What the archive of everything holds beside chats; nothing for what there is none of."""
    found = []
    for kind in KINDS:
        if items := kind.items(user):
            marked = [{"format": kind.format, "version": VERSION, **item} for item in items]
            found.append(File(kind.file, _json(marked), kind.said(len(items)).format(count=len(items))))
    sentence = _("Your preferences are in preferences.json. They are not imported: set them in your settings.")
    return [*found, File(PREFERENCES, _json(_preferences(user)), sentence)]


def kind_of(data: Any) -> Kind | None:
    """What a decoded item is; None for what is none of these."""
    said = data.get("format") if isinstance(data, dict) else None
    return next((kind for kind in KINDS if kind.format == said), None)


def take_in(user, kind: Kind, item: dict[str, Any], *, is_confirmed: bool) -> Fate:
    """What becomes of it, or would. What is here already stays as it is. Raises InputError and its family."""
    if item.get("version") != VERSION:
        raise ChatRefused(
            _("It was exported by a newer version of this site. Ask an administrator to update this one.")
        )
    if kind.is_there(user, item):
        return Fate.THERE
    with transaction.atomic():
        kind.take(user, item)
        transaction.set_rollback(not is_confirmed)
    return Fate.NEW


def _preferences(user) -> dict[str, Any]:
    defaults = services.defaults_of(user)
    model, persona = defaults.model, defaults.persona
    return {
        "format": "chatsite.preferences",
        "version": VERSION,
        **{name: getattr(user, name) for name in ("name", "email", "language", "theme", "text_size", "send_key")},
        "new_chats": {
            "model": {"backend": model.backend, "model_id": model.model_id, "label": model.label} if model else None,
            "persona": persona.name if persona else None,
            "system_prompt": defaults.system_prompt,
            "options": defaults.options,
        },
    }


def _text(value: Any) -> str:
    """As services keep it."""
    return text(value).replace("\r\n", "\n").strip()


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
