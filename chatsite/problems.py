"""What can go wrong between a browser and this site, and how it is told: status, code, title and sentence."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _


class Problem(NamedTuple):
    status: int
    code: str
    title: str
    message: str


BAD_REQUEST = Problem(
    400,
    "bad_request",
    _("That request could not be read"),
    _("Your browser sent something that this site does not understand. Go back and try again."),
)
FORBIDDEN = Problem(
    403,
    "forbidden",
    _("This page is not open to you"),
    _("Your account has no right to it. If you need it, ask an administrator of this site."),
)
STALE_FORM = Problem(
    403,
    "stale_form",
    _("This page was out of date"),
    _(
        "For your safety nothing was done. This happens when you log in or out in another tab, "
        "or when cookies are switched off."
    ),
)
NOT_FOUND = Problem(
    404,
    "not_found",
    _("There is nothing here"),
    _("The address may be mistyped, or what stood here has been deleted."),
)
TOO_LARGE = Problem(
    413,
    "too_large",
    _("That was too much at once"),
    _("What you sent is larger than this site accepts. Go back, shorten it and send it again."),
)
IMPORT_TOO_LARGE = Problem(
    413,
    "import_too_large",
    _("This file cannot be taken in"),
    _(
        "It is too large, or there is no room for it right now, or the import page had stood open for too long. "
        "Open that page again: it says how large a file may be. Several smaller files can be imported one by one."
    ),
)
IMPORT_BUSY = Problem(
    503,
    "import_busy",
    _("Other files are arriving right now"),
    _(
        "Yours was not read, because a few large files at a time are taken in, and one of each person. "
        "Wait a minute, then send it again."
    ),
)
IMPORT_SLOW = Problem(
    503,
    "import_slow",
    _("This file came too slowly"),
    _(
        "It was cut off, so that others can send theirs. Send it again over a faster connection, "
        "or export your chats in several smaller files."
    ),
)
TOO_MANY_REQUESTS = Problem(
    429,
    "too_many_requests",
    _("Too many attempts"),
    _("For the safety of all accounts, wait a few minutes before you try again."),
)
SERVER_ERROR = Problem(
    500,
    "server_error",
    _("Something went wrong here"),
    _("It was our fault, and it has been noted. Try again; if it happens again, tell an administrator."),
)
DATABASE_AWAY = Problem(
    503,
    "database_unavailable",
    _("The site cannot reach its database"),
    _("Nothing of yours is lost. Try again in a moment."),
)
OVERDUE = Problem(
    503,
    "overdue",
    _("The site takes too long to answer"),
    _("Something that it needs does not answer. Nothing of yours is lost. Try again in a moment."),
)
MAIL_UNAVAILABLE = Problem(
    503,
    "mail_unavailable",
    _("The e-mail could not be sent"),
    _("The mail server does not answer. Try again in a few minutes."),
)
