"""The catalogue of models that people choose from: seeded from settings, then edited in the admin."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from conversations.backends import get_backend
from conversations.errors import BackendUnavailable, InputError
from conversations.models import ChatModel, Conversation, ModelFallback
from conversations.streaming.reply import Candidate

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
        place = (list(settings.CHAT_BACKENDS).index(alias) + 1) * ORDER_STEP
        first = place if backend.is_language_model else ORDER_OF_RULES
        entries = list(backend.models())
        rows += [ChatModel(backend=alias, **{"order": first + i, **entry}) for i, entry in enumerate(entries)]
    for row in rows:
        if not has_default and row.model_id == settings.CHAT_DEFAULT_MODEL:
            row.is_default = has_default = True
    with transaction.atomic():
        return len(ChatModel.objects.bulk_create(rows, ignore_conflicts=True))


def available_models() -> list[ChatModel]:
    """What can be chosen now, in the catalogue's order."""
    return [model for model in ChatModel.objects.filter(enabled=True) if model.is_available]


def default_model(models: list[ChatModel] | None = None) -> ChatModel | None:
    """The one marked as default, else the first; None if there is none at all."""
    models = available_models() if models is None else models
    return next((model for model in models if model.is_default), models[0] if models else None)


def choose_model(wanted: int | None, conversation: Conversation) -> ChatModel:
    """The model for a message: the one asked for, else the conversation's own, else the default.

    Raises InputError if the one asked for is not to be had, BackendUnavailable if there is none at all.
    """
    models = available_models()
    if wanted is not None:
        chosen = next((model for model in models if model.pk == wanted), None)
        if chosen is None:
            raise InputError(_("This model is not available any more. Choose another one."))
        return chosen
    if conversation.model is not None and conversation.model.is_available:
        return conversation.model
    chosen = default_model(models)
    if chosen is None:
        raise BackendUnavailable(_("No model is available on this site. Ask its administrator to enable one."))
    return chosen


def candidates(model: ChatModel) -> tuple[Candidate, ...]:
    """Who may answer: the model itself, then its available substitutes, in order."""
    rows = ModelFallback.objects.filter(model=model).select_related("substitute")
    models = [model, *(row.substitute for row in rows if row.substitute.is_available)]
    return tuple(
        Candidate(entry.backend, entry.model_id, entry.label, entry.pk, entry.context_size) for entry in models
    )
