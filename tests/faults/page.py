"""What a page says to a program: its composer, its turns, and a reply as its events build it up."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape

_TAG = re.compile(r"<[^>]*>")


def words_of(html: str) -> tuple[str, ...]:
    return tuple(unescape(_TAG.sub(" ", html)).split())


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


@dataclass(frozen=True)
class Composer:
    action: str
    token: str
    parent_id: str
    key: str
    model: str
    is_live: bool


def composer_in(html: str) -> Composer | None:
    """The form to write with, on a page or in a fragment."""
    found = re.search(r"<form[^>]*\sdata-composer.*", html, re.DOTALL)
    if not found:
        return None
    form = found[0]

    def value(name: str) -> str:
        tag = re.search(rf'<input[^>]*\sname="{name}"[^>]*>', form)
        return _attribute(tag[0], "value") if tag else ""

    head = form[: form.index(">") + 1]
    model = re.search(r'<option value="(\d+)" selected', form)
    return Composer(
        action=_attribute(head, "action"),
        token=value("csrfmiddlewaretoken"),
        parent_id=value("parent_id"),
        key=value("key"),
        model=model[1] if model else "",
        is_live="data-live" in head,
    )


@dataclass(frozen=True)
class Article:
    id: str
    role: str
    status: str
    follow: str  # where its events are, "" if nothing follows
    words: tuple[str, ...]


def articles_in(html: str) -> list[Article]:
    """The messages that are shown, oldest first."""
    found = re.findall(r'(<article class="message (?:user|assistant)"[^>]*>)(.*?)</article>', html, re.DOTALL)
    return [
        Article(
            _attribute(head, "data-id"),
            _attribute(head, "data-role"),
            _attribute(head, "data-status"),
            _attribute(head, "data-follow"),
            words_of(_shown(body)),
        )
        for head, body in found
        if "data-id" in head
    ]


def _shown(body: str) -> str:
    """The text of a message, without its heading and what stands under it."""
    found = re.search(r'<div class="(?:bubble|prose)"[^>]*>(.*?)(?:<footer|<div class="versions")', body, re.DOTALL)
    return found[1] if found else ""


def conversation_in(turn: str) -> str:
    """The address of the chat that a turn belongs to."""
    found = re.search(r'class="turn" data-url="([^"]+)"', turn)
    return found[1] if found else ""


@dataclass
class ReplyState:
    """A reply as the page has it: see static/js/reply.js, `reduce`."""

    settled: list[str] = field(default_factory=list)
    open: str = ""
    tail: str = ""
    status: str = ""
    last_id: str = ""
    ended: bool = False
    frames: list[str] = field(default_factory=list)  # what came, in short, for whoever has to find out why

    def take(self, event: str, data: dict, event_id: str) -> None:
        self.last_id = event_id or self.last_id
        sizes = [
            f"{name} {len(str(value).split())} words"
            for name, value in data.items()
            if name in ("text", "html", "tail")
        ]
        self.frames.append(f"{event} {event_id} ({', '.join(sizes)})")
        if event == "delta":
            self.tail += data["text"]
        elif event == "open":
            self.open, self.tail = data["html"], data["tail"]
        elif event == "settled":
            self.settled, self.open, self.tail = [*self.settled, data["html"]], "", data["tail"]
        elif event == "reset":
            self.settled, self.open, self.tail = [data["html"]], "", data["tail"]
        elif event == "done":
            if "html" in data:
                self.settled = [data["html"]]
            self.open, self.tail, self.status = "", "", data["status"]

    @property
    def words(self) -> tuple[str, ...]:
        return words_of("".join([*self.settled, self.open])) + tuple(self.tail.split())
