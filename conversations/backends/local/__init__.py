"""A model inside this process, by transformers: loaded once, one reply at a time.

torch and transformers cost hundreds of megabytes and seconds: they are imported with the first message (engine.py),
never by settings or checks.
"""

from conversations.backends.local.backend import LocalBackend

__all__ = ["LocalBackend"]
