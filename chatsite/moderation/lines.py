"""A list as text, an entry on each line, to keep, share and edit outside.

    # a comment
    damn
    kill myself | flag
    /\\b\\d{4}-\\d{4}\\b/ | refuse | strict | off

A word or phrase, or a pattern between slashes; then, after bars, what differs from the list's own action and level,
and `off` for an entry that is not enabled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from chatsite.moderation.matching import Rule, problem_of
from chatsite.moderation.models import TERM_MAX_LENGTH, Action, Level, Term, TermList

OFF = "off"
_PATTERN = re.compile(r"/(?P<text>.+)/\s*(?P<rest>(?:\|[^|/]*)*)$")


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as it was read. `problem` is a sentence, empty if it can be used."""

    number: int
    term: Term
    problem: str = ""


def exported(terms: TermList) -> str:
    return "".join(f"{_line(term, terms)}\n" for term in terms.terms.order_by("kind", "text"))


def _line(term: Term, terms: TermList) -> str:
    parts = [f"/{term.text}/" if term.kind == Term.Kind.PATTERN else term.text]
    parts += [term.action] if term.action != terms.action else []
    parts += [term.level] if term.level != terms.level else []
    parts += [] if term.enabled else [OFF]
    return " | ".join(parts)


def read(text: str, terms: TermList) -> list[Line]:
    """The entries of a text; blank lines and comments are none."""
    numbered = enumerate((line.strip("\ufeff \t\r") for line in text.split("\n")), start=1)
    return [_read(number, line, terms) for number, line in numbered if line and not line.startswith("#")]


def _read(number: int, line: str, terms: TermList) -> Line:
    pattern = _PATTERN.match(line)
    word, *rest = [part.strip() for part in (pattern["rest"] if pattern else line).split("|")]
    term = Term(
        list=terms,
        text=pattern["text"].strip() if pattern else word,
        kind=Term.Kind.PATTERN if pattern else Term.Kind.WORD,
        action=terms.action,
        level=terms.level,
    )
    unknown = [part for part in rest if part and not _take(part.lower(), term)]
    return Line(number, term, _problem(term, unknown))


def _take(part: str, term: Term) -> bool:
    if part in Action.values:
        term.action = part
    elif part in Level.values:
        term.level = part
    elif part == OFF:
        term.enabled = False
    else:
        return False
    return True


def _problem(term: Term, unknown: list[str]) -> str:
    if unknown:
        return _("“{word}” is no action, no level and not “off”.").format(word=unknown[0])
    if len(term.text) > TERM_MAX_LENGTH:
        return _("An entry may have at most {limit} characters.").format(limit=TERM_MAX_LENGTH)
    return problem_of(Rule(0, term.text, term.list.language, term.kind, term.action))


def save(lines: list[Line], terms: TermList, *, replaces: bool = False) -> tuple[int, int]:
    """Add the entries, and change those that are there already. Returns how many were added, and how many removed.

    `replaces`: entries that the lines do not name are removed.
    """
    found = {(line.term.kind, line.term.text): line.term for line in lines}
    with transaction.atomic():
        known = {(term.kind, term.text): term for term in terms.terms.all()}
        gone = [term.pk for key, term in known.items() if replaces and key not in found]
        Term.objects.filter(pk__in=gone).delete()
        for key in found.keys() & known.keys():
            found[key].pk = known[key].pk
        Term.objects.bulk_update(
            [found[key] for key in found.keys() & known.keys()], ["action", "level", "enabled"], batch_size=200
        )
        fresh = [found[key] for key in found if key not in known]
        Term.objects.bulk_create(fresh, batch_size=200)
    return len(fresh), len(gone)
