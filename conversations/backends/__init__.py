"""The configured backends, by alias: `get_backend("huggingface")`."""

from __future__ import annotations

from threading import Lock

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from conversations.backends.base import ChatBackend
from conversations.backends.breaker import forget_breakers
from conversations.errors import BackendUnavailable

__all__ = ["ChatBackend", "aclose_all", "get_backend", "has_language_model", "prepare_all"]

_instances: dict[str, ChatBackend] = {}
_lock = Lock()


def get_backend(alias: str) -> ChatBackend:
    """The one instance of this process. Raises BackendUnavailable if settings no longer name it."""
    if alias not in _instances:
        with _lock:  # threads and the loop must not make two: a model would be loaded twice
            if alias not in _instances:
                _instances[alias] = _made(alias)
    return _instances[alias]


def _made(alias: str) -> ChatBackend:
    try:
        config = settings.CHAT_BACKENDS[alias]
    except KeyError:
        message = _("The connection “{name}” is not configured on this site any more.").format(name=alias)
        raise BackendUnavailable(message, is_transient=False) from None
    return import_string(config["BACKEND"])(alias=alias, **config.get("OPTIONS", {}))


def has_language_model() -> bool:
    return any(get_backend(alias).is_language_model for alias in settings.CHAT_BACKENDS)


def prepare_all() -> None:
    """Once, when a server process has started: load what is to be there before the first message."""
    for alias in settings.CHAT_BACKENDS:
        get_backend(alias).prepare()


async def aclose_all() -> None:
    while _instances:
        _, backend = _instances.popitem()
        await backend.aclose()


def _forget(*, setting: str, **_: object) -> None:
    if setting == "CHAT_BACKENDS":
        _instances.clear()
        forget_breakers()


setting_changed.connect(_forget, dispatch_uid="conversations.backends")
