"""What the model of the fault rig says: a reply is a function of the message, so that a shortened one is noticed.

Messages carry a token; the words of the reply, their pace and what goes wrong follow from it and the seed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

from tests.upstream import CLOSE, CUT, Answer

REPLY_TOKENS = 4000  # max_tokens of a reply; a title asks for fewer
FEWEST_WORDS, MOST_WORDS = 6, 40
PACES = {0.002: 30, 0.01: 30, 0.03: 33, 0.12: 7}  # seconds between two words, and how often of 100
WORDS_IN_A_PARAGRAPH = 12
UNHARMED = 0.9  # of the requests
_TOKEN = re.compile(r"\bt[0-9a-f]{12}\b")


def new_token(rng: Random) -> str:
    return f"t{rng.getrandbits(48):012x}"


def tokens_in(text: str) -> list[str]:
    return _TOKEN.findall(text)


def reply_to(token: str) -> str:
    """The whole reply to the message with this token."""
    count = Random(token).randint(FEWEST_WORDS, MOST_WORDS)
    words = [f"{token}.{number}" for number in range(count)]
    paragraphs = [words[at : at + WORDS_IN_A_PARAGRAPH] for at in range(0, count, WORDS_IN_A_PARAGRAPH)]
    return "\n\n".join(" ".join(paragraph) for paragraph in paragraphs)


def is_for_a_title(body: Mapping[str, Any]) -> bool:
    return body.get("max_tokens") != REPLY_TOKENS


def asked_about(body: Mapping[str, Any]) -> tuple[str, str]:
    """The token that a request wants an answer to, and what has been said of that answer already (Continue)."""
    said = ""
    for message in reversed(body["messages"]):
        if message["role"] == "user" and (tokens := tokens_in(message["content"])):
            return tokens[-1], said
        if message["role"] == "assistant":
            said = message["content"]
    raise ValueError("No message carries a token.")


class Script:
    """Answers for tests.upstream.Upstream. The same seed makes the same faults, request by request."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._asked: Counter[str] = Counter()

    def __call__(self, body: Mapping[str, Any]) -> tuple[Any, ...]:
        if is_for_a_title(body):
            return ("A title",)
        token, said = asked_about(body)
        self._asked[token] += 1
        rest = reply_to(token).removeprefix(said)
        words = re.findall(r"\s*\S+", rest)
        pause = Random(f"pace {token}").choices([*PACES], [*PACES.values()])[0]
        return _harmed([step for word in words for step in (word, pause)], self._random(token))

    def _random(self, token: str) -> Random:
        return Random(f"{self._seed} {token} {self._asked[token]}")


def _harmed(steps: list[Any], rng: Random) -> tuple[Any, ...]:
    if rng.random() < UNHARMED:
        return tuple(steps)
    before = tuple(steps[: rng.randrange(len(steps) + 1)])
    return rng.choice(
        [
            (Answer(503),),
            (CUT,),
            (*before, CUT),
            (*before, CLOSE),
            (*before, {"error": {"message": "CUDA error", "type": "server_error"}}),
        ]
    )
