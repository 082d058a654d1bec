"""The Guide: the rules that explain this site and how to connect a language model.

Here stands what leads where. What is said stands in one Markdown file per language (en.md, vi.md): under each
heading `# node | Label` the words that lead there, as comments, and the text.

    <!-- keywords: … -->   found anywhere in a message; * stands for any ending
    <!-- alone: … -->      the whole message; in a longer question these words say little
    <!-- patterns: … -->   one regular expression
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

LANGUAGES = ("en", "vi")

CHOICES: dict[str, list[str]] = {
    "hello": ["about", "connect", "kept", "privacy", "keyboard", "manage", "deploy", "trouble"],
    "about": ["connect", "manage", "find", "share", "transfer", "keyboard", "preferences", "models", "privacy", "kept"],
    "kept": ["privacy", "trash", "transfer", "storage"],
    "privacy": ["kept", "share", "manage"],
    "keyboard": ["preferences", "manage", "about"],
    "manage": ["find", "trash", "titles", "share", "about"],
    "find": ["manage", "trash", "about"],
    "trash": ["manage", "find", "kept"],
    "share": ["transfer", "privacy", "trials"],
    "transfer": ["share", "manage", "about"],
    "preferences": ["keyboard", "password", "models", "about"],
    "titles": ["manage", "about"],
    "models": ["connect", "admin", "about"],
    "password": ["admin", "settings", "about"],
    "connect": ["hugging_face", "ollama", "server", "local", "trouble"],
    "hugging_face": ["connected", "hugging_face_models", "trouble_401", "trouble"],
    "hugging_face_models": ["hugging_face", "trouble_404", "connected"],
    "ollama": ["connected", "ollama_remote", "trouble_unreachable", "trouble_404"],
    "ollama_remote": ["ollama", "trouble_unreachable", "connected"],
    "server": ["openai", "vllm", "tgi", "llama_cpp", "other_server", "ollama"],
    "openai": ["connected", "trouble_401", "other_server"],
    "vllm": ["connected", "trouble_unreachable", "trouble_404"],
    "tgi": ["connected", "trouble_unreachable", "trouble_503"],
    "llama_cpp": ["connected", "trouble_unreachable"],
    "other_server": ["connected", "trouble_401", "trouble_404", "trouble_unreachable"],
    "local": ["local_choice", "connected", "trouble_local", "trouble_slow"],
    "local_choice": ["local", "trouble_local", "connected"],
    "connected": ["admin", "models", "look", "settings", "deploy"],
    "admin": ["settings", "look", "trials", "models", "deploy"],
    "settings": ["admin", "look", "storage", "deploy"],
    "look": ["admin", "settings", "trials"],
    "trials": ["admin", "share", "look"],
    "storage": ["move", "kept", "deploy"],
    "move": ["storage", "kept"],
    "deploy": ["heroku", "spaces", "own_host", "storage", "admin"],
    "heroku": ["admin", "storage", "trouble_start", "deploy"],
    "spaces": ["admin", "storage", "trouble_start", "deploy"],
    "own_host": ["admin", "storage", "trouble_start", "deploy"],
    "trouble": [
        "trouble_401",
        "trouble_402",
        "trouble_429",
        "trouble_503",
        "trouble_404",
        "trouble_unreachable",
        "trouble_slow",
        "trouble_local",
        "trouble_start",
    ],
    "trouble_401": ["hugging_face", "server", "trouble"],
    "trouble_402": ["ollama", "local", "trouble"],
    "trouble_429": ["hugging_face_models", "ollama", "trouble"],
    "trouble_503": ["hugging_face_models", "local_choice", "trouble"],
    "trouble_404": ["hugging_face_models", "ollama", "other_server", "trouble"],
    "trouble_unreachable": ["ollama_remote", "server", "trouble"],
    "trouble_slow": ["local_choice", "trouble"],
    "trouble_local": ["local", "local_choice", "trouble"],
    "trouble_start": ["settings", "admin", "trouble"],
    "who": ["about", "connect"],
    "thanks": ["about", "connect", "trouble"],
}

_HEADING = re.compile(r"^# (\w+) \| (.+)$", re.MULTILINE)
_COMMENT = re.compile(r"^<!-- (\w+): (.+) -->\n+", re.MULTILINE)


def read_sections(language: str) -> dict[str, dict[str, Any]]:
    """Node → label, text, keywords, alone and patterns, in one language."""
    source = (Path(__file__).parent / f"{language}.md").read_text(encoding="utf-8")
    parts = _HEADING.split(source)[1:]
    return {name: _section(label, body) for name, label, body in zip(*[iter(parts)] * 3, strict=True)}


def _section(label: str, body: str) -> dict[str, Any]:
    words = dict(_COMMENT.findall(body))
    return {
        "label": label.strip(),
        "text": _COMMENT.sub("", body).strip(),
        "keywords": re.split(r", *", words["keywords"]) if "keywords" in words else [],
        "alone": re.split(r", *", words["alone"]) if "alone" in words else [],
        "patterns": [words["patterns"]] if "patterns" in words else [],
    }


def _nodes() -> dict[str, dict[str, Any]]:
    sections = {language: read_sections(language) for language in LANGUAGES}
    return {
        name: {"choices": choices}
        | {
            part: {language: sections[language][name][part] for language in LANGUAGES}
            for part in ("label", "text", "keywords", "alone", "patterns")
        }
        for name, choices in CHOICES.items()
    }


TREE: dict[str, Any] = {
    "start": "hello",
    "languages": LANGUAGES,
    "description": gettext_noop("Explains this site and how to connect a language model. Fixed rules, no model."),
    "use_case": gettext_noop("First steps"),
    "unknown": {
        "en": "I have no answer to that: I am a fixed set of rules, not a language model. I know this site, and how to "
        "connect a model that can answer everything else.",
        "vi": "Tôi không có câu trả lời cho điều đó: tôi là một bộ quy tắc cố định, không phải mô hình ngôn ngữ. "
        "Tôi biết rõ trang web này và biết cách kết nối một mô hình có thể trả lời mọi điều khác.",
    },
    "nodes": _nodes(),
}
