"""LibreChat: one chat in a file; its messages in a list, or each within the one that it answers."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _

from chatsite.transfer.formats.found import Found, found
from chatsite.transfer.problems import ChatRefused
from chatsite.transfer.reading import fenced, joined, line, mapping, mappings, moment, text
from chatsite.transfer.trees import Node

SOURCE = "librechat"


def recognizes(data: dict[str, Any]) -> bool:
    return "conversationId" in data and ("messages" in data or "messagesTree" in data)


def read(data: dict[str, Any], user_id: int) -> Found:
    messages = data.get("messagesTree") or data.get("messages")
    if isinstance(messages, dict):  # a tree with one root
        messages = [messages]
    if not isinstance(messages, list):
        raise ChatRefused(_("Its messages are missing from the file."))
    options = mapping(data.get("options"))
    nodes = _nodes(messages, line(options.get("model")))
    newest = max((node for node in nodes if node.created_at), key=lambda node: node.created_at, default=None)
    return found(
        SOURCE,
        text(data.get("conversationId")),
        user_id,
        nodes,
        title=text(data.get("title")),
        leaf=newest.id if newest else None,
        created_at=None,
        updated_at=None,
        system_prompt=text(options.get("promptPrefix")),
    )


def _nodes(messages: list[Any], usual: str) -> list[Node]:
    """In the order of the file, without recursion: a long chat is nested as deep as it is long."""
    nodes, waiting = [], [(message, None) for message in reversed(messages)]
    while waiting:
        message, above = waiting.pop()
        if not isinstance(message, dict):
            continue
        id_ = text(message.get("messageId")) or f"{above}+{len(nodes)}"
        nodes.append(_node(message, id_, above or text(message.get("parentMessageId")) or None, usual))
        children = message.get("children")
        if isinstance(children, list):
            waiting += [(child, id_) for child in reversed(children)]
    return nodes


def _node(message: dict[str, Any], id_: str, parent: str | None, usual: str) -> Node:
    is_person = message.get("isCreatedByUser") is True
    said, thought, error = _content(message)
    if message.get("error") is True:
        said, error = "", joined(error, said)
    model = "" if is_person else line(message.get("model")) or usual
    return Node(
        id_,
        parent,
        "user" if is_person else "assistant",
        said,
        thought,
        moment(message.get("createdAt")),
        model,
        model or ("" if is_person else line(message.get("sender"))),
        status="failed" if error else "interrupted" if message.get("unfinished") is True else "completed",
        error=error,
        left_out=_left_out(message),
    )


def _content(message: dict[str, Any]) -> tuple[str, str, str]:
    """What is said, what is thought, what went wrong."""
    said, thought, errors = [], [], []
    for part in mappings(message.get("content")):
        kind = text(part.get("type"))
        if kind == "text":
            said.append(_text(part.get("text")))
        elif kind == "think":
            thought.append(_text(part.get("think")))
        elif kind == "error":
            errors.append(_text(part.get("text")) or _text(part.get("error")))
        elif kind == "tool_call":
            thought.append(_call(mapping(part.get("tool_call"))))
    if not any(part.strip() for part in [*said, *errors]):
        said = [text(message.get("text"))]
    return joined(*said), joined(*thought), joined(*errors)


def _text(value: Any) -> str:
    return text(value) or text(mapping(value).get("value"))


def _call(call: dict[str, Any]) -> str:
    name = line(call.get("name")) or line(mapping(call.get("function")).get("name")) or line(call.get("type"))
    given, output = call.get("args"), text(call.get("output"))
    shown = text(given) or (json.dumps(given, ensure_ascii=False) if given else "")
    return joined(f"**{name}**" if name else "", fenced(shown) if shown else "", fenced(output) if output else "")


def _left_out(message: dict[str, Any]) -> tuple[str, ...]:
    names = [
        line(one.get("filename")) or line(one.get("name"))
        for one in [*mappings(message.get("files")), *mappings(message.get("attachments"))]
    ]
    pictures = [
        line(mapping(part.get("image_file")).get("filename")) or "image"
        for part in mappings(message.get("content"))
        if part.get("type") in ("image_file", "image_url")
    ]
    return tuple(dict.fromkeys(name for name in [*names, *pictures] if name))
