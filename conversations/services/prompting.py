"""What a model is asked: the system prompt, then the branch of the conversation, then what it is to go on from.

Made to measure for each model that may answer: they count differently, and their contexts have different sizes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from conversations.errors import BackendError
from conversations.services.acceptance import Draft
from conversations.services.branches import branches_of
from conversations.services.catalogue import remember_size
from conversations.services.context import Branch, Fit, NoRoom, fit
from conversations.services.counting import Counter, estimated, has_tokenizer
from conversations.services.judging import has_own_system_prompt
from conversations.services.learned import context_size, learn_count, learn_size, name_of
from conversations.services.refusing import Asked, in_short, too_large
from conversations.streaming import current_writer
from conversations.streaming.candidates import Candidate
from conversations.streaming.executors import in_database
from conversations.types import ChatRequest, Message

MUCH = 50_000  # characters; counting more than that takes milliseconds, and is done beside the loop
SQUEEZE = 0.75  # of a prompt that was refused as too long by a server that named no size


class Prompt:
    """What one turn asks, for whoever is asked."""

    def __init__(
        self, draft: Draft, messages: Sequence[Message], system_prompt: str, candidates: Sequence[Candidate]
    ) -> None:
        """`messages` is the branch, oldest first, ending with what the person said; the chosen model comes first."""
        self._candidates = candidates
        self._branches = branches_of(draft, messages, system_prompt, candidates)
        self.has_own_system_prompt = has_own_system_prompt(draft.conversation)
        self._user_id = str(draft.conversation.user_id)
        self._conversation_id = str(draft.conversation.pk)
        self._fits: dict[Candidate, Fit | NoRoom] = {}
        self._asked: Asked = "rest" if draft.prefix else "new" if draft.is_new_message else "again"

    async def first_request(self) -> ChatRequest:
        """For the first who has room for it. Raises TooLarge if nobody has: then nobody is asked later, either."""
        chosen = self._candidates[0]
        try:
            if any(map(self._is_much, self._candidates)):
                return await asyncio.to_thread(self._first_request, asks_tokenizer=True)
            return self._first_request()
        except NoRoom as error:
            raise await in_database(too_large, error, chosen, self._asked, self._has_room) from None

    def request_for(self, candidate: Candidate) -> ChatRequest:
        """Raises BackendError if not even the message fits into this model's context."""
        try:
            return self._request(candidate)
        except NoRoom as error:
            raise BackendError(in_short(error, candidate), status=413, concerns="length") from None

    def has_more_room(self, candidate: Candidate, failed: Candidate) -> bool:
        """Whether it may be asked what `failed` has no room for. A size that is not known is no reason to hope."""
        if not self._has_room(candidate):
            return False
        size, failed_size = context_size(candidate), context_size(failed)
        # One that was asked all the same refused what seemed to fit: more than that is asked of a larger one alone.
        return not self._fits_into(failed) or bool(size and failed_size and size > failed_size)

    def _is_much(self, candidate: Candidate) -> bool:
        """Whether measuring it would keep the loop."""
        characters = sum(len(message.content) for unit in self._branch_for(candidate).units for message in unit)
        return characters > MUCH or has_tokenizer(candidate)

    def _fit(self, candidate: Candidate, *, asks_tokenizer: bool = False) -> Fit:
        """What of the branch goes to this model. Raises NoRoom."""
        if candidate not in self._fits:
            counter = Counter(candidate, asks_tokenizer=asks_tokenizer)
            try:
                self._fits[candidate] = fit(self._branch_for(candidate), counter, context_size(candidate))
            except NoRoom as error:
                self._fits[candidate] = error
        fitted = self._fits[candidate]
        if isinstance(fitted, NoRoom):
            raise fitted
        return fitted

    def _branch_for(self, candidate: Candidate) -> Branch:
        """Of those who are not to answer, what is asked of the chosen model has to do."""
        return self._branches.get(candidate) or self._branches[self._candidates[0]]

    def _first_request(self, *, asks_tokenizer: bool = False) -> ChatRequest:
        chosen, *substitutes = self._candidates
        try:
            return self._request(chosen, asks_tokenizer=asks_tokenizer)
        except NoRoom as error:
            for candidate in substitutes:
                if context_size(candidate) and self._fits_into(candidate, asks_tokenizer=asks_tokenizer):
                    return self._request(candidate)
            raise error

    def _has_room(self, candidate: Candidate) -> bool:
        """Whether that is known."""
        return context_size(candidate) is not None and self._fits_into(candidate)

    def _fits_into(self, candidate: Candidate, *, asks_tokenizer: bool = False) -> bool:
        try:
            self._fit(candidate, asks_tokenizer=asks_tokenizer)
        except NoRoom:
            return False
        return True

    def _request(self, candidate: Candidate, *, asks_tokenizer: bool = False) -> ChatRequest:
        fitted = self._fit(candidate, asks_tokenizer=asks_tokenizer)
        return ChatRequest(
            fitted.messages,
            candidate.model_id,
            self._user_id,
            self._conversation_id,
            fitted.options,
            candidate.parameters,
        )

    def shorten(self, candidate: Candidate, error: BackendError) -> bool:
        """After a refusal as too long: learn from it. False if what would be asked now is no shorter."""
        before = self._fits.get(candidate)
        if not isinstance(before, Fit):
            return False
        del self._fits[candidate]
        if error.prompt_tokens:
            learn_count(name_of(candidate), estimated(before.messages), error.prompt_tokens)
        if error.context_size:
            self._learn_size(candidate, error.context_size)
        now = self._refitted(candidate, context_size(candidate))
        if now and not now.is_less_than(before):  # the server knows better: so it gets less in any case
            tokens, limit = Counter(candidate).most(before.messages), before.options.get("max_tokens") or 0
            now = self._refitted(candidate, int(tokens * SQUEEZE) + limit)
            now = now if now and now.kept < before.kept else None
        if now is None:
            return False
        self._fits[candidate] = now
        return True

    def counted(self, candidate: Candidate, request: ChatRequest, tokens: int) -> None:
        """The model's server says how many tokens the request had."""
        learn_count(name_of(candidate), estimated(request.messages), tokens)

    def _refitted(self, candidate: Candidate, size: int | None) -> Fit | None:
        try:
            return fit(self._branch_for(candidate), Counter(candidate), size)
        except NoRoom:
            return None

    @staticmethod
    def _learn_size(candidate: Candidate, size: int) -> None:
        learn_size(candidate, size)
        if candidate.context_size is None and candidate.pk is not None:
            current_writer().spawn(in_database(remember_size, candidate.pk, size))


def characters_of(request: ChatRequest) -> int:
    return sum(len(message.content) for message in request.messages)
