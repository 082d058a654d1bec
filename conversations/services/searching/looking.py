"""Looking for something: rights and filters first, then the index, then the order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import thread_time
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from conversations.indexing import Look, get_index
from conversations.models import Conversation, SearchEntry
from conversations.services.searching.found import Found, MessageHit, TitleHit
from conversations.services.searching.query import SearchQuery
from conversations.services.searching.snippets import Fit, fit

MOST_TITLES = 20
MOST_MESSAGES = 100  # the newest that fit, among which the best are chosen
MOST_PER_CHAT = 3
LOOKING = 0.3  # seconds of CPU; texts that are not looked at by then are not found
FEW_CHATS = 500  # so many can be named to the index; of more, each entry is looked at


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. A model's and a folder's key; times from `since` on, before `until`; `chat`: only there."""

    text: str = ""
    model: int | None = None
    folder: int | None = None
    chat: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_narrowed(self) -> bool:
        return any((self.model, self.folder, self.chat, self.since, self.until))

    def chats_of(self, user) -> QuerySet[Conversation]:
        """Those that a search may look into. What is in the trash is nowhere among them."""
        chats = Conversation.objects.for_user(user).order_by()
        given = {"model": self.model, "folder": self.folder, "pk": self.chat}
        given |= {"updated_at__gte": self.since, "created_at__lt": self.until}
        return chats.filter(**{name: value for name, value in given.items() if value is not None})


def search(user, wanted: Wanted) -> Found:
    """What this person has said and been told, and how the chats are called."""
    query = SearchQuery.parse(wanted.text)
    asked = query.groups()
    growing = Conversation.objects.for_user(user).filter(is_indexed=False).exists()
    if not asked:
        return Found(is_growing=growing)
    try:
        entries = _entries(user, wanted, asked)
    except EmptyResultSet:  # nobody is logged in
        return Found()
    found = _found(user, wanted, query, entries)
    said = sum(1 for entry in entries if entry.message_id)
    return replace(found, is_cut=found.is_cut or said >= MOST_MESSAGES, is_growing=growing)


def _entries(user, wanted: Wanted, asked: list[list[str]]) -> Sequence[SearchEntry]:
    """The newest titles and messages with these words."""
    chats, few = wanted.chats_of(user), None
    if wanted.is_narrowed:
        few = list(chats.values_list("pk", flat=True)[: FEW_CHATS + 1])
        if not few:
            return ()
        few = few if len(few) <= FEW_CHATS else None
    rights, parameters = _rights(chats)
    newest = get_index().newest
    titles = Look(user.pk, asked, rights, parameters, MOST_TITLES, in_titles=True, chats=few)
    said = Look(user.pk, asked, rights, parameters, MOST_MESSAGES, chats=few, since=wanted.since, until=wanted.until)
    keys = [*([] if wanted.chat else newest(titles)), *newest(said)]
    return SearchEntry.objects.filter(pk__in=keys)


def _rights(chats: QuerySet[Conversation]) -> tuple[str, list[Any]]:
    """That an entry `e` belongs to one of these chats, as SQL. Asked of each that has the words, not of all chats."""
    table = connection.ops.quote_name(Conversation._meta.db_table)
    own = chats.extra(where=[f"{table}.id = e.conversation_id"]).values("pk")  # noqa: S610 (no input in it)
    sql, parameters = own.query.sql_with_params()
    return f"EXISTS ({sql})", list(parameters)


def _found(user, wanted: Wanted, query: SearchQuery, entries: Iterable[SearchEntry]) -> Found:
    fits, is_cut = _fits(query, entries)
    ranked = sorted(fits, key=_rank)
    pks = {entry.conversation_id for entry, _fit in ranked}
    chats = Conversation.objects.for_user(user).only("title", "updated_at").in_bulk(pks)
    ranked = [pair for pair in ranked if pair[0].conversation_id in chats]
    titles = [TitleHit(chats[entry.conversation_id], fit_) for entry, fit_ in ranked if not entry.message_id]
    return Found(tuple(titles), tuple(_messages(ranked, chats, 0 if wanted.chat else MOST_PER_CHAT)), is_cut)


def _fits(query: SearchQuery, entries: Iterable[SearchEntry]) -> tuple[list[tuple[SearchEntry, Fit]], bool]:
    """Those that fit, and whether time ran out before all were looked at."""
    now, end = timezone.now(), thread_time() + LOOKING
    fits = []
    for entry in entries:
        if thread_time() > end:
            return fits, True
        if found := fit(entry.text, query, entry.created_at, now):
            fits.append((entry, found))
    return fits, False


def _rank(pair: tuple[SearchEntry, Fit]) -> tuple:
    entry, found = pair
    return -found.score, -entry.created_at.timestamp(), entry.pk


def _messages(ranked: Sequence[tuple[SearchEntry, Fit]], chats: dict, most: int) -> Iterable[MessageHit]:
    """Each message once, of each chat at most so many (0: all); the last of those says how many more there are."""
    seen: set[tuple] = set()
    single = []
    for entry, found in ranked:
        at = entry.conversation_id, entry.message_id
        if entry.message_id and at not in seen:
            seen.add(at)
            single.append((entry, found))
    counts = Counter(entry.conversation_id for entry, _found in single)
    shown: Counter = Counter()
    for entry, found in single:
        pk = entry.conversation_id
        shown[pk] += 1
        if most and shown[pk] > most:
            continue
        others = counts[pk] - most if most and shown[pk] == most else 0
        yield MessageHit(chats[pk], entry.message_id, entry.role, entry.created_at, found, others)
