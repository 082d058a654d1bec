"""The catalogue of models that people choose from: seeded from settings, then edited in the admin."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext as _

from conversations import guards
from conversations.backends import get_backend
from conversations.errors import BackendUnavailable, InputError
from conversations.examples import get_examples
from conversations.models import ChatModel, Conversation, ModelFallback, ModelSetting
from conversations.services.tunables import Tunables, tunables
from conversations.streaming.candidates import Candidate

logger = logging.getLogger(__name__)
ORDER_STEP = 100
ORDER_OF_RULES = 10_000  # last, also when a language model is connected later: the first is the default


def seed_catalogue() -> int:
    """Bring in the models of connections that have none yet. What an admin changed or removed stays so.

    Returns how many were added.
    """
    known = set(ChatModel.objects.values_list("backend", flat=True))
    fresh = [alias for alias in settings.CHAT_BACKENDS if alias not in known]
    if not fresh:
        return 0
    has_default = ChatModel.objects.filter(is_default=True).exists()
    rows = []
    for alias in fresh:
        backend = get_backend(alias)
        first = first_place(alias)
        entries = list(backend.models())
        rows += [ChatModel(backend=alias, **{"order": first + i, **entry}) for i, entry in enumerate(entries)]
    for row in rows:
        if not has_default and row.model_id == settings.CHAT_DEFAULT_MODEL:
            row.is_default = has_default = True
    with transaction.atomic():
        return len(ChatModel.objects.bulk_create(rows, ignore_conflicts=True))


def first_place(alias: str) -> int:
    """Where the entries of a connection begin: in the order of the settings."""
    if not get_backend(alias).is_language_model:
        return ORDER_OF_RULES
    return (list(settings.CHAT_BACKENDS).index(alias) + 1) * ORDER_STEP


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """The enabled models, with their fallbacks and settings, as the database had them `at` a time.monotonic()."""

    models: tuple[ChatModel, ...]
    fallbacks: Mapping[int, tuple[int, ...]]
    settings: Mapping[int, Mapping[str, ModelSetting]]
    at: float
    tunables: dict[int, Tunables] = field(default_factory=dict)


_known: _Catalogue | None = None


def _catalogue() -> _Catalogue:
    """Read at most every CHAT_CATALOGUE_AGE seconds: every send asks for it, and it hardly ever changes."""
    global _known
    if not _is_fresh():
        now = time.monotonic()
        fallbacks: dict[int, tuple[int, ...]] = {}
        for model, substitute in ModelFallback.objects.values_list("model_id", "substitute_id"):
            fallbacks[model] = (*fallbacks.get(model, ()), substitute)
        changes: dict[int, dict[str, ModelSetting]] = {}
        for row in ModelSetting.objects.all():
            changes.setdefault(row.model_id, {})[row.name] = row
        _known = _Catalogue(tuple(ChatModel.objects.filter(enabled=True)), fallbacks, changes, now)
    return _known


def _is_fresh() -> bool:
    return _known is not None and time.monotonic() - _known.at < settings.CHAT_CATALOGUE_AGE


def forget_catalogue(**_signal: object) -> None:
    """What was changed in this process is seen in it at once."""
    global _known
    _known = None


for _changed in (post_save, post_delete):
    for _model in (ChatModel, ModelFallback, ModelSetting):
        _changed.connect(forget_catalogue, sender=_model, dispatch_uid="conversations.catalogue")


def available_models() -> list[ChatModel]:
    """What can be chosen now, in the catalogue's order."""
    return [model for model in _catalogue().models if model.is_available]


def tunables_of(model: ChatModel) -> Tunables:
    """What can be tuned with this model. Made once while the catalogue is remembered: every send asks for it."""
    return _tunables(model, _catalogue())


def _tunables(model: ChatModel, catalogue: _Catalogue) -> Tunables:
    made = catalogue.tunables.get(model.pk)
    if made is None:
        made = catalogue.tunables[model.pk] = tunables(model, catalogue.settings.get(model.pk, {}))
    return made


def default_model(models: list[ChatModel] | None = None) -> ChatModel | None:
    """The one marked as default, else the first; None if there is none at all."""
    models = available_models() if models is None else models
    return next((model for model in models if model.is_default), models[0] if models else None)


def choose_model(wanted: int | None, conversation: Conversation) -> ChatModel:
    """The model for a message: the one asked for, else the conversation's own, else the default.

    Raises InputError if the one asked for is not to be had, BackendUnavailable if there is none at all.
    """
    guards.prepare()  # here, because every turn passes by on a thread that may read
    get_examples().prepare()
    models = available_models()
    if wanted is not None:
        chosen = next((model for model in models if model.pk == wanted), None)
        if chosen is None:
            raise InputError(_("This model is not available any more. Choose another one."))
        return chosen
    own = next((model for model in models if model.pk == conversation.model_id), None)
    if own is not None:
        return own
    chosen = default_model(models)
    if chosen is None:
        raise BackendUnavailable(_("No model is available on this site. Ask its administrator to enable one."))
    return chosen


def known_candidates(models: list[ChatModel]) -> list[tuple[Candidate, ...]] | None:
    """The candidates of each, without reading the database; None if it must be read. Needs no thread."""
    catalogue = _known
    return [_candidates(model, catalogue) for model in models] if catalogue and _is_fresh() else None


def candidates(model: ChatModel) -> tuple[Candidate, ...]:
    """Who may answer: the model itself, then its available substitutes, in order."""
    return _candidates(model, _catalogue())


def _candidates(model: ChatModel, catalogue: _Catalogue) -> tuple[Candidate, ...]:
    available = {entry.pk: entry for entry in catalogue.models if entry.is_available}
    substitutes = catalogue.fallbacks.get(model.pk, ())
    models = [model, *(available[pk] for pk in substitutes if pk in available)]
    return tuple(candidate_of(entry, _tunables(entry, catalogue)) for entry in models)


def candidate_of(model: ChatModel, tunables: Tunables | None = None) -> Candidate:
    return Candidate(
        model.backend,
        model.model_id,
        model.label,
        model.pk,
        model.context_size,
        model.parameters,
        filter_level=model.filter_level,
        tunables=tunables,
    )


def remember_size(pk: int, size: int) -> None:
    """Its server named the size of its context. What an admin wrote stays."""
    try:
        changed = ChatModel.objects.filter(pk=pk, context_size=None).update(context_size=size)
    except DatabaseError as error:  # it will be named again
        logger.warning("The context size of a model could not be kept: %s", type(error).__name__)
        return
    if changed:
        forget_catalogue()
