"""What a model thinks while its reply is written: kept apart from the answer, cleaned and guarded as the answer is."""

from __future__ import annotations

import time
from collections.abc import Callable

from conversations.cleaning import Cleaner, clean
from conversations.guards import ReplyGuard

BETWEEN = "\n\n"  # two times of thinking


class Thoughts:
    """Text that only grows. `fresh` is what readers were not shown yet; `milliseconds` how long the model thought."""

    def __init__(self, open_guards: Callable[[], ReplyGuard], before: str = "", milliseconds: int = 0) -> None:
        """`before` is what was thought, in that time, before a reply was continued."""
        self._open_guards = open_guards
        self._guards: ReplyGuard | None = None
        self._cleaner = Cleaner()
        self._parts = [before] if before else []
        self._since: float | None = None  # when this time of thinking began, by the monotonic clock
        self._before = milliseconds
        self.length = self.checkpointed = len(before)
        self.milliseconds = milliseconds
        self.fresh = before

    def add(self, text: str) -> None:
        """What a server sent as reasoning."""
        self._add(self._guarded(self._cleaner.feed(text)))

    def add_clean(self, text: str) -> None:
        """What was found in the text of a reply, which has been cleaned already."""
        self._add(self._guarded(text))

    def keep(self, text: str) -> None:
        """What passed the guards before, as a part of the answer."""
        self._add(text)
        self._since = None

    @property
    def is_running(self) -> bool:
        """The model is thinking."""
        return self._guards is not None

    def pause(self) -> None:
        """The answer begins, or goes on, or the reply ends: nothing is held back any more."""
        if self._guards is None:
            return
        rest = self._guarded(self._cleaner.finish()) + clean(self._guards.finish())
        self._add(rest)
        self._guards, self._since, self._before = None, None, self.milliseconds

    def take(self) -> str:
        """What is fresh, once."""
        fresh, self.fresh = self.fresh, ""
        return fresh

    def forget(self) -> str:
        """All of it, which was the answer."""
        text, self._parts, self.length, self.fresh, self.milliseconds = self.text, [], 0, "", 0
        return text

    @property
    def text(self) -> str:
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def _guarded(self, text: str) -> str:
        if self._guards is None:
            text = text.lstrip()
            if not text:  # some models open a block and close it at once
                return ""
            self._guards = self._open_guards()
            text = BETWEEN + text if self.length else text
        return clean(self._guards.feed(text))  # guards may be anybody's

    def _add(self, text: str) -> None:
        if not text:
            return
        now = time.monotonic()
        self._since = self._since or now
        self.milliseconds = self._before + round(1000 * (now - self._since))
        self._parts.append(text)
        self.length += len(text)
        self.fresh += text
