"""What is told of a file, or of one chat in it, that cannot be imported."""

from __future__ import annotations

from conversations.errors import InputError


class FileRefused(InputError):
    """Nothing of the file can be imported. The text is a sentence that says what to do."""


class ChatRefused(InputError):
    """This chat cannot be imported; others of the same file can."""
