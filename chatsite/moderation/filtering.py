"""What becomes of a text: refused, masked, or passed on. For whole texts and for those that come in pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from chatsite.moderation.matching import Automaton, Match, Scanner
from chatsite.moderation.matching.units import is_invisible, is_mark
from conversations.errors import Refused
from conversations.guards import ReplyGuard

# Not the asterisk of keyboards: in an answer, Markdown would make lines and bold type of it.
MASK = "∗"
LOOK_BACK = 600  # characters of a text that is continued: enough for the longest match that begins there
AROUND = 100  # characters before a match that a hit may keep


@dataclass(frozen=True, slots=True)
class Verdict:
    """`text` as it may be shown. `matches` are all that were found, `refusal` the first that refuses the text."""

    text: str
    matches: tuple[Match, ...]
    refusal: Match | None


def judge(automaton: Automaton, text: str) -> Verdict:
    """A whole text."""
    scanner = Scanner(automaton)
    matches = (*scanner.feed(text), *scanner.finish())
    refusal = next((match for match in matches if match.rule.action == "refuse"), None)
    spans = [(match.start, match.end) for match in matches if match.rule.action == "mask"]
    return Verdict(masked(text, 0, spans), matches, refusal)


def masked(text: str, at: int, spans: list[tuple[int, int]]) -> str:
    """`text`, which begins `at` so many characters, with what stands in the spans masked: letter by letter."""
    if not spans:
        return text
    characters = list(text)
    for start, end in spans:
        for place in range(max(start, at), min(end, at + len(text))):
            characters[place - at] = _mask_of(text[place - at])
    return "".join(characters)


def _mask_of(character: str) -> str:
    if character.isspace():
        return character
    return "" if is_invisible(character) or is_mark(character) else MASK


class FilteredReply(ReplyGuard):
    """One reply while it is written. What may still become a match is held back, and nothing else."""

    def __init__(self, automaton: Automaton, said: str, note: Callable[[Match, str], None], *, keeps_text: bool):
        """`note` is called with each rule's first match, and (`keeps_text`) with the text around it.

        `said` has been shown already.
        """
        self._scanner = Scanner(automaton, said=said[-LOOK_BACK:], stops=True)
        self._note = note
        self._noted: set[int] = set()
        self._keeps_text = keeps_text
        self._before = said[-AROUND:] if keeps_text else ""
        self._shown = self._scanner.position
        self._held = ""
        self._spans: list[tuple[int, int]] = []

    def feed(self, text: str) -> str:
        if self.refusal:
            return ""
        scanner = self._scanner
        if self._held:
            text, fresh = self._held + text, text
        else:
            fresh = text
        matches = scanner.feed(fresh)
        end = scanner.open_since
        if not matches and not self._spans and end == scanner.position:  # as nearly always
            self._held, self._shown = "", end
            if self._keeps_text:
                self._before = (self._before + text)[-AROUND:]
            return text
        self._held = text
        return self._passed(matches, end)

    def finish(self) -> str:
        if self.refusal:
            return ""
        open_since, matches = self._scanner.open_since, self._scanner.finish()
        return self._passed(matches, open_since if self._scanner.stopped else self._scanner.position)

    def _passed(self, matches: tuple[Match, ...], end: int) -> str:
        """What is held up to `end`, masked; or up to the match that ends the reply, if there is one."""
        for match in matches:
            self._see(match)
        if stopped := self._scanner.stopped:
            self.refusal = Refused(_("The answer was stopped by this site's content filter."))
            end = min(stopped.start, end)
        length = max(0, end - self._shown)  # a match may have begun in what was said before
        text, self._held = masked(self._held[:length], self._shown, self._spans), self._held[length:]
        self._shown += length
        self._spans = [span for span in self._spans if span[1] > self._shown]
        if self._keeps_text:
            self._before = (self._before + text)[-AROUND:]
        return text

    def _see(self, match: Match) -> None:
        if match.rule.action == "mask":
            self._spans.append((match.start, match.end))
        if match.rule.id not in self._noted:
            self._noted.add(match.rule.id)
            self._note(match, self._before + self._held if self._keeps_text else "")
