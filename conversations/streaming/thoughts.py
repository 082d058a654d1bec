"""What a model thinks while its reply is written: kept apart from the answer, cleaned and guarded as the answer is."""

from __future__ import annotations

import time
from collections.abc import Callable

from conversations.cleaning import Cleaner, clean
from conversations.errors import Refused
from conversations.guards import ReplyGuard
from conversations.reasoning import OFF, OPENED, TAGS, Splitter, split_whole

BETWEEN = "\n\n"  # two times of thinking


class Thoughts:
    """Text that only grows. `fresh` is what readers were not shown yet; `milliseconds` how long the model thought."""

    def __init__(
        self, open_guards: Callable[[], ReplyGuard], mode: Callable[[], str], before: str = "", milliseconds: int = 0
    ) -> None:
        """`mode` tells how the model that answers marks its reasoning (reasoning.py), once it answers.

        `before` is what was thought, in that time, before a reply was continued.
        """
        self._open_guards = open_guards
        self._guards: ReplyGuard | None = None
        self._cleaner = Cleaner()
        self._mode = mode
        self._splitter: Splitter | None = None
        self._first = before, milliseconds
        self._parts = [before] if before else []
        self._since: float | None = None  # when this time of thinking began, by the monotonic clock
        self._before = milliseconds
        self.length = self.checkpointed = len(before)
        self.milliseconds = milliseconds
        self.fresh = before
        self.may_come = True
        """In the text of the reply: ask `take_from` what of it is answer."""
        self.is_opened = False
        """It was found that the chat template opens the block: there is a closing tag only."""
        self.refusal: Refused | None = None
        """Why a guard ends the reply."""

    def add(self, text: str) -> None:
        """What a server sent as reasoning."""
        self._add(self._guarded(self._cleaner.feed(text)))
        self.may_come = True

    def take_from(self, text: str) -> str:
        """Keep what of the reply's text is reasoning and return the rest. Costs more than most tokens."""
        if self._splitter is None:
            mode = self._mode()
            self._splitter = Splitter(TAGS if mode == OPENED and self._guards else mode)  # its server knows the tags
        thoughts, answer = self._splitter.feed(text)
        if thoughts:
            self._add(self._guarded(thoughts))
        if answer:
            self._pause()
        self.may_come = not self._splitter.is_past
        return answer

    def finish(self, text: str) -> str:
        """As `take_from`, of the reply's last text."""
        answer = self.take_from(text)
        thoughts, held = self._splitter.finish()
        self._add(self._guarded(thoughts))
        self._pause()
        return answer + held

    @property
    def seem_to_be_answer(self) -> bool:
        """At the end: no tag came where a closing one was expected."""
        return bool(self._splitter and self._splitter.is_inside and not self._splitter.has_seen_tag)

    def forget(self) -> str:
        """All that came in this reply, which was the answer; what was thought before stays."""
        before, self.milliseconds = self._first
        text, self._parts, self.length, self.fresh = self.text[len(before) :], [before], len(before), ""
        return text.removeprefix(BETWEEN) if before else text

    def found_in(self, text: str) -> str | None:
        """At the end: the answer in a text that turns out to begin with reasoning, which is kept here; else None."""
        parts = None if self.length or self._mode() == OFF else split_whole(text)
        if parts is None:
            return None
        self._add(parts[0])  # it has passed the guards
        self.is_opened, self.milliseconds = True, 0
        return parts[1]

    def take(self) -> str:
        """What is fresh, once."""
        fresh, self.fresh = self.fresh, ""
        return fresh

    @property
    def text(self) -> str:
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def _pause(self) -> None:
        """The answer begins, or goes on, or the reply ends: nothing is held back any more."""
        if self._guards is None:
            return
        self._add(self._guarded(self._cleaner.finish()) + clean(self._guards.finish()))
        self.refusal = self.refusal or self._guards.refusal
        self._guards, self._since, self._before = None, None, self.milliseconds

    def _guarded(self, text: str) -> str:
        if self._guards is None:
            text = text.lstrip()
            if not text:  # some models open a block and close it at once
                return ""
            self._guards = self._open_guards()
            text = BETWEEN + text if self.length else text
        text = clean(self._guards.feed(text))  # guards may be anybody's
        self.refusal = self.refusal or self._guards.refusal
        return text

    def _add(self, text: str) -> None:
        if not text:
            return
        now = time.monotonic()
        self._since = self._since or now
        self.milliseconds = self._before + round(1000 * (now - self._since))
        self._parts.append(text)
        self.length += len(text)
        self.fresh += text
