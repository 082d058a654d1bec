"""A reply that another process writes: joins what the relay brings and what the row says.

Both are placed by offsets in characters: what overlaps is cut, what is missing is read from the row. So its feed
gets every character once and in order, whatever was lost or came twice.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from django.conf import settings

from conversations.models import Generation
from conversations.streaming.endings import may_be_titled, title_data
from conversations.streaming.feed import Feed
from conversations.streaming.writer import current_writer
from conversations.types import Delta

NEVER_BEFORE, NEVER_AGAIN = float("-inf"), float("inf")  # loop times


class DistantReply:
    """`due` is when its row is to be read again, in loop time; `news` is set when that comes earlier than expected."""

    def __init__(self, generation_id: UUID, feed: Feed, ready: asyncio.Event, news: asyncio.Event) -> None:
        self.generation_id = generation_id
        self.due = NEVER_BEFORE
        self._feed = feed
        self._ready = ready
        self._news = news
        self._loop = asyncio.get_running_loop()
        self._length = 0
        self._thought_length = 0
        self._title: dict | None = None
        self._read_at = NEVER_BEFORE
        self._listens = self._decided = False

    # What the relay tells (conversations.relay.DistantListener)

    def receive_at(self, end: int, text: str) -> None:
        if news := self._news_in(end, text, self._length):
            self._length = end
            self._feed.receive(news)

    def receive_thoughts_at(self, end: int, text: str, milliseconds: int) -> None:
        if news := self._news_in(end, text, self._thought_length):
            self._thought_length = end
            self._feed.receive_thoughts(news, milliseconds)

    def _news_in(self, end: int, text: str, length: int) -> str:
        """What of a text that ends there is not known yet, of which `length` characters are."""
        self.put_off()
        if self._decided or end <= length:
            return ""
        known = length - (end - len(text))
        if known < 0:
            self._fill_gap()
            return ""
        return text[known:]

    def notice(self, delta: Delta) -> None:
        self.put_off()
        self._feed.notice(delta)

    def finish(self) -> None:
        if not self._decided:
            self._decided = True
            self._feed.finish()

    def end(self) -> None:
        """Nothing follows, neither text nor title."""
        self.finish()
        self._let_go()
        self._feed.end()

    # What the row tells

    def read(self, row: Generation | None, asked: float) -> None:
        """The row as it stood when the database was asked for it, in loop time; None if it is gone."""
        self._read_at = asked
        self.put_off(asked)
        if row is None:
            self.give_up()
            return
        if not self._decided:
            self._read_texts(row)
        if row.is_live:
            self._title = title_data(row.conversation)
            self._ready.set()
        else:
            self._read_outcome(row)
        if not self._listens and self.due != NEVER_AGAIN:
            self._listens = True
            current_writer().relay.listen(self.generation_id, self, self._length)

    def _read_texts(self, row: Generation) -> None:
        if len(row.reasoning_text) > self._thought_length:
            self._feed.receive_thoughts(row.reasoning_text[self._thought_length :], row.reasoning_ms or 0)
            self._thought_length = len(row.reasoning_text)
        if len(row.reply_text) > self._length:
            self._feed.receive(row.reply_text[self._length :])
            self._length = len(row.reply_text)

    def give_up(self) -> None:
        """Send its readers away; they come back by themselves."""
        self._let_go()
        self._feed.close()
        self._ready.set()

    def _read_outcome(self, row: Generation) -> None:
        was_decided, known = self._decided, self._title
        self.finish()
        if may_be_titled(row):
            return
        self._title = title_data(row.conversation)
        if was_decided and self._title and self._title != known:  # else it is told together with the outcome
            self._feed.notice(Delta(metadata=self._title))
        self.end()

    def _let_go(self) -> None:
        self.due = NEVER_AGAIN
        self.leave()

    def leave(self) -> None:
        """Hear no more from the relay."""
        if self._listens:
            self._listens = False
            current_writer().relay.unlisten(self.generation_id)

    def put_off(self, since: float = NEVER_BEFORE) -> None:
        """The row is due an interval after `since`, by default from now on; a slow database gets a pause, too."""
        if self.due != NEVER_AGAIN:
            now, interval = self._loop.time(), settings.CHAT_POLL_INTERVAL
            self.due = now + interval if since == NEVER_BEFORE else max(since + interval, now + interval / 2)

    def _fill_gap(self) -> None:
        """What the relay lost is soon in the row; from there on the relay is heard again."""
        self.leave()
        self.due = self._read_at + settings.CHAT_POLL_INTERVAL
        self._news.set()
