"""Reading the environment: the helpers on which settings.py stands. A wrong value is a sentence, not a traceback."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    value = text(name).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    if value:
        raise ImproperlyConfigured(f"{name} is “{value}”. Say 1 or 0.")
    return default


def number(name: str, default: float) -> float:
    value = text(name)
    try:
        found = float(value) if value else default
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ImproperlyConfigured(f"{name} is “{value}”. It must be a number.")
    return found


def whole(name: str, default: int) -> int:
    return int(number(name, default))


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def load_dotenv(path: Path) -> None:
    """NAME=value lines of a .env file, for development; what the environment already says wins.

    A value without quotes ends at " #", where a comment begins.
    """
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name and not name.startswith("#"):
            os.environ.setdefault(name.strip(), _unquoted(value.strip()))


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"') and value.find(value[0], 1) > 0:
        return value[1 : value.find(value[0], 1)]
    return "" if value.startswith("#") else value.partition(" #")[0].rstrip()


@dataclass(frozen=True, slots=True)
class MailServer:
    host: str = ""
    port: int = 587
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ssl: bool = False


MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def mail_server() -> MailServer:
    """From EMAIL_URL, else from EMAIL_HOST and its kin. Without a host there is no mail server."""
    if url := text("EMAIL_URL"):
        return _mail_server_at(url)
    tls, ssl = flag("EMAIL_USE_TLS"), flag("EMAIL_USE_SSL")
    port = whole("EMAIL_PORT", 465 if ssl else 587 if tls else 25)
    return MailServer(text("EMAIL_HOST"), port, text("EMAIL_HOST_USER"), text("EMAIL_HOST_PASSWORD"), tls, ssl)


def _mail_server_at(url: str) -> MailServer:
    """Raises ImproperlyConfigured for what cannot be read; the sentence does not repeat it, it holds a password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or MAIL_PORTS[parts.scheme]
    except (KeyError, ValueError):
        host = ""
    if not host or parts.scheme not in MAIL_PORTS:
        raise ImproperlyConfigured(
            "EMAIL_URL cannot be read. Write smtp+tls://user:password@host:587, or smtps:// or smtp://."
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(host, port, user, password, parts.scheme == "smtp+tls", parts.scheme == "smtps")
