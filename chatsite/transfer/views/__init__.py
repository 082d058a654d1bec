"""The pages of export and import; they work without JavaScript."""

from chatsite.transfer.views.exports import chat, download, everything, print_page
from chatsite.transfer.views.imports import discard, home, job, start, stop, undo, upload

__all__ = ["chat", "discard", "download", "everything", "home", "job", "print_page", "start", "stop", "undo", "upload"]
