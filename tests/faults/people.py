"""People at work: several turns per chat, in one tab or two, who stop, retry, edit, leave and come back.

They behave as the page's own script: the same key again while the network fails or the site asks for time
(send.js), a connection to the reply that comes back from where it was (follow.js).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

from tests.faults.browser import Answer, Browser, until
from tests.faults.journal import Journal, Reading, Send
from tests.faults.page import Article, Composer, ReplyState, articles_in, composer_in, conversation_in
from tests.faults.script import new_token

GUARD = 60.0  # seconds; by then a site that is up again has answered
TURNS = 12  # in one chat, at most
# How often, of all sends
LOST_ANSWER, DOUBLE_CLICK, GIVING_UP, EDIT = 0.08, 0.06, 0.02, 0.06
LEAVES, COMES_BACK, STOPS = 0.2, 0.3, 0.06  # of all replies
SECOND_TAB = 0.25  # of all chats
RETRIES = 0.5  # of the replies that did not come to their end


@dataclass
class Person:
    number: int
    browser: Browser
    journal: Journal
    rng: Random

    async def work(self) -> None:
        """Chat after chat, until the journal is full."""
        while not self.journal.is_full:
            tab = Tab(self)
            turns = self.rng.randint(1, TURNS)
            async with asyncio.TaskGroup() as tabs:
                tabs.create_task(tab.talk(turns))
                if self.rng.random() < SECOND_TAB:
                    tabs.create_task(self._look_over_its_shoulder(tab, turns))

    async def _look_over_its_shoulder(self, tab: Tab, turns: int) -> None:
        async for _left in until(GUARD):
            if tab.address:
                tab.is_shared = True
                return await Tab(self, address=tab.address, is_shared=True).talk(turns)
            if tab.is_closed:
                return None


@dataclass
class Tab:
    """A chat in a browser's tab. `address` is that of the chat, "" before its first message."""

    person: Person
    address: str = ""
    is_shared: bool = False
    is_closed: bool = False
    composer: Composer | None = None
    branch: list[Send] = field(default_factory=list)  # what this tab had accepted, on the branch that it shows

    @property
    def journal(self) -> Journal:
        return self.person.journal

    @property
    def rng(self) -> Random:
        return self.person.rng

    async def talk(self, turns: int) -> None:
        try:
            await self.load()
            for _turn in range(turns):
                if self.journal.is_full or not await self.take_turn():
                    return
        finally:
            self.is_closed = True

    async def load(self) -> list[Article]:
        """The page as it is now. What this tab had accepted stands on it."""
        async for _left in until(GUARD):
            answer = await self.person.browser.get(self.address or "/")
            if answer.status == 200 and (composer := composer_in(answer.text)):
                self.composer = composer
                shown = articles_in(answer.text)
                if self.is_shared:
                    self.branch.clear()  # the other tab may have made another branch the shown one
                self._check(shown)
                return shown
            if answer.status not in (0, 502, 503, 504):
                self.journal.wrong.append(f"the page {self.address or '/'} was answered with {answer.status}")
        self.journal.wrong.append(f"the page {self.address or '/'} did not come within {GUARD:g} s")
        raise TimeoutError

    def _check(self, shown: list[Article]) -> None:
        said = {word for article in shown if article.role == "user" for word in article.words}
        for send in self.branch:
            if send.token not in said:
                self.journal.wrong.append(f"lost from the page: {send.token} is not shown in {self.address}")

    async def take_turn(self) -> bool:
        """Send a message and see its reply through. False when this chat is over for the tab."""
        send = self.write()
        article = await self.deliver(send)
        if send.outcome == "unknown":
            return False  # nobody knows which branch the chat is on now
        if article is None:
            await self.settle_down()
            return True
        self.branch.append(send)
        state = await self.look_at(send, article)
        if state.status and state.status != "completed" and self.rng.random() < RETRIES:
            await self.retry(send)
        elif not state.status:
            await self.settle_down()
        return True

    def write(self) -> Send:
        """The next message: after what is shown or, as an edit, beside the last one of this tab."""
        parent = self.composer.parent_id
        if self.branch and self.rng.random() < EDIT:
            parent = self.branch.pop().parent_id
        send = Send(
            new_token(self.rng), uuid4().hex, self.person.number, self.address, parent,
            after=self.branch[-1] if self.branch else None,
        )  # fmt: skip
        return self.journal.write(send)

    async def deliver(self, send: Send, action: str = "", **more: str) -> Article | None:
        """Send until it is answered; the reply's article, or None. Now and then the answer is lost on the way."""
        form = {
            "csrfmiddlewaretoken": self.composer.token,
            "parent_id": send.parent_id,
            "key": send.key,
            "model": self.composer.model,
            "content": send.text,
            **more,
        }
        fate = self.rng.random()
        async for _left in until(GUARD, 0.2):
            answers = await self._attempts(send, action or self.composer.action, form, fate)
            if send.attempts == 1 and LOST_ANSWER <= fate < LOST_ANSWER + GIVING_UP:
                return None
            if accepted := [article for answer in answers if (article := self._accepted(send, answer))]:
                return accepted[0]
            if any(self._is_refused(send, answer) for answer in answers):
                return None
            if delays := [answer.retry_after for answer in answers if answer.retry_after]:
                await asyncio.sleep(min(1.0, max(delays)) * self.rng.random())
        self.journal.wrong.append(f"unanswered: {send.token} found no answer within {GUARD:g} s")
        return None

    async def _attempts(self, send: Send, action: str, form: dict[str, str], fate: float) -> list[Answer]:
        send.attempts += 1
        post = self.person.browser.post
        if send.attempts == 1 and fate < LOST_ANSWER + GIVING_UP:
            send.lost_answers += 1
            try:
                async with asyncio.timeout(self.rng.random() * 0.06):
                    await post(action, form)
            except TimeoutError:
                pass
            return []
        if send.attempts == 1 and fate > 1 - DOUBLE_CLICK:
            send.lost_answers += 1  # nobody knows which of the two was first
            return await asyncio.gather(post(action, form), post(action, form))
        return [await post(action, form)]

    def _accepted(self, send: Send, answer: Answer) -> Article | None:
        if answer.status != 200 or 'class="turn"' not in answer.text:
            return None
        *asked, reply = articles_in(answer.text)
        if send.outcome == "accepted" and reply.id != send.reply_id:
            self.journal.wrong.append(f"doubled: {send.token} was answered as two replies")
        send.outcome, send.reply_id = "accepted", reply.id
        send.accepted_at = send.accepted_at or time.monotonic()
        send.ports.add(answer.port)
        send.user_message_id = asked[0].id if asked else send.user_message_id
        self.address = conversation_in(answer.text)
        send.conversation = self.address
        self.composer = composer_in(answer.text)
        return reply

    def _is_refused(self, send: Send, answer: Answer) -> bool:
        if answer.status in (0, 502, 503, 504):
            send.lost_answers += answer.status != 503
            return False
        if answer.status not in (409, 429):
            self.journal.wrong.append(f"{send.token} was answered with {answer.status}: {answer.text[:300]!r}")
        if not send.lost_answers:
            send.outcome = "refused"
        return True

    async def look_at(self, send: Send, article: Article) -> ReplyState:
        """Read the reply, stop it, or leave in the middle."""
        state = ReplyState(status="" if article.follow else article.status)
        if not article.follow:
            return state
        what = self.rng.random()
        if what < STOPS:
            await asyncio.sleep(self.rng.random() * 0.3)
            stop = article.follow.replace("/events/", "/stop/")
            answer = await self.person.browser.post(stop, {"csrfmiddlewaretoken": self.composer.token})
            self.journal.stops += answer.status == 204
        leaves_after = self.rng.randrange(12) if what > 1 - LEAVES else None
        await read(self.person.browser, article.follow, state, self.journal, self.rng, leaves_after)
        self.journal.readings.append(Reading(send, state.words, state.status))
        return state

    async def retry(self, send: Send) -> None:
        """Ask again for a reply that did not come to its end; it becomes the end of the branch."""
        again = Send(
            send.token, uuid4().hex, send.person, send.conversation, send.parent_id, is_retry=True,
            user_message_id=send.user_message_id,
        )  # fmt: skip
        self.journal.write(again)
        action = self.address + "retry/"
        article = await self.deliver(again, action, message_id=send.reply_id)
        if article:
            await self.look_at(again, article)
        await self.settle_down()

    async def settle_down(self) -> None:
        """Wait until nothing is being written in this chat, then look at it anew."""
        async for _left in until(GUARD, 0.3):
            shown = await self.load()
            live = next((article for article in reversed(shown) if article.follow), None)
            if live is None:
                return
            await read(self.person.browser, live.follow, ReplyState(), self.journal, self.rng)
        self.journal.wrong.append(f"blocked: {self.address} still has a reply in progress after {GUARD:g} s")


async def read(
    browser: Browser, path: str, state: ReplyState, journal: Journal, rng: Random, leaves_after: int | None = None
) -> None:
    """Follow a reply to its end, through as many connections as it takes, or for some events."""
    events, goes_at = 0, rng.randrange(1, 10) if rng.random() < COMES_BACK else None
    async for _left in until(GUARD, 0.1):
        async with aclosing(browser.follow(path, state)) as steps:
            async for _step in _until_done(steps, state):
                events += 1
                if leaves_after is not None and events >= leaves_after:
                    return
                if events == goes_at:
                    break
        if state.status or state.ended:
            return
        journal.resumed += 1
    journal.wrong.append(f"blocked: a reader of {path} saw no end within {GUARD:g} s")


async def _until_done(steps: AsyncIterator[None], state: ReplyState) -> AsyncIterator[None]:
    async for step in steps:
        yield step
        if state.status:
            return
