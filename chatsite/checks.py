"""Wrong settings, told as sentences with an id and a hint. They are run by manage.py and at the start of asgi.py.

E001 SECRET_KEY       E002 ALLOWED_HOSTS    E003 ephemeral disk   E004 unknown store   E005 a connection to models
E006 the store        E007 a guard          E008 sign-up by mail  E009 a limit         E010 CHAT_CONNECTIONS
W001 several processes without Redis        W002 unknown default model
W003 any host name    W004 sender of mail   W005 translations
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from chatsite import environment as env
from chatsite.catalogues import stale
from conversations.backends import get_backend
from conversations.guards import get_guards
from conversations.stores import get_store

SQLITE = "chatsite.sqlite"
POSITIVE = [
    "CHAT_MAX_MESSAGE_LENGTH",
    "CHAT_MAX_DOCUMENT_SIZE",
    "CHAT_MAX_RUNNING_REPLIES",
    "CHAT_REPLY_DEADLINE",
    "CHAT_TRASH_DAYS",
    "CHAT_TITLE_TIMEOUT",
    "CHAT_BREAKER_COOLDOWN",
    "DATA_UPLOAD_MAX_MEMORY_SIZE",
    "CHAT_MAX_IMPORT_SIZE",
]


def check(function: Callable[[], Iterable[CheckMessage]]) -> Callable[[], Iterable[CheckMessage]]:
    """Register a function that yields what is wrong."""

    @register
    def run(app_configs: Any = None, **_kwargs: Any) -> list[CheckMessage]:
        return list(function())

    return function


@check
def secret_key() -> Iterator[CheckMessage]:
    if not settings.DEBUG and settings.SECRET_KEY == settings.DEVELOPMENT_SECRET_KEY:
        yield Error(
            "SECRET_KEY is not set. Sessions and links in mails are signed with it.",
            hint='Set it to a long random text: python -c "import secrets; print(secrets.token_urlsafe(50))"',
            id="chatsite.E001",
        )


@check
def allowed_hosts() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        return
    if not settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS is not set, so that every request would be refused.",
            hint="Name the site's hosts, with commas between them: ALLOWED_HOSTS=chat.example.org",
            id="chatsite.E002",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Warning(
            "ALLOWED_HOSTS is “*”: whoever asks for a password reset decides where the link in the mail leads.",
            hint="Name the site's hosts: ALLOWED_HOSTS=chat.example.org",
            id="chatsite.W003",
        )


@check
def ephemeral_disk() -> Iterator[CheckMessage]:
    on_disk = settings.DATABASES["default"]["ENGINE"] == SQLITE
    if settings.EPHEMERAL_DISK and on_disk and not settings.ALLOW_EPHEMERAL_DATA:
        yield Error(
            "The database is an SQLite file, and this host loses its disk at every restart.",
            hint="Set DATABASE_URL to a Postgres database. For a demonstration that may forget everything, "
            "set ALLOW_EPHEMERAL_DATA=1.",
            id="chatsite.E003",
        )


@check
def store() -> Iterator[CheckMessage]:
    name, known = settings.CONVERSATION_STORE_NAME, settings.CONVERSATION_STORES
    if name not in known:
        hint = f"Choose one of: {', '.join(known)}."
        if name == "s3":
            hint = "Name the bucket in AWS_STORAGE_BUCKET_NAME."
        yield Error(f"CONVERSATION_STORE is “{name}”, which is not configured.", hint=hint, id="chatsite.E004")
        return
    yield from _built("The conversation store", get_store, "CONVERSATION_STORE", "chatsite.E006")


@check
def connections() -> Iterator[CheckMessage]:
    for problem in settings.CONNECTIONS.problems:
        yield Error(problem.sentence, hint=problem.hint, id="chatsite.E010")


@check
def backends() -> Iterator[CheckMessage]:
    for alias in settings.CHAT_BACKENDS:
        yield from _built(
            f"The connection “{alias}”", lambda alias=alias: get_backend(alias), "CHAT_BACKENDS", "chatsite.E005"
        )


@check
def guards() -> Iterator[CheckMessage]:
    yield from _built("A guard", get_guards, "CHAT_GUARDS", "chatsite.E007")


def _built(what: str, build: Callable[[], Any], setting: str, number: str) -> Iterator[CheckMessage]:
    """What the thing finds wrong with itself, or why it could not be built."""
    try:
        made = build()
    except (ImportError, ImproperlyConfigured, KeyError, TypeError, ValueError) as error:
        reason = f"{setting} lacks {error}." if isinstance(error, KeyError) else f"{error}"
        hint = f"Look at its dotted path and its OPTIONS in {setting}."
        yield Error(f"{what} cannot be used: {reason.rstrip('.')}.", hint=hint, id=number)
        return
    if hasattr(made, "check"):
        yield from made.check()


@check
def default_model() -> Iterator[CheckMessage]:
    """Only what the owner chose, and only where every connection tells its models: the catalogue may hold more."""
    wanted = env.text("CHAT_DEFAULT_MODEL")
    if not wanted or wanted != settings.CHAT_DEFAULT_MODEL:
        return
    try:
        offers = {alias: get_backend(alias).models() for alias in settings.CHAT_BACKENDS}
    except Exception:  # told by E005
        return
    known = {entry.get("model_id") for entries in offers.values() for entry in entries}
    if all(offers.values()) and wanted not in known | set(offers):
        yield Warning(
            f"CHAT_DEFAULT_MODEL is “{wanted}”, which no connection offers. Another model will be the default.",
            hint=f"Choose one of: {', '.join(sorted(filter(None, known)))}. Or add it in the admin.",
            id="chatsite.W002",
        )


@check
def mail() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        return
    if settings.EMAIL_BACKEND.endswith(".dummy.EmailBackend"):
        if settings.SIGNUP_OPEN and settings.SIGNUP_VERIFY_EMAIL:
            yield Error(
                "Sign-up is open and confirms addresses by mail, but no mail server is configured.",
                hint="Set EMAIL_URL=smtp+tls://user:password@host:587; or let people in unconfirmed with "
                "SIGNUP_VERIFY_EMAIL=0; or close sign-up with SIGNUP_OPEN=0.",
                id="chatsite.E008",
            )
    elif settings.EMAIL_HOST and settings.DEFAULT_FROM_EMAIL.endswith("@localhost"):
        yield Warning(
            f"Mails would come from {settings.DEFAULT_FROM_EMAIL}, which mail servers refuse.",
            hint="Set DEFAULT_FROM_EMAIL to an address that your mail server may send from.",
            id="chatsite.W004",
        )


@check
def limits() -> Iterator[CheckMessage]:
    for name in POSITIVE:
        value = getattr(settings, name)
        if value <= 0:
            yield Error(f"{name} is {value}.", hint="It must be greater than 0.", id="chatsite.E009")
    if settings.TRUSTED_PROXIES < 0:
        yield Error(
            f"TRUSTED_PROXIES is {settings.TRUSTED_PROXIES}.",
            hint="Say how many proxies of yours stand before this server: 0 or more.",
            id="chatsite.E009",
        )


@check
def translations() -> Iterator[CheckMessage]:
    missing = stale()
    if missing:
        languages = ", ".join(sorted({path.parent.parent.name for path in missing}))
        yield Warning(
            f"Translations are not compiled, or are older than their texts: {languages}. Pages are in English instead.",
            hint="Run: python manage.py compilemessages",
            id="chatsite.W005",
        )


@check
def processes() -> Iterator[CheckMessage]:
    count = env.whole("WEB_CONCURRENCY", 1)
    if count > 1 and not settings.REDIS_URL and not env.text("DYNO"):  # Heroku sets it by itself; the Procfile knows
        yield Warning(
            f"WEB_CONCURRENCY asks for {count} processes, which know of each other only through Redis. Answers would "
            "arrive in steps of a second, and each process would count failed log-ins for itself.",
            hint="Set REDIS_URL, or WEB_CONCURRENCY=1.",
            id="chatsite.W001",
        )
