"""The README is complete: every setting that is read is told, and what is told exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.serving import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "bench/RESULTS.md"]
]
READERS = {"text", "flag", "number", "whole", "words"}


def told() -> set[str]:
    """The variables in the first column of the settings table."""
    table = README.split("## Settings")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([A-Z0-9_]+)` \|", table, re.MULTILINE))


def read_by(path: str) -> set[str]:
    """The environment variables that a module asks for: env.text("NAME"), flag("NAME"), os.environ.get("NAME")."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        is_environ = name == "get" and ast.unparse(function).startswith("os.environ.")
        if name in READERS or is_environ:
            names.add(node.args[0].value)
    return names


def test_the_settings_table_is_complete_and_tells_nothing_that_is_not_there():
    read = (
        read_by("chatsite/settings.py")
        | read_by("chatsite/connections.py")
        | read_by("chatsite/environment.py")
        | read_by("deploy/gunicorn.conf.py")
    )
    assert told() == read


def test_the_reader_of_settings_sees_every_way_of_reading():
    assert {"DEBUG", "ALLOWED_HOSTS", "CHAT_MAX_MESSAGE_LENGTH", "CHAT_REPLY_DEADLINE"} <= read_by(
        "chatsite/settings.py"
    )
    assert "PORT" in read_by("deploy/gunicorn.conf.py")
    assert "EMAIL_URL" in read_by("chatsite/environment.py")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_and_picture_leads_somewhere(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    folder = (ROOT / document).parent
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    broken = [link for link in links if link and "://" not in link and not (folder / link).exists()]
    assert broken == []


def headings(path: Path) -> set[str]:
    """The anchors of a document, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_into_a_document_leads_to_a_heading(document):
    path = ROOT / document
    links = re.findall(r"\]\(([^)\s:]*)#([^)\s]+)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if link[1] not in headings(path.parent / link[0] if link[0] else path)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_and_command_that_is_named_exists(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    commands = set(re.findall(r"manage\.py (\w+)", text))
    known = {path.stem for path in ROOT.glob("c*/**/management/commands/*.py")}
    django = {"migrate", "createsuperuser", "check", "collectstatic", "shell", "makemigrations", "test"}
    assert commands <= known | django
