"""The order of the layers, and who may import what. Imports are read, not run, those inside functions included."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A module may import modules of its own row or of a row above, never of a row below.
ROWS = [
    {"types", "errors", "cleaning", "outage", "reasoning", "sources", "threads"},
    {"models", "signals", "plain_sql"},
    {"guards", "backends", "stores", "indexing", "rendering", "relay", "examples"},
    {"titles", "outbox", "measures", "parts", "presenting", "remarks", "comparisons"},
    {"streaming"},
    {"services"},
    {
        "access",
        "browsing",
        "commands",
        "excerpts",
        "deeds",
        "forms",
        "listing",
        "pages",
        "composing",
        "panel",
        "places",
        "sidebar",
        "responses",
        "views",
        "admin",
        "management",
        "urls",
        "templatetags",
        "apps",
    },
]
ROW = {module: number for number, row in enumerate(ROWS) for module in row}
UNORDERED = {"migrations"}
OWNERS = {
    "markdown": ("conversations.rendering",),
    "bleach": ("conversations.rendering",),
    "pygments": ("conversations.rendering",),
    "huggingface_hub": (
        "conversations.backends.huggingface",
        "conversations.backends.servers.hub_client",
        "conversations.backends.local",  # transformers fetches models with it; its errors become sentences there
    ),
    "transformers": ("conversations.backends.local",),
    "torch": ("conversations.backends.local",),
    "boto3": ("conversations.stores",),
    "storages": ("conversations.stores",),
}
STANDARD_LIBRARY_ONLY = ["conversations.types", "conversations.errors"]


def modules(package: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield name, ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(name: str, tree: ast.Module, *, is_package: bool = False) -> Iterator[str]:
    """What a module imports, as absolute dotted names; `from a import b` counts as a and as a.b."""
    package = name.split(".") if is_package else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            base += (node.module or "").split(".") if node.module else []
            yield ".".join(base)
            yield from (".".join([*base, alias.name]) for alias in node.names)


def all_imports(*packages: str) -> Iterator[tuple[str, str]]:
    for package in packages:
        for name, tree in modules(package):
            is_package = (ROOT / Path(*name.split(".")) / "__init__.py").is_file()
            for imported in imports(name, tree, is_package=is_package):
                yield name, imported


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def layer_of(name: str) -> str | None:
    """`streaming` for conversations.streaming.writer; None outside the heart and for the package itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == "conversations" and len(parts) > 1 else None


def breaks_of_order(pairs: Iterator[tuple[str, str]]) -> set[str]:
    broken = set()
    for name, imported in pairs:
        here, there = layer_of(name), layer_of(imported)
        if here in ROW and there in ROW and ROW[there] > ROW[here]:
            broken.add(f"{name} imports {imported}, of a row below")
    return broken


def test_every_module_of_the_heart_has_its_row():
    layers = {layer_of(name) for name, _ in modules("conversations")} - {None}
    assert layers - set(ROW) - UNORDERED == set()


def test_nothing_imports_from_a_row_below():
    assert breaks_of_order(all_imports("conversations")) == set()


def test_the_heart_imports_nothing_of_the_site():
    assert {pair for pair in all_imports("conversations") if within(pair[1], "chatsite")} == set()


def test_backends_know_neither_the_database_nor_its_models():
    forbidden = ("django.db", "conversations.models", "conversations.stores", "django.contrib")
    broken = {
        (name, imported)
        for name, imported in all_imports("conversations/backends")
        if any(within(imported, package) for package in forbidden)
    }
    assert broken == set()


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_has_one_owner(library):
    broken = {
        name
        for name, imported in all_imports("conversations", "chatsite")
        if within(imported, library) and not any(within(name, owner) for owner in OWNERS[library])
    }
    assert broken == set()


@pytest.mark.parametrize("name", STANDARD_LIBRARY_ONLY)
def test_values_and_errors_stand_on_the_standard_library(name):
    tree = dict(modules("conversations"))[name]
    foreign = {imported.split(".")[0] for imported in imports(name, tree)} - set(sys.stdlib_module_names)
    assert foreign <= {"conversations"}


@pytest.mark.parametrize(
    "source",
    [
        "from conversations.services import send_message",
        "from conversations import services",
        "import conversations.services",
        "from ..services import send_message",
        "def later():\n    from conversations import services",
    ],
)
def test_every_way_to_import_from_below_is_seen(source):
    name = "conversations.streaming.writer"
    pairs = ((name, imported) for imported in imports(name, ast.parse(source)))
    assert breaks_of_order(pairs) != set()


def test_importing_from_above_is_allowed():
    name = "conversations.streaming.writer"
    tree = ast.parse("from conversations.models import Generation\nfrom .reply import LiveReply\nimport asyncio")
    assert breaks_of_order((name, imported) for imported in imports(name, tree)) == set()
