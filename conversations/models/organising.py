"""How a person keeps order: folders, what was thought of an answer, prompts to use again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.models.catalogue import ChatModel
from conversations.models.tuning import PROMPT_MAX_LENGTH

FOLDER_NAME_MAX_LENGTH = 60
REASON_MAX_LENGTH = 1_000


class Folder(models.Model):
    """A person's own group of conversations. Deleting it deletes none of them."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="folders", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=FOLDER_NAME_MAX_LENGTH)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("folder")
        verbose_name_plural = _("folders")
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="folder_name_once_per_user")]

    def __str__(self) -> str:
        return self.name


class Feedback(models.Model):
    """A thumb up or down for one answer, with what it was answered by then."""

    class Value(models.IntegerChoices):
        UP = 1, _("good")
        DOWN = -1, _("bad")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("person")
    )
    conversation = models.ForeignKey(
        "conversations.Conversation", on_delete=models.CASCADE, related_name="feedback", verbose_name=_("conversation")
    )
    message_id = models.CharField(max_length=64)
    model = models.ForeignKey(
        ChatModel, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("model")
    )
    backend = models.CharField(_("connection"), max_length=50, blank=True)
    upstream_model = models.CharField(_("model id"), max_length=200, blank=True)
    value = models.SmallIntegerField(_("thumb"), choices=Value.choices)
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH, blank=True)
    created_at = models.DateTimeField(_("given"), auto_now_add=True)

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "conversation", "message_id"], name="feedback_once_per_answer")
        ]

    def __str__(self) -> str:
        return self.get_value_display()

    @property
    def thumb(self) -> str:
        return "up" if self.value == self.Value.UP else "down"


class SavedPrompt(models.Model):
    """A text to begin a message with, called by `/name`: shared by admins (no owner), or one's own."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="saved_prompts",
        verbose_name=_("owner"),
        help_text=_("Empty: everybody may use it."),
    )
    name = models.SlugField(_("name"), max_length=40, allow_unicode=True, help_text=_("What is typed after the slash."))
    text = models.TextField(_("text"), max_length=PROMPT_MAX_LENGTH)

    class Meta:
        verbose_name = _("saved prompt")
        verbose_name_plural = _("saved prompts")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="savedprompt_name_once_per_owner"),
            models.UniqueConstraint(fields=["name"], condition=Q(owner=None), name="savedprompt_name_once_shared"),
        ]

    def __str__(self) -> str:
        return f"/{self.name}"
