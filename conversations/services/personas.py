"""Personas: system prompts with a name, shared by admins or one's own."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.db.models.signals import pre_delete
from django.utils.translation import gettext as _

from conversations.cleaning import clean, whole_number
from conversations.errors import InputError, NotFound
from conversations.models import PROMPT_MAX_LENGTH, ChatDefaults, Conversation, Persona
from conversations.stores import temporary_store

MOST_PERSONAS = 200  # of one person: the panel lists them all


def personas_for(user) -> QuerySet[Persona]:
    """What this person may choose from: the shared ones first, then one's own."""
    return _usable(user.pk).order_by("owner_id", "order", "name", "pk")


def shared_personas() -> QuerySet[Persona]:
    return Persona.objects.filter(owner=None)


def own_personas(user) -> QuerySet[Persona]:
    return Persona.objects.filter(owner_id=user.pk)


def own_persona(user, persona_id: int) -> Persona:
    """Raises NotFound for what does not exist, is shared, or is someone else's."""
    found = own_personas(user).filter(pk=persona_id).first()
    if found is None:
        raise NotFound(_("This persona does not exist."))
    return found


def usable_persona(user_id: int, persona_id: str) -> Persona:
    """Raises InputError for one that is gone, or never was this person's to use."""
    pk = whole_number(persona_id)
    found = None if pk is None else _usable(user_id).filter(pk=pk).first()
    if found is None:
        raise InputError(_("This persona is not there any more. Choose another one."))
    return found


def save_persona(user, *, name: str, prompt: str, description: str = "", persona: Persona | None = None) -> Persona:
    """A new persona of one's own, or the given one changed: also for the chats that use it, from their next message.

    Raises InputError, naming the field.
    """
    if persona is None:
        if own_personas(user).count() >= MOST_PERSONAS:
            raise InputError(_("You have {count} personas already. Delete one first.").format(count=MOST_PERSONAS))
        persona = Persona(owner_id=user.pk)
    persona.name = _short(name, _("Name"), "name")
    persona.description = _short(description, _("Description"), "description", may_be_empty=True)
    persona.prompt = clean(prompt).replace("\r\n", "\n").strip()
    if not persona.prompt:
        raise InputError(_("Write a system prompt: what the model is told first."))
    if len(persona.prompt) > PROMPT_MAX_LENGTH:
        raise InputError(_too_long(_("System prompt"), PROMPT_MAX_LENGTH))
    persona.save()
    return persona


def delete_persona(persona: Persona) -> None:
    """Chats that use it keep its text, as their own; of a shared one they keep nothing."""
    persona.delete()


def _usable(user_id: int) -> QuerySet[Persona]:
    return Persona.objects.filter(Q(owner=None) | Q(owner_id=user_id))


def _short(text: str, label: str, field: str, *, may_be_empty: bool = False) -> str:
    text = " ".join(clean(text).split())
    if not text and not may_be_empty:
        raise InputError(_("Give the persona a name."))
    if len(text) > (limit := Persona._meta.get_field(field).max_length):
        raise InputError(_too_long(label, limit))
    return text


def _too_long(label: str, limit: int) -> str:
    return _("“{field}” may have at most {limit} characters.").format(field=label, limit=limit)


def _leave_its_text(instance: Persona, **_signal: object) -> None:
    """Whoever deletes it, in whatever way. What administrators wrote becomes nobody's own: people may not read it."""
    left = {"persona": None} if instance.owner_id is None else {"persona": None, "system_prompt": instance.prompt}
    rows = Conversation.objects.filter(persona=instance)
    if "system_prompt" in left:
        for conversation in rows.filter(is_temporary=True):  # their row keeps no text
            temporary_store().set_system_prompt(conversation.key, instance.prompt)
    rows.filter(is_temporary=True).update(persona=None)
    rows.update(**left)
    ChatDefaults.objects.filter(persona=instance).update(**left)


pre_delete.connect(_leave_its_text, sender=Persona, dispatch_uid="conversations.personas")
