"""The values a decision tree is made of, and how they are read from plain data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.module_loading import import_string

from conversations.backends.rules.words import SIGNS, keyword_expression, normalize

# A pattern, or a whole message that was foreseen, says more than a keyword of two words.
STRONG = 3

COMMANDS = {
    "back": ["back", "go back", "please go back", "previous", "quay lại", "trở lại", "lùi lại"],
    "restart": ["start over", "restart", "start", "begin again", "menu", "home", "bắt đầu lại", "làm lại", "bắt đầu"],
}
PROMPT = {
    "en": "Answer with a number or in your own words; “back” and “start over” work too.",
    "vi": "Hãy trả lời bằng một con số hoặc bằng lời của bạn; “quay lại” và “bắt đầu lại” cũng dùng được.",
}
UNKNOWN = {
    "en": "I do not know an answer to that: I am a fixed set of rules, not a language model.",
    "vi": "Tôi không có câu trả lời cho điều đó: tôi là một bộ quy tắc cố định, không phải mô hình ngôn ngữ.",
}


class TreeError(ValueError):
    """The data is no tree. Its text is a sentence."""


@dataclass(frozen=True)
class Rule:
    """What in a message leads to a place."""

    keywords: re.Pattern[str] | None = None
    alone: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keywords or self.alone or self.patterns)

    def score(self, words: str) -> int:
        """How well normalized text fits: the words that different keywords cover, and what is stronger."""
        found = set(self.keywords.findall(words)) if self.keywords else set()
        covered = sum(len(match.split()) for match in found)
        strong = (words in self.alone) + sum(bool(pattern.search(words)) for pattern in self.patterns)
        return covered + STRONG * strong


@dataclass(frozen=True)
class Text:
    """One text per language; the language "" holds for all."""

    by_language: Mapping[str, str] = field(default_factory=dict)

    def get(self, language: str) -> str:
        texts = self.by_language
        return texts.get(language) or texts.get("") or next(iter(texts.values()), "")

    def missing(self, languages: Iterable[str]) -> list[str]:
        return [] if self.by_language.get("") else [name for name in languages if not self.by_language.get(name)]


@dataclass(frozen=True)
class Choice:
    to: str
    label: Text
    rule: Rule


@dataclass(frozen=True)
class Node:
    name: str
    text: Text
    label: Text
    choices: tuple[Choice, ...]
    rule: Rule


@dataclass(frozen=True)
class Tree:
    start: str
    languages: tuple[str, ...]
    nodes: Mapping[str, Node]
    labels: Mapping[str, str]  # normalized label → node
    unknown: Text
    prompt: Text
    commands: Mapping[str, frozenset[str]]
    signs: Mapping[str, re.Pattern[str]]
    description: str = ""
    use_case: str = ""


def load_tree(source: str | Path | Mapping[str, Any]) -> Tree:
    """Read a tree from a mapping, a dotted path to one, or a path to a JSON file.

    Raises TreeError, with a sentence, when there is none or its shape is wrong.
    """
    try:
        if isinstance(source, str | Path) and str(source).endswith(".json"):
            source = json.loads(Path(source).read_text(encoding="utf-8"))
        elif isinstance(source, str):
            source = import_string(source)
        return _tree(source)
    except (ImportError, OSError, json.JSONDecodeError) as error:
        raise TreeError(f"It cannot be read: {error}.") from error
    except re.error as error:
        raise TreeError(f"The pattern “{error.pattern}” is no regular expression: {error}.") from error


def _tree(data: Any) -> Tree:
    raw = _expect(Mapping, _expect(Mapping, data, "The tree").get("nodes", {}), "“nodes”")
    nodes = {name: _node(name, node, raw) for name, node in raw.items()}
    languages = tuple(_expect(list | tuple, data.get("languages", ()), "“languages”"))
    commands = {**COMMANDS, **data.get("commands", {})}
    signs = {**SIGNS, **data.get("signs", {})}
    return Tree(
        start=data.get("start", ""),
        languages=languages,
        nodes=nodes,
        labels={
            normalize(label): name for name, node in nodes.items() for label in node.label.by_language.values() if label
        },
        unknown=_text(data.get("unknown", UNKNOWN)),
        prompt=_text(data.get("prompt", PROMPT)),
        commands={name: frozenset(map(normalize, _words(said))) for name, said in commands.items()},
        signs={name: re.compile(signs[name]) for name in languages if name in signs},
        description=data.get("description", ""),
        use_case=data.get("use_case", ""),
    )


def _node(name: str, data: Any, nodes: Mapping[str, Any]) -> Node:
    _expect(Mapping, data, f"The node “{name}”")
    choices = _expect(list | tuple, data.get("choices", ()), f"“choices” of the node “{name}”")
    return Node(
        name=name,
        text=_text(data.get("text", "")),
        label=_text(data.get("label", name)),
        choices=tuple(_choice(choice, nodes) for choice in choices),
        rule=_rule(data),
    )


def _choice(data: Any, nodes: Mapping[str, Any]) -> Choice:
    data = {"to": data} if isinstance(data, str) else _expect(Mapping, data, "A choice")
    to = data.get("to", "")
    target = nodes.get(to)
    label = target.get("label", to) if isinstance(target, Mapping) else to
    return Choice(to=to, label=_text(data.get("label", label)), rule=_rule(data))


def _rule(data: Mapping[str, Any]) -> Rule:
    return Rule(
        keywords=keyword_expression(_words(data.get("keywords", ()))),
        alone=frozenset(map(normalize, _words(data.get("alone", ())))),
        patterns=tuple(re.compile(pattern) for pattern in _words(data.get("patterns", ()))),
    )


def _text(data: Any) -> Text:
    return Text({"": data} if isinstance(data, str) else _expect(Mapping, data, f"The text {data!r}"))


def _words(data: Any) -> list[str]:
    """A list of words, or lists by language: whatever the language, each of them counts."""
    if isinstance(data, str):
        return [data]
    lists = data.values() if isinstance(data, Mapping) else [_expect(list | tuple, data, f"The list of words {data!r}")]
    return [word for words in lists for word in ([words] if isinstance(words, str) else words)]


def _expect(kind: Any, data: Any, what: str) -> Any:
    if isinstance(data, kind):
        return data
    name = "mapping" if kind is Mapping else "list"
    raise TreeError(f"{what} must be a {name}, not {type(data).__name__}.")
