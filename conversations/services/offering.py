"""From what a connection offers to the catalogue: listing, adding, hiding what is gone. For administrators."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from conversations.backends import get_backend
from conversations.backends.offers import Offer
from conversations.backends.servers.sentences import duration
from conversations.errors import BackendError, BackendTimeout
from conversations.models import ChatModel
from conversations.services.catalogue import first_place, forget_catalogue

logger = logging.getLogger(__name__)
PAGE_PATIENCE = 3.0
"""Seconds that a page waits for a list: below the time after which it would be a 503."""
COMMAND_PATIENCE = 30.0
REFRESHED = ("context_size", "price", "memory")
"""What changes where the model runs; texts belong to whoever edits the catalogue."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a connection said when it was asked for its models: offers, or a sentence that tells why there are none."""

    alias: str
    label: str
    offers: tuple[Offer, ...] = ()
    fault: str = ""

    def find(self, model_ids: Collection[str]) -> list[Offer]:
        """The offers of these names, variants among them, in the order of the list."""
        everything = (one for offer in self.offers for one in (offer, *offer.variants))
        return [offer for offer in everything if offer.model_id in model_ids]


async def ask_offers(alias: str, patience: float) -> Answer:
    """Never fails for what the server does; `patience` in seconds, for all of it."""
    label = alias
    try:
        backend = get_backend(alias)
        label = getattr(backend, "label", "") or alias
        async with asyncio.timeout(patience):
            return Answer(alias, label, tuple(await backend.offers()))
    except TimeoutError:
        sentence = _("“{name}” did not list its models within {time}. See whether it is busy, and ask again.")
        return Answer(alias, label, fault=BackendTimeout(sentence.format(name=label, time=duration(patience))).message)
    except BackendError as error:
        return Answer(alias, label, fault=error.message)
    except Exception:  # a bug of a backend must not hide what the others offer
        logger.exception("The models of %s could not be listed", alias)
        return Answer(alias, label, fault=_("The site itself made a mistake. Its log tells more."))


async def ask_all(aliases: Sequence[str], patience: float) -> list[Answer]:
    """All at once, so that one that hangs keeps nobody waiting for the others."""
    return list(await asyncio.gather(*(ask_offers(alias, patience) for alias in aliases)))


def catalogue_of(alias: str) -> dict[str, ChatModel]:
    """The entries of a connection by model id, hidden ones too."""
    return {row.model_id: row for row in ChatModel.objects.filter(backend=alias)}


def add_models(alias: str, offers: Iterable[Offer]) -> list[ChatModel]:
    """Put offers into the catalogue, behind what its connection has there; one that is hidden is shown again.

    Returns those that people could not choose before.
    """
    known = catalogue_of(alias)
    place = max((row.order + 1 for row in known.values()), default=first_place(alias))
    added = []
    with transaction.atomic():
        for offer in offers:
            row = known.get(offer.model_id)
            if row is None:
                fields = {"order": place + len(added), **offer.fields}
                row, is_new = ChatModel.objects.get_or_create(
                    backend=alias, model_id=fields.pop("model_id"), defaults=fields
                )
                added += [row] if is_new else []
            elif not row.enabled:
                row.enabled = True
                row.save(update_fields=["enabled"])
                added.append(row)
        if added:
            _retire_stand_in(known)
    return added


def _retire_stand_in(known: Mapping[str, ChatModel]) -> None:
    """The entry without a name stood for whatever the server lists first, until somebody chose; a default stays."""
    stand_in = known.get("")
    if stand_in is not None and stand_in.enabled and not stand_in.is_default:
        stand_in.enabled = False
        stand_in.save(update_fields=["enabled"])


def missing_models(answer: Answer) -> list[ChatModel]:
    """Entries that people can choose and that their connection no longer offers.

    The entry without a name stands for whatever a server offers, and is never missing.
    """
    if not get_backend(answer.alias).lists_everything:
        return []
    offered = {one.model_id for offer in answer.offers for one in (offer, *offer.variants)}
    rows = ChatModel.objects.filter(backend=answer.alias, enabled=True).exclude(model_id="")
    return [row for row in rows if row.model_id not in offered and row.model_id.partition(":")[0] not in offered]


def hide_models(models: Iterable[ChatModel]) -> None:
    ChatModel.objects.filter(pk__in=[model.pk for model in models]).update(enabled=False)
    forget_catalogue()


def refresh_models(answer: Answer, *, pretend: bool = False) -> dict[str, dict[str, Any]]:
    """Bring context, price and memory to what the list says today: model id → what changed. `pretend`: only tell."""
    changed: dict[str, dict[str, Any]] = {}
    rows = catalogue_of(answer.alias)
    for offer in answer.find(rows.keys()):
        row = rows[offer.model_id]
        told = {name: offer.fields[name] for name in REFRESHED if offer.fields.get(name)}
        if news := {name: value for name, value in told.items() if getattr(row, name) != value}:
            changed[row.model_id] = news
            for name, value in news.items():
                setattr(row, name, value)
    if changed and not pretend:
        ChatModel.objects.bulk_update([rows[model_id] for model_id in changed], REFRESHED)
        forget_catalogue()
    return changed
