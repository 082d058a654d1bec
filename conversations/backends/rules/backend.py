"""The backend that answers from a tree of rules."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from django.core.checks import CheckMessage, Error
from django.utils.translation import gettext as _

from conversations.backends.base import ChatBackend
from conversations.backends.rules.checks import check_tree
from conversations.backends.rules.tree import Tree, TreeError, load_tree
from conversations.backends.rules.walk import Replies
from conversations.errors import BackendError
from conversations.threads import in_thread
from conversations.types import ChatRequest, Delta


class RulesBackend(ChatBackend):
    """Fixed rules, no model: costs nothing, needs nothing, and says the same to everybody."""

    is_language_model: ClassVar[bool] = False

    def __init__(
        self,
        alias: str = "",
        *,
        tree: str | Path | Mapping[str, Any],
        title: str = "Rules",
        delay: float = 0.0,
        **options: Any,
    ):
        """`tree` is a mapping, a dotted path to one, or a path to a JSON file (its shape: this package's docstring).

        `delay` in seconds between the words of an answer.
        """
        super().__init__(alias, **options)
        self.title = self.label = title  # type: ignore[misc]
        self.delay = delay
        self._source = tree

    @cached_property
    def tree(self) -> Tree:
        """Raises TreeError."""
        return load_tree(self._source)

    @cached_property
    def _replies(self) -> Replies:
        return Replies(self.tree)

    def models(self) -> Sequence[dict[str, Any]]:
        try:
            tree = self.tree
        except TreeError:  # check() tells it
            return ()
        described = {"description": tree.description, "use_case": tree.use_case}
        return [{"model_id": self.alias, "label": self.title, **described}]

    async def stream(self, request: ChatRequest) -> AsyncIterator[Delta]:
        """Word by word. Raises BackendError when the tree cannot be read."""
        # In a thread: a conversation of thousands of turns takes longer than the event loop may wait.
        answer = await in_thread(self.answer, request)
        for piece in re.findall(r"\s*\S+\s?", answer):
            yield Delta(piece)
            await asyncio.sleep(self.delay)
        yield Delta(finish_reason="stop")

    def answer(self, request: ChatRequest) -> str:
        """What the rules say to the last message, in Markdown. Raises BackendError when the tree cannot be read."""
        try:
            replies = self._replies
        except TreeError as error:
            sentence = _("The rules of “%(title)s” cannot be read. Whoever runs this site must correct them.")
            raise BackendError(sentence % {"title": self.title}) from error
        *before, last = request.messages
        walk = replies.follow(before)
        return walk.say(known=walk.hear(last.content))

    def check(self) -> Iterable[CheckMessage]:
        try:
            yield from check_tree(self.tree, self.title)
        except TreeError as error:
            yield Error(
                f"The rules “{self.title}” are no decision tree. {error}",
                hint=f"Correct “tree” in the OPTIONS of CHAT_BACKENDS[“{self.alias}”].",
                id="conversations.E120",
            )
