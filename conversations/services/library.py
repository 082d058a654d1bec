"""Saved prompts: texts to begin a message with, called by `/name`; shared by admins, or one's own."""

from __future__ import annotations

import re
import unicodedata

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from conversations.cleaning import clean, whole_number
from conversations.errors import InputError, NotFound
from conversations.models import PROMPT_MAX_LENGTH, SavedPrompt

MOST_PROMPTS = 500  # of one person: the composer lists them all
NAME_MAX_LENGTH = SavedPrompt._meta.get_field("name").max_length


def prompts_for(user) -> QuerySet[SavedPrompt]:
    """What this person may call, by name; of two with one name, one's own comes first."""
    own_first = F("owner_id").desc(nulls_last=True)  # databases differ in where they put what has no owner
    return SavedPrompt.objects.filter(Q(owner=None) | Q(owner_id=user.pk)).order_by("name", own_first, "pk")


def shared_prompts() -> QuerySet[SavedPrompt]:
    return SavedPrompt.objects.filter(owner=None)


def own_prompts(user) -> QuerySet[SavedPrompt]:
    return SavedPrompt.objects.filter(owner_id=user.pk)


def own_prompt(user, prompt_id: int) -> SavedPrompt:
    """Raises NotFound for what does not exist, is shared, or is someone else's."""
    found = own_prompts(user).filter(pk=prompt_id).first()
    if found is None:
        raise NotFound(_("This prompt does not exist."))
    return found


def prompt_text(user, prompt_id: str) -> str:
    """Its text; empty for one that is gone, or never was this person's to use."""
    pk = whole_number(prompt_id)
    found = None if pk is None else prompts_for(user).filter(pk=pk).first()
    return found.text if found else ""


def save_prompt(user, *, name: str, text: str, prompt: SavedPrompt | None = None) -> SavedPrompt:
    """A new prompt of one's own, or the given one changed. Raises InputError, naming the field."""
    if prompt is None:
        if own_prompts(user).count() >= MOST_PROMPTS:
            raise InputError(_("You have {count} prompts already. Delete one first.").format(count=MOST_PROMPTS))
        prompt = SavedPrompt(owner_id=user.pk)
    prompt.name, prompt.text = as_name(name), clean(text).replace("\r\n", "\n").strip()
    if not prompt.text:
        raise InputError(_("Write the text of the prompt."))
    if len(prompt.text) > PROMPT_MAX_LENGTH:
        raise InputError(_("The text may have at most {limit} characters.").format(limit=PROMPT_MAX_LENGTH))
    try:
        with transaction.atomic():
            prompt.save()
    except IntegrityError:
        raise InputError(_("You have a prompt “/{name}” already.").format(name=prompt.name)) from None
    return prompt


def delete_prompt(prompt: SavedPrompt) -> None:
    prompt.delete()


def as_name(given: str) -> str:
    """What is typed after the slash: "Thư xin nghỉ" becomes "thư-xin-nghỉ". Raises InputError if nothing is left."""
    text = unicodedata.normalize("NFC", clean(given)).strip().lstrip("/").casefold()
    name = re.sub(r"[^\w]+", "-", text).strip("-")
    if not name:
        raise InputError(_("Give the prompt a name: letters and digits."))
    if len(name) > NAME_MAX_LENGTH:
        raise InputError(_("A name may have at most {limit} characters.").format(limit=NAME_MAX_LENGTH))
    return name
