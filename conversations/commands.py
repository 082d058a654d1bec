"""What the keyboard can do: shortcuts, told in a dialog and as commands of the palette. static/js/keys.js does them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Command:
    """`keys` as static/js/shortcuts.js names them; "mod" is ⌘ on Apple's machines and Ctrl elsewhere."""

    name: str
    label: str | Promise
    keys: tuple[str, ...]
    icon: str
    in_palette: bool = True


COMMANDS = [
    Command("palette", _("Search and commands"), ("mod", "k"), "search", in_palette=False),
    Command("new", _("New chat"), ("mod", "shift", "o"), "square-pen"),
    Command("composer", _("To the message"), ("shift", "escape"), "message-square", in_palette=False),
    Command("stop", _("Stop the answer"), ("escape",), "square"),
    Command("edit", _("Edit the last message"), ("mod", "shift", "e"), "pencil"),
    Command("copy", _("Copy the last answer"), ("mod", "shift", "c"), "copy"),
    Command("sidebar", _("Open or close the sidebar"), ("mod", "shift", "s"), "panel-left"),
    Command("undo", _("Undo"), ("mod", "z"), "undo-2", in_palette=False),
    Command("keys", _("Keyboard shortcuts"), ("mod", "/"), "keyboard"),
]
NAMES = {
    "mod": "Ctrl",
    "shift": _("Shift"),
    "escape": _("Esc"),
}
"""What stands on keys; others are their own name."""


def shown_keys(command: Command) -> list[tuple[str, str | Promise]]:
    """Each key with what stands on it."""
    return [(key, NAMES.get(key, key.upper())) for key in command.keys]
