"""Claude: conversations.json. Messages are made of blocks; `parent_message_uuid` makes them a tree."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _

from chatsite.transfer.formats.found import Found, found
from chatsite.transfer.problems import ChatRefused
from chatsite.transfer.reading import fenced, joined, line, mapping, mappings, moment, text
from chatsite.transfer.trees import Node

SOURCE = "claude"
LABEL = "Claude"
WRITTEN = ("artifacts", "create_file")  # tools whose input is what people wanted


def recognizes(data: dict[str, Any]) -> bool:
    return "chat_messages" in data


def read(data: dict[str, Any], user_id: int) -> Found:
    if not isinstance(data["chat_messages"], list):
        raise ChatRefused(_("Its messages are missing from the file."))
    nodes: list[Node] = []
    model = line(data.get("model"))  # only extensions export it
    for message in mappings(data["chat_messages"]):
        # Exports from before there were versions have a list.
        before = nodes[-1].id if nodes else None
        parent = text(message["parent_message_uuid"]) if "parent_message_uuid" in message else before
        nodes.append(_node(message, parent or None, model))
    return found(
        SOURCE,
        text(data.get("uuid")),
        user_id,
        nodes,
        title=text(data.get("name")),
        leaf=text(data.get("current_leaf_message_uuid")) or (nodes[-1].id if nodes else None),
        created_at=moment(data.get("created_at")),
        updated_at=moment(data.get("updated_at")),
        is_pinned=data.get("is_starred") is True,
        folder=line(mapping(data.get("project")).get("name")),
    )


def _node(message: dict[str, Any], parent: str | None, model: str) -> Node:
    said, thought = [], []
    for block in mappings(message.get("content")):
        kind = text(block.get("type"))
        if kind == "text":
            said.append(text(block.get("text")))
        elif kind == "thinking":
            thought.append(_thinking(block))
        elif kind == "tool_use":
            document = _document(block)
            (said if document else thought).append(document or _call(block))
        elif kind == "tool_result":
            thought.append(_result(block))
    if not any(part.strip() for part in said):
        said = [text(message.get("text"))]
    pasted, left_out = _attached(message)
    is_person = message.get("sender") == "human"
    return Node(
        text(message.get("uuid")) or f"{parent}+",
        parent,
        "user" if is_person else "assistant" if message.get("sender") == "assistant" else "",
        joined(*said, *pasted),
        joined(*thought),
        moment(message.get("created_at")),
        "" if is_person else model,
        "" if is_person else model or LABEL,
        left_out=left_out,
    )


def _attached(message: dict[str, Any]) -> tuple[list[str], tuple[str, ...]]:
    """What was read out of attachments, and the names of files whose content is not in the export."""
    pasted, left_out = [], []
    for one in mappings(message.get("attachments")):
        name, content = line(one.get("file_name")), text(one.get("extracted_content"))
        if content.strip():
            pasted.append(joined(f"**{name}**" if name else "", fenced(content)))
        elif name:
            left_out.append(name)
    for one in [*mappings(message.get("files")), *mappings(message.get("files_v2"))]:
        if name := line(one.get("file_name")):
            left_out.append(name)
    return pasted, tuple(dict.fromkeys(left_out))


def _thinking(block: dict[str, Any]) -> str:
    summaries = (text(one.get("summary")) for one in mappings(block.get("summaries")))
    return text(block.get("thinking")) or joined(*summaries)


def _document(block: dict[str, Any]) -> str:
    """An artifact: its title, and what was written."""
    if block.get("name") not in WRITTEN:
        return ""
    given = mapping(block.get("input"))
    title = line(given.get("title")) or line(given.get("path"))
    content = text(given.get("content")) or text(given.get("file_text"))
    if not content.strip():
        return ""
    kind, language = text(given.get("type")), text(given.get("language"))
    shown = content if kind == "text/markdown" else fenced(content, language)
    return joined(f"**{title}**" if title else "", shown)


def _call(block: dict[str, Any]) -> str:
    return joined(f"**{line(block.get('name'))}**", _dumped(block.get("input")))


def _result(block: dict[str, Any]) -> str:
    content = block.get("content")
    if isinstance(content, str):
        return fenced(content) if content.strip() else ""
    parts = [text(one.get("text")) or line(one.get("title")) for one in mappings(content)]
    whole = "\n".join(part for part in parts if part)
    return fenced(whole) if whole.strip() else ""


def _dumped(value: Any) -> str:
    return fenced(json.dumps(value, ensure_ascii=False, indent=1), "json") if value else ""
