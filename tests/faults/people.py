"""People at work: several turns per chat, in one tab or two, who stop, retry, edit, leave and come back.

They behave as the page's own script: the same key again while the network fails or the site asks for time
(send.js), a connection to the reply that comes back from where it was (follow.js).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

from tests.faults.browser import GUARD, Browser, until
from tests.faults.delivery import Delivery
from tests.faults.following import read
from tests.faults.journal import Journal, Reading, Send
from tests.faults.page import Article, Composer, ReplyState, articles_in, composer_in
from tests.faults.script import new_token

TURNS = 12  # in one chat, at most
EDIT = 0.06  # of all sends
LEAVES, STOPS = 0.2, 0.06  # of all replies
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
                self.journal.wrong.append(f"odd: the page {self.address or '/'} was answered with {answer.status}")
        self.journal.wrong.append(f"blocked: the page {self.address or '/'} did not come within {GUARD:g} s")
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
        """Send until it is answered; the reply's article, or None if it was refused or never answered."""
        form = {
            "csrfmiddlewaretoken": self.composer.token,
            "parent_id": send.parent_id,
            "key": send.key,
            "model": self.composer.model,
            "content": send.text,
            **more,
        }
        delivery = Delivery(send, self.person.browser, self.journal, self.rng)
        turn = await delivery.run(action or self.composer.action, form)
        if turn is None:
            return None
        self.address = send.conversation
        self.composer = composer_in(turn)
        return articles_in(turn)[-1]

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
        self.journal.readings.append(Reading(send, state.words, state.status, tuple(state.frames)))
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
