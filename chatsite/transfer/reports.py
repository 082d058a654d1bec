"""The lines of an import's report, written some at a time."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, Sum
from django.utils.translation import ngettext

from chatsite.transfer import belongings
from chatsite.transfer.formats.found import Found
from chatsite.transfer.models import Import, ImportedChat
from chatsite.transfer.trees import listed
from conversations.cleaning import clean
from conversations.models import TITLE_MAX_LENGTH
from conversations.services import Fate

AT_ONCE = 100
FIELDS = ["source", "title", "outcome", "added", "problem", "left_out", "rank", "conversation_id"]


class Report:
    """What is told of a chat again takes the place of what was told of it before."""

    def __init__(self, job: Import) -> None:
        self._job = job
        self._lines: list[ImportedChat] = []

    def tell(
        self,
        number: int,
        found: Found,
        fate: Fate,
        added: int,
        refused: int = 0,
        conversation_id: UUID | None = None,
    ) -> None:
        left_out = (*_refused(refused), *found.left_out)
        self._add(
            number,
            source=found.source,
            title=found.arrival.title,
            outcome=fate.value,
            added=added,
            left_out=clean(listed(left_out)),
            rank=1 if left_out else 2,
            conversation_id=conversation_id,
        )

    def tell_beside(self, number: int, source: str, title: str, fate: Fate) -> None:
        """Of what is no chat."""
        self._add(number, source=source, title=title, outcome=fate.value, rank=2)

    def refuse(self, number: int, problem: str, *, source: str = "", title: str = "") -> None:
        outcome = ImportedChat.Outcome.REFUSED
        self._add(number, source=source, title=title, outcome=outcome, problem=problem, rank=0)

    def _add(self, number: int, *, title: str, **fields) -> None:
        self._lines.append(ImportedChat(job=self._job, number=number, title=clean(title)[:TITLE_MAX_LENGTH], **fields))
        if len(self._lines) >= AT_ONCE:
            self.write()

    def write(self) -> None:
        """Nothing, if its owner has discarded the import meanwhile."""
        lines, self._lines = self._lines, []
        if not Import.objects.filter(pk=self._job.pk).exists():
            return
        ImportedChat.objects.bulk_create(
            lines, update_conflicts=True, unique_fields=["job", "number"], update_fields=FIELDS
        )


def _refused(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    sentence = ngettext(
        "{count} message that this site's content filter does not take",
        "{count} messages that this site's content filter does not take",
        count,
    )
    return (sentence.format(count=count),)


def counts(job: Import) -> dict[str, int]:
    """How many chats of each outcome, by its name; `messages` that are added, `left_out` chats that lack files.

    `beside` are folders, personas and prompts that are new; those that are here already are told by their lines alone.
    """
    chats, beside = job.chats.exclude(source__in=belongings.NAMES), job.chats.filter(source__in=belongings.NAMES)
    rows = chats.values_list("outcome").annotate(count=Count("pk"), added=Sum("added"))
    found = dict.fromkeys(ImportedChat.Outcome.values, 0) | {"messages": 0}
    for outcome, count, added in rows.order_by():
        found[outcome] = count
        found["messages"] += added or 0
    found["all"] = sum(found[outcome] for outcome in ImportedChat.Outcome.values)
    found["coming"] = found[ImportedChat.Outcome.NEW] + found[ImportedChat.Outcome.MORE]
    found["left_out"] = job.chats.exclude(left_out="").count()
    found["beside"] = beside.filter(outcome=ImportedChat.Outcome.NEW).count()
    return found
