"""What the help tells of the keyboard is what the keyboard does."""

from __future__ import annotations

import re
from pathlib import Path

from conversations.commands import COMMANDS

STATIC = Path(__file__).resolve().parent.parent / "static" / "js"


def test_the_keys_that_are_told_are_the_keys_that_are_listened_for():
    table = re.search(r"const SHORTCUTS = \{(.*?)\};", (STATIC / "shortcuts.js").read_text(), re.DOTALL)[1]
    listened_for = {name: keys for keys, name in re.findall(r'"?([\w+/]+)"?: "(\w+)"', table)}
    assert listened_for == {command.name: "+".join(command.keys) for command in COMMANDS}


def test_every_command_is_done_by_something():
    code = (STATIC / "keys.js").read_text()
    tables = re.search(r"const BUTTONS = \{(.*?)\};\nconst OTHERS = \{(.*?)\};", code, re.DOTALL).groups()
    assert {name for table in tables for name in re.findall(r"^  (\w+):", table, re.MULTILINE)} == {
        command.name for command in COMMANDS
    }
