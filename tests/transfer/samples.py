"""Chats as other sites export them: the shapes that were looked up, with contents of our own."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

CITED = "It rains.\ue200cite\ue202turn0search0\ue201"


def step(id_: str, parent: str | None, children: list[str], message: dict[str, Any] | None) -> dict[str, Any]:
    return {"id": id_, "parent": parent, "children": children, "message": message}


def message(role: str, content: dict[str, Any] | str, at: float | None = None, **fields) -> dict[str, Any]:
    if isinstance(content, str):
        content = {"content_type": "text", "parts": [content]}
    return {
        "id": "x",
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "content": content,
        "status": "finished_successfully",
        "metadata": {},
        "recipient": "all",
        "channel": None,
    } | fields


def chatgpt(**fields) -> dict[str, Any]:
    """A hidden beginning, a thought, a tool, a picture, and a second version of an answer, which is not shown."""
    hidden = {"is_visually_hidden_from_conversation": True}
    source = {"matched_text": CITED[9:], "type": "webpage", "url": "https://weather.example/hue", "title": "Huế [now]"}
    mapping = {
        "root": step("root", None, ["sys"], None),
        "sys": step("sys", "root", ["ctx"], message("system", "", metadata=hidden)),
        "ctx": step("ctx", "sys", ["u1"], message("user", {"content_type": "user_editable_context"}, metadata=hidden)),
        "u1": step(
            "u1",
            "ctx",
            ["old", "t1"],
            message(
                "user",
                {
                    "content_type": "multimodal_text",
                    "parts": [
                        {"content_type": "image_asset_pointer", "asset_pointer": "file-service://f1"},
                        "Thời tiết ở Huế?",
                    ],
                },
                1_700_000_001.5,
                metadata={"attachments": [{"id": "f1", "name": "sky.jpg"}]},
            ),
        ),
        "old": step(
            "old", "u1", [], message("assistant", "An older answer.", 1_700_000_002, metadata={"model_slug": "gpt-4o"})
        ),
        "t1": step(
            "t1",
            "u1",
            ["r1"],
            message(
                "assistant",
                {"content_type": "thoughts", "thoughts": [{"summary": "Weather", "content": "Look it up."}]},
                1_700_000_003,
            ),
        ),
        "r1": step(
            "r1",
            "t1",
            ["c1"],
            message(
                "assistant",
                {"content_type": "reasoning_recap", "content": "Thought for 8s"},
                metadata={"finished_duration_sec": 8},
            ),
        ),
        "c1": step(
            "c1",
            "r1",
            ["o1"],
            message(
                "assistant",
                {"content_type": "code", "language": "python", "text": "weather('Huế')"},
                recipient="python",
            ),
        ),
        "o1": step("o1", "c1", ["a1"], message("tool", {"content_type": "execution_output", "text": "rain"})),
        "a1": step(
            "a1",
            "o1",
            ["u2"],
            message(
                "assistant",
                CITED,
                1_700_000_010,
                metadata={"model_slug": "gpt-5-thinking", "content_references": [source]},
            ),
        ),
        "u2": step("u2", "a1", ["a2"], message("user", "Thanks", 1_700_000_020)),
        "a2": step("a2", "u2", [], message("assistant", "You are welcome.", 1_700_000_021)),
    }
    return {
        "title": "Thời tiết",
        "create_time": 1_700_000_000.25,
        "update_time": 1_700_000_030.5,
        "mapping": mapping,
        "current_node": "a2",
        "conversation_id": "6b0f0d9c-0000-4000-8000-000000000001",
        "default_model_slug": "gpt-5",
        "is_archived": False,
        "is_starred": True,
        "pinned_time": None,
    } | fields


def claude(**fields) -> dict[str, Any]:
    """Two versions of an answer, thoughts, a tool, a document, a pasted text and a picture."""
    root = "00000000-0000-4000-8000-000000000000"

    def block_message(id_, parent, sender, at, *content, **more):
        return {
            "uuid": id_,
            "parent_message_uuid": parent,
            "sender": sender,
            "created_at": f"2025-12-08T17:00:{at:02}.123456Z",
            "text": "",
            "content": list(content),
            "attachments": [],
            "files": [],
        } | more

    return {
        "uuid": "34bd3ec6-80e9-45cf-b4a6-fe21d1f07d0a",
        "name": "Which town?",
        "created_at": "2025-12-08T17:00:00.000000Z",
        "updated_at": "2025-12-08T17:05:00.000000Z",
        "account": {"uuid": "a"},
        "chat_messages": [
            block_message(
                "m1",
                root,
                "human",
                1,
                {"type": "text", "text": "Which town?"},
                attachments=[{"file_name": "list.txt", "extracted_content": "Huế\n```\nHội An"}],
                files=[{"file_uuid": "f", "file_name": "map.png"}],
            ),
            block_message(
                "m2a",
                "m1",
                "assistant",
                2,
                {"type": "thinking", "thinking": "Comparing."},
                {"type": "text", "text": "Huế."},
            ),
            block_message(
                "m2b",
                "m1",
                "assistant",
                3,
                {"type": "tool_use", "name": "web_search", "input": {"query": "towns"}},
                {"type": "tool_result", "name": "web_search", "content": [{"type": "text", "text": "Hội An"}]},
                {
                    "type": "tool_use",
                    "name": "artifacts",
                    "input": {"title": "Plan", "type": "application/vnd.ant.code", "language": "py", "content": "go()"},
                },
                {"type": "text", "text": "Hội An."},
                {"type": "token_budget"},
            ),
            block_message("m3", "m2b", "human", 4, {"type": "text", "text": "Why?"}),
        ],
    } | fields


def openwebui(**fields) -> dict[str, Any]:
    reasoning = (
        '<details type="reasoning" done="true" duration="3">\n<summary>Thought for 3 seconds</summary>\n'
        "&gt; 15 × 17 = 255\n</details>\n"
    )
    call = (
        '<details type="tool_calls" name="calc" arguments="&quot;15*17&quot;" result="255">'
        "<summary>Done</summary></details>"
    )
    return {
        "id": "reasoning-chat",
        "title": "Numbers",
        "chat": {
            "title": "Numbers",
            "models": ["deepseek-r1"],
            "params": {"system": "Count well."},
            "history": {
                "currentId": "a1",
                "messages": {
                    "u1": {
                        "id": "u1",
                        "parentId": None,
                        "childrenIds": ["a1", "a2"],
                        "role": "user",
                        "content": "15 * 17?",
                        "timestamp": 1_700_000_000,
                        "files": [{"type": "image", "name": "sum.png"}],
                    },
                    "a1": {
                        "id": "a1",
                        "parentId": "u1",
                        "childrenIds": [],
                        "role": "assistant",
                        "content": reasoning.replace("&gt;", ">") + call + "**255**",
                        "model": "deepseek-r1",
                        "modelName": "DeepSeek R1",
                        "timestamp": 1_700_000_010,
                        "done": True,
                    },
                    "a2": {
                        "id": "a2",
                        "parentId": "u1",
                        "childrenIds": [],
                        "role": "assistant",
                        "content": "",
                        "error": {"content": "Model is not there"},
                        "model": "gpt",
                        "timestamp": 1_700_000_011,
                    },
                },
            },
        },
        "created_at": 1_700_000_000,
        "updated_at": 1_700_000_010,
        "archived": True,
        "pinned": False,
        "folder_id": None,
    } | fields


def librechat(*, recursive: bool = True, **fields) -> dict[str, Any]:
    none = "00000000-0000-0000-0000-000000000000"
    answer = {
        "messageId": "l2",
        "parentMessageId": "l1",
        "isCreatedByUser": False,
        "sender": "GPT-4",
        "model": "gpt-4o",
        "text": "",
        "content": [{"type": "think", "think": "Hm."}, {"type": "text", "text": {"value": "A story."}}],
        "createdAt": "2024-05-28T18:08:55.390Z",
        "unfinished": False,
    }
    other = answer | {"messageId": "l3", "content": None, "text": "Another", "unfinished": True}
    other["createdAt"] = "2024-05-28T18:09:00.000Z"
    question = {
        "messageId": "l1",
        "parentMessageId": none,
        "isCreatedByUser": True,
        "sender": "User",
        "text": "Tell me a story",
        "createdAt": "2024-05-28T18:08:55.014Z",
        "files": [{"filename": "notes.pdf"}],
    }
    tree = {"messagesTree": [question | {"children": [answer | {"children": []}, other | {"children": []}]}]}
    return {
        "conversationId": "af1ea676-f525-444f-a9ed-7c8dbf062733",
        "endpoint": "openAI",
        "title": "Stories",
        "exportAt": "16:33:32 GMT+0200",
        "branches": True,
        "recursive": recursive,
        "options": {"model": "gpt-4o", "promptPrefix": "Be long."},
        **(tree if recursive else {"messages": [question, answer, other]}),
    } | fields


def packed(**files: Any) -> bytes:
    """A zip; names with `__` for a slash and without their `.json`, contents as JSON."""
    return zipped({f"{name.replace('__', '/')}.json": json.dumps(content).encode() for name, content in files.items()})


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()
