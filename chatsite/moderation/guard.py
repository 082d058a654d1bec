"""The content filter as a guard (settings.CHAT_GUARDS)."""

from __future__ import annotations

from django.conf import settings
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from chatsite.moderation import hits, lists
from chatsite.moderation.filtering import AROUND, FilteredReply, judge
from chatsite.moderation.matching import Match
from conversations.errors import Refused
from conversations.guards import Exchange, Guard, ReplyGuard

QUOTED = 40  # characters of what a message is refused for


class ContentFilter(Guard):
    """Refuses, masks or notes what administrators have listed. Costs nothing where no list is enabled."""

    def prepare(self) -> None:
        lists.refresh()

    def check_message(self, text: str, exchange: Exchange) -> str:
        """Raises Refused, and then nothing is noted but what refused it."""
        automaton = lists.automaton_for(exchange.filter_level)
        if automaton is None:
            return text
        verdict = judge(automaton, text)
        if refusal := verdict.refusal:
            if not exchange.is_trial:
                hits.note(exchange, refusal, _around(text, refusal, exchange))
            quoted = Truncator(" ".join(refusal.text.split())).chars(QUOTED)
            raise Refused(_sentence(exchange).format(text=quoted))
        if not (exchange.is_repeat or exchange.is_trial):  # else they are noted already, or will be
            for match in {match.rule.id: match for match in reversed(verdict.matches)}.values():
                hits.note(exchange, match, _around(text, match, exchange))
        return verdict.text

    def open_reply(self, exchange: Exchange, said: str = "") -> ReplyGuard | None:
        automaton = lists.automaton_for(exchange.filter_level)
        if automaton is None:
            return None

        def note(match: Match, around: str) -> None:
            hits.note(exchange, match, around)

        return FilteredReply(automaton, said, note, keeps_text=_keeps_text(exchange))


def _sentence(exchange: Exchange) -> str:
    if exchange.part == "prompt":
        return _("This site does not take “{text}”, which stands in the system prompt. Change that and send again.")
    if exchange.is_repeat:
        return _("This model does not take messages with “{text}”. Choose another model, or edit the message.")
    return _("This site does not take messages with “{text}”. Change it and send again.")


def _keeps_text(exchange: Exchange) -> bool:
    return settings.CHAT_FILTER_KEEP_TEXT and not exchange.is_temporary


def _around(text: str, match: Match, exchange: Exchange) -> str:
    return text[max(0, match.start - AROUND) : match.end + AROUND] if _keeps_text(exchange) else ""
