"""The accepted set against the stored set: what was lost, doubled, reordered, or shown as complete though it is not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults.journal import Journal, Reading, Send
from tests.faults.processes import HOWS
from tests.faults.script import REPLY_TOKENS, asked_about, reply_to, tokens_in
from tests.upstream import Exchange

TERMINAL = {"completed", "cancelled", "failed", "interrupted"}


@dataclass
class Stored:
    """What tests.faults.stored wrote, with the places of each token."""

    waited: float
    unsettled: list[str]
    documents: dict[str, dict[str, Any]]
    rows: list[dict[str, Any]]
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, list[tuple[str, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for conversation, document in self.documents.items():
            for message in document["messages"]:
                self.messages[message["id"]] = message
                if message["role"] == "user":
                    for token in tokens_in(message["content"]):
                        self.places[token].append((conversation, message))

    def ancestors(self, message_id: str) -> set[str]:
        found: set[str] = set()
        while message_id in self.messages and message_id not in found:
            found.add(message_id)
            message_id = self.messages[message_id]["parent_id"]
        return found


def violations(journal: Journal, stored: Stored, exchanges: list[Exchange]) -> list[str]:
    """Every promise that was broken, as a sentence that begins with its kind. Empty when all were kept."""
    return [
        *journal.wrong,
        *(f"unsettled: {row}" for row in stored.unsettled),
        *_sends(journal, stored),
        *_replies(stored),
        *_rows(stored),
        *(broken for reading in journal.readings for broken in _reading(journal, stored, reading)),
        *_calls(stored, exchanges),
    ]


def _sends(journal: Journal, stored: Stored) -> Iterator[str]:
    for send in journal.sends:
        places = stored.places.get(send.token, [])
        if len(places) > 1:
            yield f"doubled: {send.token} is stored {len(places)} times"
        if send.is_retry:
            if send.outcome == "accepted":
                yield from _answered(send, stored)
        elif send.outcome == "refused" and places:
            yield f"refused: {send.token} is stored though it was refused"
        elif send.outcome == "accepted" and not places:
            yield f"lost: {send.token} was accepted in {send.conversation} and is not stored"
        elif send.outcome == "accepted":
            yield from _kept(send, *places[0], stored)


def _kept(send: Send, conversation: str, message: dict[str, Any], stored: Stored) -> Iterator[str]:
    if (message["content"], message["id"]) != (send.text, send.user_message_id):
        yield f"changed: {send.token} is stored as another message"
    if conversation not in send.conversation or not stored.documents[conversation]["owned"]:
        yield f"lost: {send.token} is stored in the chat {conversation}, not in {send.conversation}"
    if message["parent_id"] != send.parent_id:
        yield f"reordered: {send.token} follows {message['parent_id']!r} instead of {send.parent_id!r}"
    if send.after and send.after.user_message_id not in stored.ancestors(message["id"]):
        yield f"reordered: {send.token} does not stand after {send.after.token}"
    yield from _answered(send, stored)


def _answered(send: Send, stored: Stored) -> Iterator[str]:
    reply = stored.messages.get(send.reply_id)
    if reply is None:
        yield f"lost: the reply to {send.token} is not stored"
    elif reply["parent_id"] != send.user_message_id:
        yield f"reordered: the reply to {send.token} stands after another message"


def _replies(stored: Stored) -> Iterator[str]:
    for message in stored.messages.values():
        if message["role"] != "assistant":
            continue
        if message["parent_id"] not in stored.messages:
            yield f"lost: the reply {message['id']} is stored without the message that it answers"
            continue
        token = tokens_in(stored.messages[message["parent_id"]]["content"])[-1]
        whole = reply_to(token)
        if message["status"] not in TERMINAL:
            yield f"unsettled: the reply to {token} is stored as {message['status']}"
        if message["status"] == "completed" and message["content"] != whole:
            yield f"truncated: the reply to {token} is shown as complete and is not the model's"
        if not whole.startswith(message["content"]):
            yield f"changed: the reply to {token} holds what the model never said"


def _rows(stored: Stored) -> Iterator[str]:
    for row in stored.rows:
        message = stored.messages.get(row["reply_id"])
        if message is None:
            yield f"lost: the row {row['id']} has no reply in the store"
        elif (row["status"], row["reply_text"]) != (message["status"], message["content"]):
            yield f"changed: row ({row['status']}) and store ({message['status']}) differ over {row['reply_id']}"


def _reading(journal: Journal, stored: Stored, reading: Reading) -> Iterator[str]:
    """What was read is what is stored, or its beginning. Only after a SIGKILL may somebody have read more."""
    message = stored.messages.get(reading.send.reply_id)
    if message is None:
        return  # told above
    kept, token = tuple(message["content"].split()), reading.send.token
    if not _is_beginning(reading.words, tuple(reply_to(token).split())):
        yield f"reader: what was read of the reply to {token} is not how it begins: {'; '.join(reading.frames)}"
    if reading.status and (reading.status, len(reading.words)) != (message["status"], len(kept)):
        yield (
            f"reader: the reply to {token} ended as {reading.status} with {len(reading.words)} words for its reader, "
            f"and is stored as {message['status']} with {len(kept)}"
        )
    fall = journal.fell_under(reading.send)
    if len(reading.words) > len(kept) and (message["status"] != "interrupted" or (fall and fall.how == "term")):
        yield f"reader: {len(reading.words) - len(kept)} words of the reply to {token} were read and are not stored"


def _is_beginning(words: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    """The last word may be cut: the content filter holds text back that might become a listed word."""
    if not words:
        return True
    *before, last = words
    return tuple(before) == whole[: len(before)] and len(words) <= len(whole) and whole[len(before)].startswith(last)


def _calls(stored: Stored, exchanges: list[Exchange]) -> Iterator[str]:
    """The model is asked again only before its first word: one reply, one stream of text."""
    streams = Counter(asked_about(exchange.body)[0] for exchange in about_replies(exchanges) if exchange.sent)
    replies = Counter(tokens_in(row["user_text"])[-1] for row in stored.rows)
    for token, count in streams.items():
        if count > replies[token]:
            yield f"doubled: the model answered {token} {count} times for {replies[token]} replies"


def about_replies(exchanges: list[Exchange]) -> list[Exchange]:
    """Without titles."""
    return [exchange for exchange in exchanges if exchange.body.get("max_tokens") == REPLY_TOKENS]


def seconds_lost(journal: Journal, stored: Stored, exchanges: list[Exchange]) -> list[float]:
    """For each reply whose process ended: from the first word that is not stored to the last that the model said.

    Messages that were answered again are left out: nobody could tell whose words are whose. So are those of frozen
    processes, to whom the model went on talking.
    """
    falls = {send.token: journal.fell_under(send) for send in journal.accepted}
    ended = {token for token, fall in falls.items() if fall and fall.how in HOWS}
    by_token: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in about_replies(exchanges):
        if exchange.sent:
            by_token[asked_about(exchange.body)[0]].append(exchange)
    lost, replies = [], Counter(tokens_in(row["user_text"])[-1] for row in stored.rows)
    for row in stored.rows:
        token = tokens_in(row["user_text"])[-1]
        calls = by_token[token]
        if row["status"] == "interrupted" and token in ended and len(calls) == replies[token] == 1:
            missing = calls[0].sent[len(row["reply_text"].split()) :]
            lost.append(missing[-1] - missing[0] if missing else 0.0)
    return lost
