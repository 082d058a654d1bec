"""A reader of event streams, as a browser is one: it keeps what a page would show."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import NamedTuple

from django.utils.html import strip_tags


class Event(NamedTuple):
    name: str
    data: dict
    id: str | None


def parse(stream: bytes) -> list[Event]:
    """The events of a stream; comments and retry lines are left out."""
    events = []
    for frame in stream.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in fields:
            events.append(Event(fields["event"], json.loads(fields["data"]), fields.get("id")))
    return events


@dataclass
class Page:
    """What stands on a page that follows a reply."""

    settled: str = ""
    open: str = ""
    tail: str = ""
    status: str = "in_progress"
    footer: str = ""
    title: str = ""
    thoughts: str = ""
    thought_for: int = 0  # milliseconds
    cursor: str = ""
    names: list[str] = field(default_factory=list)

    def take(self, stream: bytes) -> Page:
        for event in parse(stream):
            self.names.append(event.name)
            self.cursor = event.id or self.cursor
            getattr(self, f"_{event.name}")(event.data)
        return self

    def _delta(self, data):
        self.tail += data["text"]

    def _open(self, data):
        self.open, self.tail = data["html"], data["tail"]

    def _settled(self, data):
        self.settled, self.open, self.tail = self.settled + data["html"], "", data["tail"]

    def _reset(self, data):
        self.settled, self.open, self.tail, self.thoughts = data["html"], "", data["tail"], ""

    def _reasoning(self, data):
        self.thoughts, self.thought_for = self.thoughts + data["text"], data["ms"]

    def _waiting(self, data):
        pass

    def _restart(self, data):
        pass

    def _done(self, data):
        self.settled, self.open, self.tail = data.get("html", self.settled), "", ""
        self.status, self.footer = data["status"], data["footer"]
        self.thoughts = data.get("reasoning", self.thoughts)
        self.thought_for = data.get("ms", self.thought_for)

    def _title(self, data):
        self.title = data["title"]

    @property
    def text(self) -> str:
        return strip_tags(self.settled + self.open) + self.tail
