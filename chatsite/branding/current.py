"""How the site presents itself now. Pages ask here; the database is read every few seconds at most, not per request."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils.translation import get_language

from chatsite.branding import colours
from chatsite.branding.models import Announcement, Button, Example, Site, SiteText

logger = logging.getLogger("chatsite.branding")
NOTHING: Mapping = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Branding:
    """Compared by identity: what was read is one thing.

    `css` is the accent and the owner's style sheet; versions change with what they stand for, and are empty without.

    `texts` and `labels` by their kind and language; `off` are names of buttons.
    """

    name: str = ""
    css: str = ""
    css_version: str = ""
    logo_version: str = ""
    must_agree: bool = False
    agreed_since: datetime | None = None
    texts: Mapping[tuple[str, str], str] = field(default_factory=lambda: NOTHING)
    labels: Mapping[tuple[str, str], str] = field(default_factory=lambda: NOTHING)
    off: frozenset[str] = frozenset()
    announcements: tuple[Announcement, ...] = ()
    examples: tuple[Example, ...] = ()

    @property
    def site_name(self) -> str:
        return self.name or settings.SITE_NAME

    def text(self, kind: str) -> str:
        """In the reader's language, else the one for every language; empty if there is neither."""
        return self.texts.get((kind, get_language() or "")) or self.texts.get((kind, ""), "")

    def label(self, button: str) -> str:
        return self.labels.get((button, get_language() or "")) or self.labels.get((button, ""), "")


@dataclass(frozen=True, slots=True)
class _Known:
    branding: Branding
    at: float


_known = _Known(Branding(), float("-inf"))
_reading = threading.Lock()


def current() -> Branding:
    """What is known, read again if it is older than BRANDING_AGE. Never raises: what was known stays."""
    if not is_fresh() and not _is_on_loop():
        _refresh()
    return _known.branding


def known() -> Branding:
    """What is known, without asking the database: for pages that say that it is away, and for the event loop."""
    return _known.branding


def is_fresh() -> bool:
    """Whether `current` would not ask the database."""
    return time.monotonic() - _known.at < settings.BRANDING_AGE


def _is_on_loop() -> bool:
    """Whether this thread serves everybody, and must not wait."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _refresh() -> None:
    never_read = _known.at == float("-inf")
    if not _reading.acquire(blocking=never_read):
        return  # somebody else reads it; until then what is known will do
    try:
        if not is_fresh():
            _take(_read())
    except DatabaseError as error:
        logger.warning("How the site presents itself could not be read: %s", type(error).__name__)
        _take(_known.branding)
    finally:
        _reading.release()


def _take(branding: Branding) -> None:
    global _known
    _known = _Known(branding, time.monotonic())


def reset() -> None:
    """As if nothing stood in the database; for tests, which undo what they wrote there."""
    _take(Branding())


def forget(**_signal: object) -> None:
    """What is changed in this process is seen in it at once, and again when it is committed."""
    _drop()
    transaction.on_commit(_drop)


def _drop() -> None:
    global _known
    _known = _Known(_known.branding, time.monotonic() - settings.BRANDING_AGE)


def _read() -> Branding:
    site = Site.objects.defer("logo").filter(pk=Site.KEY).first() or Site()
    buttons = list(Button.objects.all())
    css = "\n".join(filter(None, [colours.tokens(site.accent) if site.accent else "", site.css]))
    return Branding(
        name=site.name,
        css=css,
        css_version=version(css.encode()),
        logo_version=site.logo_version,
        must_agree=site.must_agree,
        agreed_since=site.agreed_since,
        texts={(row.kind, row.language): row.text for row in SiteText.objects.all()},
        labels={(row.name, row.language): row.label for row in buttons if row.label},
        off=frozenset(row.name for row in buttons if row.is_off),
        announcements=tuple(Announcement.objects.filter(enabled=True)),
        examples=tuple(Example.objects.filter(enabled=True)),
    )


def version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12] if content else ""
