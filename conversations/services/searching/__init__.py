"""Searching one's own conversations: titles and messages, on whichever database, in whichever store they are kept.

    search(user, Wanted("pho recipe", folder=3)) -> Found

The index finds the newest candidates; which of them fit, how well, and what is shown of them is decided here, so both
databases give the same. Its work is bounded however much there is.
"""

from conversations.services.searching.found import Found, MessageHit, TitleHit
from conversations.services.searching.looking import Wanted, search
from conversations.services.searching.snippets import Piece

__all__ = ["Found", "MessageHit", "Piece", "TitleHit", "Wanted", "search"]
