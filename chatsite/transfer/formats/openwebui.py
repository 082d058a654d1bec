"""Open WebUI: `chat.history.messages` by their ids, each with the id of its parent."""

from __future__ import annotations

import html
import re
from typing import Any

from django.utils.translation import gettext as _

from chatsite.transfer.formats.found import Found, found
from chatsite.transfer.problems import ChatRefused
from chatsite.transfer.reading import fenced, joined, line, mapping, mappings, moment, text
from chatsite.transfer.trees import Node
from conversations.reasoning import Splitter

SOURCE = "openwebui"
# Reasoning and calls of tools stand in the text, in elements of their own.
_BEGIN, _END = "<details", "</details>"
_ATTRIBUTE = re.compile(r'(?<![\w-])([\w-]++)="([^"]*+)"')
_QUOTED = re.compile(r"^> ?", re.MULTILINE)
FOLDED = ("reasoning", "tool_calls", "code_interpreter")


def recognizes(data: dict[str, Any]) -> bool:
    inner = mapping(data.get("chat")) or data
    return isinstance(inner.get("history"), dict) or ("chat" in data and isinstance(inner.get("messages"), list))


def read(data: dict[str, Any], user_id: int) -> Found:
    chat = mapping(data.get("chat")) or data
    history = mapping(chat.get("history"))
    messages = history.get("messages") or chat.get("messages")
    if not isinstance(messages, dict | list):
        raise ChatRefused(_("Its messages are missing from the file."))
    nodes = _nodes(messages)
    return found(
        SOURCE,
        text(data.get("id")) or text(chat.get("id")),
        user_id,
        nodes,
        title=text(data.get("title")) or text(chat.get("title")),
        leaf=text(history.get("currentId")) or (nodes[-1].id if nodes else None),
        created_at=moment(data.get("created_at")) or moment(chat.get("timestamp")),
        updated_at=moment(data.get("updated_at")),
        is_pinned=data.get("pinned") is True,
        is_archived=data.get("archived") is True,
        system_prompt=text(mapping(chat.get("params")).get("system")) or text(chat.get("system")),
    )


def _nodes(messages: dict[str, Any] | list[Any]) -> list[Node]:
    if isinstance(messages, dict):
        entries = [(id_, message) for id_, message in messages.items() if isinstance(message, dict)]
        return [_node(id_, text(message.get("parentId")) or None, message) for id_, message in entries]
    nodes: list[Node] = []
    for number, message in enumerate(mappings(messages)):
        above = nodes[-1].id if nodes else None
        parent = text(message.get("parentId")) or None if "parentId" in message else above
        nodes.append(_node(text(message.get("id")) or str(number), parent, message))
    return nodes


def _node(id_: str, parent: str | None, message: dict[str, Any]) -> Node:
    role = text(message.get("role"))
    said, thought, seconds = text(message.get("content")), "", 0
    is_reply = role == "assistant"
    if is_reply:
        said, thought, seconds = _told_apart(said)
    model = line(message.get("model"))
    error = _error(message.get("error")) if is_reply else ""
    return Node(
        id_,
        parent,
        role if role in ("user", "assistant") else "",
        said,
        thought,
        moment(message.get("timestamp")),
        model if is_reply else "",
        line(message.get("modelName")) if is_reply else "",
        reasoning_ms=seconds * 1000,
        status="failed" if error else "interrupted" if message.get("done") is False else "completed",
        error=error,
        left_out=tuple(_names(message)),
    )


def _told_apart(content: str) -> tuple[str, str, int]:
    """The answer, what was thought, and in how many seconds."""
    said, thoughts, seconds, at = [], [], 0, 0
    while (begin := content.find(_BEGIN, at)) >= 0:
        head = content.find(">", begin)
        end = content.find(_END, head)
        if head < 0 or end < 0:
            break
        attributes = dict(_ATTRIBUTE.findall(content[begin:head]))
        after = end + len(_END)
        if attributes.get("type") in FOLDED:
            said.append(content[at:begin])
            thoughts.append(_folded(attributes, content[head + 1 : end]))
            seconds += _seconds(attributes.get("duration", ""))
        else:
            said.append(content[at:after])
        at = after
    splitter = Splitter()
    thought, answer = splitter.feed("".join([*said, content[at:]]).lstrip("\n"))
    rest = splitter.finish()
    return answer + rest[1], joined(*thoughts, thought + rest[0]), seconds


def _folded(attributes: dict[str, str], inside: str) -> str:
    if attributes["type"] == "tool_calls":
        return _call(attributes)
    inside = inside.strip()
    if inside.startswith("<summary>"):
        inside = inside.partition("</summary>")[2]
    return html.unescape(_QUOTED.sub("", inside).strip())


def _seconds(duration: str) -> int:
    return int(duration) if duration.isascii() and duration.isdecimal() and len(duration) < 6 else 0


def _call(attributes: dict[str, str]) -> str:
    name, given, result = (html.unescape(attributes.get(key, "")) for key in ("name", "arguments", "result"))
    return joined(f"**{line(name)}**" if name else "", fenced(given) if given else "", fenced(result) if result else "")


def _error(value: Any) -> str:
    return line(value) or line(mapping(value).get("content"))


def _names(message: dict[str, Any]) -> list[str]:
    return [line(one.get("name")) or line(one.get("type")) or "file" for one in mappings(message.get("files"))]
