"""What is done to selected chats, in the words of forms, and the sentences that tell of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations import services
from conversations.cleaning import whole_number
from conversations.errors import InputError, NotFound
from conversations.models import ConversationQuerySet, Folder
from conversations.places import Selection

UNDO = {"trash": ("restore", "trashed_at"), "archive": ("unarchive", "archived_at")}
UNDONE_BY = dict(UNDO.values())
PUT_BACK = "put_back"  # undoes what takes each chat from where it was
NEW = "new"  # a folder that is yet to be made


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done, as a sentence; and the fields of the form that undoes it, empty where none does."""

    sentence: str
    undo: Mapping[str, str] = field(default_factory=dict)


def do(user, verb: str, data: QueryDict) -> Deed:
    """Raises InputError, also where nothing was selected, and NotFound where nothing of it is there any more."""
    if verb == PUT_BACK:
        return _put_back(user, data)
    rows = _rows(user, verb, data)
    folder = _target(user, data) if verb == "move" else None
    moment = timezone.now()
    count = _done(user, verb, rows, folder, moment)
    if not count and not rows.exists():
        raise NotFound(_("These chats are not there any more. Load the page again to see what is."))
    takes_back = bool(data.get("at"))  # which is not taken back itself
    return Deed(_sentence(verb, count, folder), _way_back(verb, moment) if count and not takes_back else {})


def _way_back(verb: str, moment: datetime.datetime) -> Mapping[str, str]:
    if verb in UNDO:
        return {"do": UNDO[verb][0], "at": moment.isoformat()}
    return {"do": PUT_BACK, "of": verb, "at": moment.isoformat()} if verb in services.CHANGED else {}


def _put_back(user, data: QueryDict) -> Deed:
    verb = data.get("of", "")
    if verb not in services.CHANGED:
        raise InputError(_("This cannot be undone any more."))
    count = services.put_back(user, verb, _moment(data.get("at", "")))
    if not count:
        raise NotFound(_("These chats have been moved again meanwhile. They stay where they are now."))
    sentence = ngettext("The chat is back where it was.", "{count} chats are back where they were.", count)
    return Deed(sentence.format(count=count))


def _rows(user, verb: str, data: QueryDict) -> ConversationQuerySet:
    if (said := data.get("at")) and (name := UNDONE_BY.get(verb)):
        return _all_of_moment(user, verb, name, said)
    selection = Selection.of(data)
    if selection.is_empty:
        raise InputError(_("Select at least one chat first."))
    return selection.rows(user, verb)


def _all_of_moment(user, verb: str, name: str, said: str) -> ConversationQuerySet:
    rows = services.trash_of(user) if verb == "restore" else services.archive_of(user)
    return rows.filter(**{name: _moment(said)})


def _moment(said: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(said)
    except ValueError:
        raise InputError(_("This cannot be undone any more.")) from None
    if timezone.is_naive(moment):
        raise InputError(_("This cannot be undone any more."))
    return moment


def _target(user, data: QueryDict) -> Folder | None:
    """The folder to move to; None for out of all. Raises InputError and NotFound."""
    to = data.get("to", "")
    if to == NEW:
        return services.create_folder(user, data.get("name", ""))
    number = whole_number(to)
    return services.own_folder(user, number) if number is not None else None


def _done(user, verb: str, rows: ConversationQuerySet, folder: Folder | None, moment: datetime.datetime) -> int:
    verbs = {
        "pin": lambda: services.pin(user, rows, moment),
        "unpin": lambda: services.unpin(rows, moment),
        "archive": lambda: services.archive(rows, moment),
        "unarchive": lambda: services.unarchive(rows, moment),
        "move": lambda: services.move(rows, folder, moment),
        "trash": lambda: services.trash(rows, moment),
        "restore": lambda: services.restore(rows),
        "purge": lambda: services.purge(rows),
    }
    if verb not in verbs:
        raise InputError(_("This page was out of date. Load it again and try once more."))
    return verbs[verb]()


def _sentence(verb: str, count: int, folder: Folder | None) -> str:
    name, count = folder.name if folder else "", max(count, 1)  # 0: it was so before
    sentences = {
        "pin": lambda: ngettext("The chat is pinned.", "{count} chats are pinned.", count),
        "unpin": lambda: ngettext("The chat is not pinned any more.", "{count} chats are not pinned any more.", count),
        "archive": lambda: ngettext("The chat is in the archive.", "{count} chats are in the archive.", count),
        "unarchive": lambda: ngettext("The chat is back in the list.", "{count} chats are back in the list.", count),
        "trash": lambda: ngettext("The chat is in the trash.", "{count} chats are in the trash.", count),
        "restore": lambda: ngettext("The chat is back.", "{count} chats are back.", count),
        "purge": lambda: ngettext("The chat is gone for good.", "{count} chats are gone for good.", count),
        "move": lambda: (
            ngettext("The chat is in “{name}” now.", "{count} chats are in “{name}” now.", count)
            if folder
            else ngettext("The chat is in no folder now.", "{count} chats are in no folder now.", count)
        ),
    }
    # A folder may be called "{count}": what it is called is put in as it is.
    return sentences[verb]().format(count=count, name=name)
