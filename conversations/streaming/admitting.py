"""What a substitute may be asked: a prompt of its own size, as the guards let it pass to this model."""

from __future__ import annotations

from dataclasses import replace

from conversations.guards import Exchange, check_beside
from conversations.streaming.candidates import Candidate
from conversations.streaming.reply import LiveReply
from conversations.types import ChatRequest, Message


class Admission:
    """Of one reply's candidates. However often one of them is asked, the same text is judged once for it."""

    def __init__(self, reply: LiveReply) -> None:
        self._reply = reply
        self._judged: dict[tuple[Exchange, str], str] = {}

    async def request_for(self, candidate: Candidate) -> ChatRequest:
        """Raises BackendError for what does not fit, and InputError for what a guard refuses.

        The first candidate's was judged before it was accepted.
        """
        request = self._reply.request_for(candidate)
        if candidate == self._reply.candidates[0]:
            return request
        said = self._reply.said_in(request)[-1]
        messages = [await self._admitted(message, said, candidate) for message in request.messages]
        return replace(request, messages=tuple(messages))

    async def _admitted(self, message: Message, said: Message, candidate: Candidate) -> Message:
        if message is said:
            part = "message"
        elif message.role == "system" and self._reply.has_own_system_prompt:
            part = "prompt"
        else:
            return message
        exchange = replace(self._reply.exchange_with(candidate, part), is_repeat=True)
        key = exchange, message.content
        if key not in self._judged:
            self._judged[key] = await check_beside(message.content, exchange)
        return replace(message, content=self._judged[key])
