"""ChatGPT: conversations.json, or conversations-000.json and so on. `mapping` is a tree of steps by their ids."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from chatsite.transfer.decoding import QUICK
from chatsite.transfer.formats import chatgpt_citations
from chatsite.transfer.formats.found import Found, found
from chatsite.transfer.problems import ChatRefused
from chatsite.transfer.reading import fenced, joined, line, mapping, mappings, moment, text
from chatsite.transfer.trees import Node

SOURCE = "chatgpt"
EVERYBODY = ("all", "")  # to whom an answer is said; anything else is the name of a tool
CANVAS = "canmore.create_textdoc"
POINTERS = {
    "image_asset_pointer": "image",
    "audio_asset_pointer": "audio",
    "real_time_user_audio_video_asset_pointer": "audio",
}


def recognizes(data: dict[str, Any]) -> bool:
    return "mapping" in data or {"conversation_id", "default_model_slug"} <= data.keys()


def read(data: dict[str, Any], user_id: int) -> Found:
    if not isinstance(data.get("mapping"), dict):
        raise ChatRefused(_("Its messages are missing from the file."))
    usual = line(data.get("default_model_slug"))
    ended = moment(data.get("update_time"))
    return found(
        SOURCE,
        text(data.get("conversation_id")) or text(data.get("id")),
        user_id,
        [_node(id_, mapping(entry), usual) for id_, entry in _in_order(data["mapping"])],
        title=text(data.get("title")),
        leaf=text(data.get("current_node")) or None,
        created_at=moment(data.get("create_time")),
        updated_at=ended,
        is_pinned=data.get("is_starred") is True or data.get("pinned_time") is not None,
        is_archived=data.get("is_archived") is True,
    )


def _in_order(nodes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Siblings as their parent names them; the rest as it stands."""
    given: set[str] = set()
    for id_, entry in nodes.items():
        if id_ not in given:
            given.add(id_)
            yield id_, entry
        children = mapping(entry).get("children")
        for child in children if isinstance(children, list) else ():
            if isinstance(child, str) and child in nodes and child not in given:
                given.add(child)
                yield child, nodes[child]


def _node(id_: str, entry: dict[str, Any], usual: str) -> Node:
    message = mapping(entry.get("message"))
    data, content = mapping(message.get("metadata")), mapping(message.get("content"))
    role = text(mapping(message.get("author")).get("role"))
    parent = text(entry.get("parent")) or None
    if data.get("is_visually_hidden_from_conversation") is True or role not in ("user", "assistant", "tool"):
        return Node(id_, parent, "")
    created_at = moment(message.get("create_time"))
    if role == "user":
        said, left_out = _said(content, data)
        return Node(id_, parent, "user", said, created_at=created_at, left_out=left_out)
    said, thought, left_out = _answered(message, role, content, data)
    return Node(
        id_,
        parent,
        "assistant",
        said,
        thought,
        created_at,
        line(data.get("model_slug")) or usual,
        reasoning_ms=_seconds(data.get("finished_duration_sec")) if _kind(content) == "reasoning_recap" else 0,
        left_out=left_out,
    )


def _answered(
    message: dict[str, Any], role: str, content: dict[str, Any], data: dict[str, Any]
) -> tuple[str, str, tuple[str, ...]]:
    """What it says, what it thought, what is left out. Calls of tools and their results are thoughts."""
    kind = _kind(content)
    said, left_out = _said(content, data)
    recipient = text(message.get("recipient"))
    if kind == "thoughts":
        return "", joined(*(_thought(one) for one in mappings(content.get("thoughts")))), left_out
    if kind in ("reasoning_recap", "user_editable_context", "model_editable_context"):
        return "", "", left_out
    if role == "tool":
        return "", said, left_out
    if recipient == CANVAS and (document := _canvas(said or text(content.get("text")))):
        return document, "", left_out
    if recipient not in EVERYBODY:
        return "", joined(f"**{line(recipient)}**", said), left_out
    return chatgpt_citations.linked(said, data), "", left_out


def _said(content: dict[str, Any], data: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    kind = _kind(content)
    if kind == "code":
        language = text(content.get("language"))
        code = text(content.get("text"))
        return (fenced(code, "" if language == "unknown" else language) if code.strip() else ""), _attached(data)
    if kind in ("execution_output", "system_error"):
        return (fenced(text(content.get("text"))) if text(content.get("text")).strip() else ""), _attached(data)
    said, left_out = [], list(_attached(data))
    for part in content.get("parts") if isinstance(content.get("parts"), list) else ():
        if isinstance(part, str):
            said.append(part)
        elif isinstance(part, dict) and _kind(part) in POINTERS:
            left_out += [] if left_out else [POINTERS[_kind(part)]]
        elif isinstance(part, dict):
            said.append(text(part.get("text")))
    said += [text(content.get(name)) for name in ("text", "result") if not said]
    return joined(*said), tuple(left_out)


def _attached(data: dict[str, Any]) -> tuple[str, ...]:
    names = (line(one.get("name")) or line(one.get("id")) for one in mappings(data.get("attachments")))
    return tuple(name for name in names if name)


def _thought(one: dict[str, Any]) -> str:
    summary = line(one.get("summary"))
    return joined(f"**{summary}**" if summary else "", text(one.get("content")))


def _canvas(call: str) -> str:
    """A document that was written beside the chat: its name and its text."""
    if len(call) > QUICK:
        return ""
    try:
        call = call.strip().removeprefix("```json").strip("`\n ")
        found = mapping(json.loads(call))
    except (ValueError, RecursionError):
        return ""
    name, kind, content = line(found.get("name")), text(found.get("type")), text(found.get("content"))
    if not content:
        return ""
    language = kind.partition("/")[2]
    return joined(f"**{name}**" if name else "", fenced(content, language) if kind.startswith("code") else content)


def _kind(content: dict[str, Any]) -> str:
    return text(content.get("content_type"))


def _seconds(value: Any) -> int:
    is_sane = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 86_400
    return round(value * 1000) if is_sane else 0
