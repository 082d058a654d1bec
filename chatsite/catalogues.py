"""Translations: catalogues are committed as text (.po) and compiled (.mo) where the site is set up.

Django's own compilemessages needs GNU gettext, which few hosts have; polib does the same in Python alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings


def catalogues() -> Iterator[Path]:
    """The texts of every language that is translated here."""
    for folder in settings.LOCALE_PATHS:
        yield from sorted(Path(folder).glob("*/LC_MESSAGES/*.po"))


def stale() -> list[Path]:
    """Catalogues that were changed since they were compiled, or never were."""
    return [text for text in catalogues() if _age(text.with_suffix(".mo")) < _age(text)]


def _age(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def compile_catalogue(text: Path) -> None:
    """Write the .mo beside it, at once: another process may be reading. Raises OSError, also for a broken catalogue."""
    import polib  # only where something is compiled

    with NamedTemporaryFile(dir=text.parent, suffix=".tmp", delete=False) as file:
        file.write(polib.pofile(str(text)).to_binary())
    os.chmod(file.name, 0o644)
    os.replace(file.name, text.with_suffix(".mo"))
