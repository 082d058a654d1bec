"""The catalogue as people look through it: what stands on each model's card, found, filtered and sorted."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from conversations import services
from conversations.backends import get_backend
from conversations.errors import ChatError
from conversations.indexing.alphabet import by_name
from conversations.models import ChatModel
from conversations.services import Speed

NEVER = float("inf")
NO_BREAK = "\N{NO-BREAK SPACE}"
LEAST_SECONDS = 0.1  # what is told, where it was less
MOST_SEARCHED = 200  # characters


def fold(text: str) -> str:
    """Text as it is searched: without case and without marks, so that "tieng viet" finds "Tiếng Việt"."""
    plain = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return plain.casefold().replace("đ", "d")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model for templates. `connection` is what people call it; `speed` is None if it was not measured yet."""

    model: ChatModel
    connection: str
    speed: Speed | None = None
    is_default: bool = False

    @property
    def searched(self) -> str:
        model = self.model
        parts = (model.label, model.use_case, model.description, model.model_id, self.connection, model.backend)
        return fold(" ".join(filter(None, parts)))

    def has(self, words: Iterable[str]) -> bool:
        """Whether all of these words are found in it, folded."""
        text = self.searched
        return all(word in text for word in words)

    @property
    def context_size(self) -> str:
        size = self.model.context_size
        number = formats.number_format(size, force_grouping=True)
        return ngettext("{number} token", "{number} tokens", size).format(number=number)

    @property
    def speed_sentence(self) -> str:
        if self.speed is None:
            return _("Not measured yet")
        known = {"seconds": _seconds(self.speed), "count": self.speed.replies}
        if self.speed.tokens_per_second is None:
            return ngettext(
                "First words after {seconds}, from {count} recent reply",
                "First words after {seconds}, from {count} recent replies",
                self.speed.replies,
            ).format(**known)
        return ngettext(
            "First words after {seconds}, {rate} tokens/s, from {count} recent reply",
            "First words after {seconds}, {rate} tokens/s, from {count} recent replies",
            self.speed.replies,
        ).format(**known, rate=_rate(self.speed.tokens_per_second))

    @property
    def short_speed(self) -> str:
        if self.speed is None:
            return ""
        if self.speed.tokens_per_second is None:
            return _seconds(self.speed)
        return _("{seconds}, {rate} tokens/s").format(
            seconds=_seconds(self.speed), rate=_rate(self.speed.tokens_per_second)
        )


def _seconds(speed: Speed) -> str:
    seconds = max(speed.first_token, LEAST_SECONDS)
    number = formats.number_format(seconds, decimal_pos=1 if seconds < 10 else 0)
    return _("{count} s").format(count=number).replace(" ", NO_BREAK)


def _rate(tokens_per_second: float) -> str:
    return formats.number_format(tokens_per_second, decimal_pos=1 if tokens_per_second < 10 else 0)


def cards(user) -> list[ModelCard]:
    """All models that can be chosen, in the catalogue's order; the default is what this person's new chats have."""
    models, speeds, labels = services.available_models(), services.speeds(), connection_labels()
    own = services.defaults_of(user).model
    default = own if own in models else services.default_model(models)
    return [ModelCard(model, labels[model.backend], speeds.get(model.pk), model == default) for model in models]


def connection_labels() -> dict[str, str]:
    """By alias, in the order of the settings; the alias itself where its backend has no name."""
    labels = {}
    for alias in settings.CHAT_BACKENDS:
        try:
            labels[alias] = get_backend(alias).label or alias
        except ChatError:
            labels[alias] = alias
    return labels


# The ways to sort: what people read, and the key; None keeps the catalogue's order.
SORTS: dict[str, tuple[Any, Callable[[ModelCard], Any] | None]] = {
    "": (gettext_lazy("In the site's order"), None),
    "begins": (gettext_lazy("Quickest to begin"), lambda card: card.speed.first_token if card.speed else NEVER),
    "writes": (
        gettext_lazy("Quickest to write"),
        lambda card: -(card.speed.tokens_per_second or 0.0) if card.speed else NEVER,
    ),
    "name": (gettext_lazy("By name"), lambda card: by_name(card.model.label)),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for; an unknown way to sort is none."""

    text: str = ""
    use_case: str = ""
    connection: str = ""
    sort: str = ""

    @property
    def is_narrow(self) -> bool:
        return bool(self.text or self.use_case or self.connection)

    def found_in(self, every: Iterable[ModelCard]) -> list[ModelCard]:
        words = set(fold(self.text[:MOST_SEARCHED]).split())
        found = [card for card in every if self._fits(card) and (not words or card.has(words))]
        _label, key = SORTS.get(self.sort, SORTS[""])
        return sorted(found, key=key) if key else found

    def _fits(self, card: ModelCard) -> bool:
        return self.use_case in ("", card.model.use_case) and self.connection in ("", card.model.backend)


def use_cases(every: Sequence[ModelCard]) -> list[str]:
    return sorted({card.model.use_case for card in every} - {""}, key=by_name)


def connections(every: Sequence[ModelCard]) -> list[tuple[str, str]]:
    """(alias, label) of those that have models."""
    return list(dict.fromkeys((card.model.backend, card.connection) for card in every))
