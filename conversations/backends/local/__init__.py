"""A model on this machine, by transformers: in a process of its own, loaded once, answering many people at once.

torch and transformers cost hundreds of megabytes, and importing them holds Python's lock for half a second at a time:
so they live in a process beside the server's (the package `worker`), which starts with the first message. Nothing
outside that package imports them.
"""

from conversations.backends.local.backend import LocalBackend

__all__ = ["LocalBackend"]
