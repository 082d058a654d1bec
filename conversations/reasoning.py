"""What a model thinks before it answers, told apart from the answer where both come in one text.

Most servers send the reasoning in a field of its own. Others leave it in the text: between tags at its beginning, or,
where the chat template has opened the block already, with the closing tag alone. A tag anywhere else is part of the
answer: somebody may have asked about it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PARAMETER = "reasoning"  # of ChatModel.parameters: one of the modes
TAGS, OPENED, OFF = "tags", "opened", "off"
MODES = (TAGS, OPENED, OFF)

_PAIRS = {
    **{f"<{name}>": f"</{name}>" for name in ("think", "thinking", "thought", "reason", "reasoning")},
    "[think]": "[/think]",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "◁think▷": "◁/think▷",
}
_OPENING = re.compile("|".join(map(re.escape, _PAIRS)), re.IGNORECASE)
_OPENING_AT_END = re.compile(rf"(?:{_OPENING.pattern})\s*\Z", re.IGNORECASE)
_CLOSING = {end: re.compile(re.escape(end), re.IGNORECASE) for end in _PAIRS.values()}
_ANY_CLOSING = re.compile("|".join(map(re.escape, _PAIRS.values())), re.IGNORECASE)
_CLOSING_LINE = re.compile(rf"^[ \t]*(?:{_ANY_CLOSING.pattern})[ \t]*$", re.IGNORECASE | re.MULTILINE)
_FENCE_LINE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_MOST_HELD = 400  # characters of white space before the first word


def mode_of(parameters: Mapping[str, Any]) -> str:
    """How a model of the catalogue marks its reasoning; by tags if its entry does not say."""
    mode = parameters.get(PARAMETER)
    return mode if mode in MODES else TAGS


class Splitter:
    """Feed it text as it comes, cut wherever it may be. Once `is_past`, nothing but the answer follows: stop asking."""

    def __init__(self, mode: str = TAGS) -> None:
        self.is_past = mode == OFF
        self.is_inside = False
        """A block is open: what comes is reasoning."""
        self.has_seen_tag = False
        self._is_opened = mode == OPENED
        self._closings = list(_CLOSING)  # what may end the block that is open
        self._held = ""

    def feed(self, text: str) -> tuple[str, str]:
        """What is new of the reasoning, and of the answer."""
        thoughts, goes_on = "", True
        self._held += text
        while goes_on and not self.is_past:
            if self.is_inside:
                news, goes_on = self._read_thoughts()
                thoughts += news
            else:
                goes_on = self._look_for_tag()
        if not self.is_past:
            return thoughts, ""
        answer, self._held = self._held, ""
        return thoughts, answer

    def finish(self) -> tuple[str, str]:
        """What was held back, at the end of the text."""
        held, self._held = self._held, ""
        return (held, "") if self.is_inside else ("", held)

    def _read_thoughts(self) -> tuple[str, bool]:
        """The reasoning that is certain, and whether it has ended."""
        pattern = _CLOSING[self._closings[0]] if len(self._closings) == 1 else _ANY_CLOSING
        if found := pattern.search(self._held):
            news, self._held = self._held[: found.start()], self._held[found.end() :]
            self.is_inside, self.has_seen_tag = False, True
            return news, True
        at = len(self._held) - max(_begun(self._held, tag) for tag in self._closings)
        news, self._held = self._held[:at], self._held[at:]
        return news, False

    def _look_for_tag(self) -> bool:
        """At the beginning of the answer. False if it is not yet clear what this will be."""
        head = self._held.lstrip()
        if self.has_seen_tag:  # the line breaks that stand between the two
            self._held = head
        if found := _OPENING.match(head):
            self.is_inside = self.has_seen_tag = True
            self._held, self._closings = head[found.end() :], [_PAIRS[found[0].lower()]]
            return True
        if any(tag.startswith(head.lower()) for tag in _PAIRS) and len(self._held) < _MOST_HELD:
            return False
        self.is_inside = self._is_opened and not self.has_seen_tag
        self.is_past = not self.is_inside
        return True


def _begun(text: str, tag: str) -> int:
    """How many characters at the end of the text may be the beginning of the tag."""
    at = text.rfind(tag[0], max(0, len(text) - len(tag) + 1))  # no tag holds its first character twice
    return len(text) - at if at >= 0 and tag.startswith(text[at:].lower()) else 0


def opened_by(prompt: str) -> str:
    """The opening tag at the end of a prompt: what the model writes goes on within that block. Else nothing."""
    found = _OPENING_AT_END.search(prompt)
    return found[0] if found else ""


def split_whole(text: str) -> tuple[str, str] | None:
    """Reasoning and answer of a finished text in which only a closing tag stands, on a line of its own; else None.

    Not where the tag stands in a code block, or where nothing follows it.
    """
    found = _CLOSING_LINE.search(text)
    if not found or _OPENING.search(text, 0, found.start()):
        return None
    is_in_fence = len(_FENCE_LINE.findall(text, 0, found.start())) % 2
    thoughts, answer = text[: found.start()].strip(), text[found.end() :].lstrip()
    return (thoughts, answer) if thoughts and answer and not is_in_fence else None


def answer_in(text: str, mode: str = TAGS) -> str:
    """A text without its reasoning."""
    splitter = Splitter(mode)
    answer = splitter.feed(text)[1] + splitter.finish()[1]
    belated = split_whole(answer) if mode != OFF else None
    return belated[1] if belated else answer
