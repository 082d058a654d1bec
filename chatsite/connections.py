"""Where models answer, read from the environment into CHAT_BACKENDS. docs/models.md tells each step by step.

    HF_TOKEN=…                                                  "huggingface"
    OPENAI_API_KEY=…, or OPENAI_BASE_URL=…                      "server"
    CHAT_CONNECTIONS=work=https://llm.example.com/v1,lab=…      "work", "lab"; CHAT_CONNECTION_WORK_KEY=…
    OLLAMA_HOST=…; in development one on this machine           "ollama"
    LOCAL_MODEL=…                                               "local"
                                                                "guide", always

What is wrong in them is collected, not raised: checks.py tells all of it at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from chatsite import environment as env
from chatsite import ollama

ROUTER = "https://router.huggingface.co/v1"
CLASSES = {
    "huggingface": "conversations.backends.huggingface.HuggingFaceBackend",
    "ollama": "conversations.backends.ollama.OllamaBackend",
    "openai": "conversations.backends.chat_completions.ChatCompletionsBackend",
}
RESERVED = {"huggingface", "server", "ollama", "local", "guide"}
PARTS = ("KEY", "MODELS", "LABEL", "KIND", "PROVIDER", "BILL_TO", "CAN_CONTINUE", "KNOWS_TOP_K", "FIRST_TOKEN_TIMEOUT")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_VARIABLE = re.compile(rf"CHAT_CONNECTION_(.+)_({'|'.join(PARTS)})")


@dataclass(frozen=True, slots=True)
class Problem:
    """Told by checks.py. No value is repeated: an address may hold a password."""

    sentence: str
    hint: str


@dataclass(frozen=True, slots=True)
class Connections:
    backends: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read(*, find_ollama: bool) -> Connections:
    """`find_ollama`: look for one on this machine if OLLAMA_HOST names none."""
    found = Connections()
    found.backends.update(_hugging_face())
    found.backends.update(_openai())
    found.problems.extend(_read_named(found.backends))
    found.problems.extend(_unknown_variables())
    if address := ollama.base_url(env.text("OLLAMA_HOST")) or (ollama.find() if find_ollama else ""):
        found.backends["ollama"] = _server("ollama", address, address_name="OLLAMA_HOST", label="Ollama")
    found.backends.update(_local())
    found.backends["guide"] = {
        "BACKEND": "conversations.backends.rules.RulesBackend",
        "OPTIONS": {"tree": "chatsite.guide.TREE", "title": "Guide"},
    }
    return found


def _hugging_face() -> dict[str, dict[str, Any]]:
    if not (token := env.text("HF_TOKEN")):
        return {}
    connection = _server(
        "huggingface",
        env.text("HF_BASE_URL", ROUTER),
        key_name="HF_TOKEN",
        address_name="HF_BASE_URL",
        api_key=token,
        models=env.words("HF_MODELS"),
        provider=_provider(env.text("HF_PROVIDER")),
        bill_to=env.text("HF_BILL_TO"),
    )
    return {"huggingface": connection}


def _openai() -> dict[str, dict[str, Any]]:
    key = env.text("OPENAI_API_KEY")
    address = env.text("OPENAI_BASE_URL", "https://api.openai.com/v1" if key else "")
    if not address:
        return {}
    connection = _server(
        "openai",
        address,
        key_name="OPENAI_API_KEY",
        address_name="OPENAI_BASE_URL",
        api_key=key,
        models=env.words("OPENAI_MODELS"),
        can_continue=env.flag("OPENAI_CAN_CONTINUE"),
        knows_top_k=env.flag("OPENAI_KNOWS_TOP_K"),
    )
    return {"server": connection}


def _local() -> dict[str, dict[str, Any]]:
    if not (model := env.text("LOCAL_MODEL")):
        return {}
    options = {
        "model": model,
        "revision": env.text("LOCAL_MODEL_REVISION"),
        "dtype": env.text("LOCAL_MODEL_DTYPE", "auto"),
        "device": env.text("LOCAL_MODEL_DEVICE", "auto"),
        "four_bit": env.flag("LOCAL_MODEL_4BIT"),
        "batch": env.whole("LOCAL_MODEL_BATCH", 8),
        "preload": env.flag("LOCAL_MODEL_PRELOAD"),
        "unload_after": env.number("LOCAL_MODEL_UNLOAD_MINUTES", 60),
    }
    return {"local": {"BACKEND": "conversations.backends.local.LocalBackend", "OPTIONS": options}}


def _read_named(backends: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    """Put the connections of CHAT_CONNECTIONS into `backends`; what is wrong with them."""
    for number, entry in enumerate(env.words("CHAT_CONNECTIONS"), start=1):
        name, equals, address = (part.strip() for part in entry.partition("="))
        if not equals or not address or not _NAME.fullmatch(name):
            yield Problem(
                f"Entry {number} of CHAT_CONNECTIONS is no connection.",
                "Write name=address, with commas between: CHAT_CONNECTIONS=work=https://llm.example.com/v1. A name has "
                "small letters, digits, - and _, and begins with a letter.",
            )
        elif name in RESERVED or _prefix(name) in map(_prefix, backends):
            yield Problem(
                f"CHAT_CONNECTIONS names “{name}”, which is taken.",
                f"Choose a name of its own for each; {', '.join(sorted(RESERVED))} are the site's own.",
            )
        else:
            yield from _read_one(name, address, backends)


def _read_one(name: str, address: str, backends: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    prefix = _prefix(name)
    kind = env.text(f"{prefix}_KIND") or _kind_of(address)
    if kind not in CLASSES:
        hint = f"It is one of {', '.join(CLASSES)}; without it, the address decides."
        yield Problem(f"{prefix}_KIND is “{kind}”, which is unknown.", hint)
        return
    options: dict[str, Any] = {
        "api_key": env.text(f"{prefix}_KEY"),
        "models": env.words(f"{prefix}_MODELS"),
        "label": env.text(f"{prefix}_LABEL"),
        "can_continue": env.flag(f"{prefix}_CAN_CONTINUE"),
        "knows_top_k": env.flag(f"{prefix}_KNOWS_TOP_K"),
        "first_token_timeout": env.number(f"{prefix}_FIRST_TOKEN_TIMEOUT", _patience()["first_token_timeout"]),
    }
    if kind == "huggingface":
        options |= {"provider": _provider(env.text(f"{prefix}_PROVIDER")), "bill_to": env.text(f"{prefix}_BILL_TO")}
        options["label"] = options["label"] or f"Hugging Face ({name})"
    address_name = f"CHAT_CONNECTIONS ({name})"
    backends[name] = _server(kind, address, key_name=f"{prefix}_KEY", address_name=address_name, **options)


def _unknown_variables() -> Iterator[Problem]:
    """A key that nobody reads would be missed only when the server refuses."""
    known = {_prefix(entry.partition("=")[0].strip()) for entry in env.words("CHAT_CONNECTIONS")}
    for variable in sorted(os.environ):
        if not variable.startswith("CHAT_CONNECTION_") or not os.environ[variable].strip():
            continue
        match = _VARIABLE.fullmatch(variable)
        if match is None:
            yield Problem(f"{variable} is no setting of a connection.", f"It ends in one of: _{', _'.join(PARTS)}.")
        elif f"CHAT_CONNECTION_{match[1]}" not in known:
            name = match[1].lower()
            hint = f"Add it: CHAT_CONNECTIONS={name}=https://…/v1. Or remove {variable}."
            yield Problem(f"{variable} belongs to “{name}”, which CHAT_CONNECTIONS does not name.", hint)


def _server(kind: str, address: str, *, key_name: str = "", address_name: str, **options: Any) -> dict[str, Any]:
    """`key_name` and `address_name` are what sentences tell whoever runs the site to correct."""
    names = {"api_key": key_name, "base_url": address_name}
    given = {"base_url": address, "variables": {name: told for name, told in names.items() if told}}
    return {"BACKEND": CLASSES[kind], "OPTIONS": {**_patience(), **given, **options}}


def _patience() -> dict[str, float]:
    """Seconds: until a connection stands, of silence before the first token and between tokens, for all."""
    return {
        "connect_timeout": env.number("CHAT_CONNECT_TIMEOUT", 5),
        "first_token_timeout": env.number("CHAT_FIRST_TOKEN_TIMEOUT", 60),
        "read_timeout": env.number("CHAT_READ_TIMEOUT", 60),
        "deadline": env.number("CHAT_REPLY_DEADLINE", 600),
    }


def _prefix(name: str) -> str:
    return f"CHAT_CONNECTION_{name.upper().replace('-', '_')}"


def _provider(name: str) -> str:
    """`auto` is Hugging Face's word for: in the order that the account's owner prefers."""
    return "" if name == "auto" else name


def _kind_of(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:  # told by the connection's own check
        return "openai"
    if host == urlsplit(ROUTER).hostname:
        return "huggingface"
    return "ollama" if port == ollama.PORT else "openai"
