"""The pages of export and import; they work without JavaScript."""

from chatsite.transfer.views.exports import chat, download, everything, home, print_page

__all__ = ["chat", "download", "everything", "home", "print_page"]
