"""One message on its way: the same key again until it is answered (send.js). Now and then the answer is lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from random import Random

from tests.faults.browser import GUARD, Answer, Browser, until
from tests.faults.journal import Journal, Send
from tests.faults.page import articles_in, conversation_in

# How often, of all sends
LOST_ANSWER, GIVING_UP, DOUBLE_CLICK = 0.08, 0.02, 0.06
LOST_WITHIN = 0.06  # seconds after the message was sent
LONGEST_PAUSE = 1.0  # seconds
UNANSWERED = (0, 502, 503, 504)  # statuses after which the page sends again by itself
REFUSALS = (409, 429)


@dataclass
class Delivery:
    send: Send
    browser: Browser
    journal: Journal
    rng: Random

    async def run(self, action: str, form: dict[str, str]) -> str | None:
        """The fragment with the accepted turn, or None. What came of it is noted in the send."""
        fate = self.rng.random()
        async for _left in until(GUARD, 0.2):
            answers = await self._attempts(action, form, fate)
            if self.send.attempts == 1 and LOST_ANSWER <= fate < LOST_ANSWER + GIVING_UP:
                return None
            if accepted := [answer.text for answer in answers if self._is_accepted(answer)]:
                return accepted[0]  # of two clicks one may be refused: it came while another tab's reply was written
            refused = [answer.status for answer in answers if self._is_refused(answer)]
            if refused:
                return None
            if delays := [answer.retry_after for answer in answers if answer.retry_after]:
                await asyncio.sleep(min(LONGEST_PAUSE, *delays) * self.rng.random())
        self.journal.wrong.append(f"unanswered: {self.send.token} found no answer within {GUARD:g} s")
        return None

    async def _attempts(self, action: str, form: dict[str, str], fate: float) -> list[Answer]:
        self.send.attempts += 1
        is_first = self.send.attempts == 1
        if is_first and fate < LOST_ANSWER + GIVING_UP:
            self.send.lost_answers += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.rng.random() * LOST_WITHIN):
                    await self.browser.post(action, form)
            return []
        if is_first and fate > 1 - DOUBLE_CLICK:
            self.send.lost_answers += 1  # nobody knows which of the two was first
            return await asyncio.gather(self.browser.post(action, form), self.browser.post(action, form))
        return [await self.browser.post(action, form)]

    def _is_accepted(self, answer: Answer) -> bool:
        if answer.status != 200 or 'class="turn"' not in answer.text:
            return False
        send = self.send
        *asked, reply = articles_in(answer.text)
        if send.outcome == "accepted" and reply.id != send.reply_id:
            self.journal.wrong.append(f"doubled: {send.token} was answered as two replies")
        send.outcome, send.reply_id = "accepted", reply.id
        send.accepted_at = send.accepted_at or time.monotonic()
        send.ports.add(answer.port)
        send.user_message_id = asked[0].id if asked else send.user_message_id
        send.conversation = conversation_in(answer.text)
        return True

    def _is_refused(self, answer: Answer) -> bool:
        if answer.status in UNANSWERED:
            self.send.lost_answers += answer.status != 503  # what a proxy or nobody answered may have arrived
            return False
        if answer.status not in REFUSALS:
            self.journal.wrong.append(
                f"odd: {self.send.token} was answered with {answer.status}: {answer.text[:300]!r}"
            )
        if not self.send.lost_answers:
            self.send.outcome = "refused"
        return True
