"""How a model is to answer: personas, and what new conversations begin with."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models.catalogue import ChatModel

PROMPT_MAX_LENGTH = 8_000


class Persona(models.Model):
    """A system prompt with a name: shared by admins (no owner), or one's own."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="personas",
        verbose_name=_("owner"),
        help_text=_("Empty: everybody may use it."),
    )
    name = models.CharField(_("name"), max_length=60)
    prompt = models.TextField(_("system prompt"), max_length=PROMPT_MAX_LENGTH)
    description = models.CharField(_("description"), max_length=200, blank=True)
    order = models.PositiveSmallIntegerField(_("order"), default=100, help_text=_("Smaller numbers stand first."))

    class Meta:
        verbose_name = _("persona")
        verbose_name_plural = _("personas")
        ordering = ["order", "name", "pk"]

    def __str__(self) -> str:
        return self.name


class ChatDefaults(models.Model):
    """What a person's new conversations begin with."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="chat_defaults",
        verbose_name=_("person"),
    )
    model = models.ForeignKey(
        ChatModel, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("model")
    )
    persona = models.ForeignKey(
        Persona, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("persona")
    )
    system_prompt = models.TextField(_("system prompt"), max_length=PROMPT_MAX_LENGTH, blank=True)
    options = models.JSONField(_("options"), default=dict, blank=True)

    class Meta:
        verbose_name = _("chat defaults")
        verbose_name_plural = _("chat defaults")

    def __str__(self) -> str:
        return str(self.user)
