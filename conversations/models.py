"""The tables of the heart.

A Conversation row holds what lists and searches need; its text is one document in the store.
A Generation is an accepted turn, and the outbox from which the store follows.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.types import Key, Transcript

TITLE_MAX_LENGTH = 200
INSTEAD_OF_MAX_LENGTH = 100


class ChatModel(models.Model):
    """One entry of the catalogue that people choose from."""

    backend = models.CharField(_("connection"), max_length=50, help_text=_("A key of CHAT_BACKENDS."))
    model_id = models.CharField(
        _("model id"),
        max_length=200,
        blank=True,
        help_text=_("The upstream's name for it, for example google/gemma-2-9b-it or model:provider."),
    )
    label = models.CharField(_("label"), max_length=100, help_text=_("What people see in the model picker."))
    description = models.CharField(_("description"), max_length=300, blank=True)
    use_case = models.CharField(
        _("use case"), max_length=100, blank=True, help_text=_("For example: everyday questions.")
    )
    context_size = models.PositiveIntegerField(
        _("context size"), null=True, blank=True, help_text=_("In tokens. Empty if unknown.")
    )
    enabled = models.BooleanField(_("enabled"), default=True, help_text=_("Only enabled models can be chosen."))
    is_default = models.BooleanField(_("default"), default=False, help_text=_("New conversations start with it."))
    order = models.PositiveSmallIntegerField(_("order"), default=100, help_text=_("Smaller numbers stand first."))

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        ordering = ["order", "label", "pk"]
        constraints = [models.UniqueConstraint(fields=["backend", "model_id"], name="chatmodel_once_per_backend")]

    def __str__(self) -> str:
        return self.label

    @property
    def is_available(self) -> bool:
        """Enabled, and its connection still stands in the settings."""
        return self.enabled and self.backend in settings.CHAT_BACKENDS


class ModelFallback(models.Model):
    """Who answers instead when a model does not: the substitutes of one entry, in order."""

    model = models.ForeignKey(ChatModel, on_delete=models.CASCADE, related_name="fallbacks", verbose_name=_("model"))
    substitute = models.ForeignKey(
        ChatModel, on_delete=models.CASCADE, related_name="+", verbose_name=_("answers instead")
    )
    order = models.PositiveSmallIntegerField(_("order"), default=100, help_text=_("Smaller numbers are asked first."))

    class Meta:
        verbose_name = _("fallback")
        verbose_name_plural = _("fallbacks")
        ordering = ["order", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["model", "substitute"], name="modelfallback_once"),
            models.CheckConstraint(condition=~Q(model=models.F("substitute")), name="modelfallback_another"),
        ]

    def __str__(self) -> str:
        return str(self.substitute)


class ConversationQuerySet(models.QuerySet):
    def for_user(self, user) -> ConversationQuerySet:
        """The only way to obtain a conversation: together with the right to it. Deleted ones are gone."""
        return self.filter(user_id=user.pk, deleted_at=None) if user.pk else self.none()


class Conversation(models.Model):
    class TitleSource(models.TextChoices):
        FALLBACK = "fallback", _("first words")
        MODEL = "model", _("by the model")
        USER = "user", _("by its owner")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations", verbose_name=_("owner")
    )
    title = models.CharField(_("title"), max_length=TITLE_MAX_LENGTH, blank=True)
    title_source = models.CharField(
        _("title given"), max_length=10, choices=TitleSource.choices, default=TitleSource.FALLBACK
    )
    model = models.ForeignKey(
        ChatModel, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("model")
    )
    message_count = models.PositiveIntegerField(_("messages"), default=0)
    size = models.PositiveIntegerField(_("size"), default=0, help_text=_("Characters of text."))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last message"), auto_now_add=True)
    deleted_at = models.DateTimeField(
        _("deleted"), null=True, blank=True, help_text=_("Its document is being removed.")
    )

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ["-updated_at"]
        indexes = [
            models.Index(fields=["user", "-updated_at"], condition=Q(deleted_at=None), name="conversation_newest")
        ]

    def __str__(self) -> str:
        return self.title or str(_("New chat"))

    @property
    def key(self) -> Key:
        return Key(str(self.user_id), str(self.pk))


class Writer(models.Model):
    """A process that writes replies. Its clock raises `counter`; a counter that stands still is a dead process."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    counter = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Generation(models.Model):
    """An accepted turn: what was said, and the reply as far as it is known.

    The store follows from this row: user message and reply go in under the ids fixed here,
    until `stored_at` is set. The outcome is decided once, by a guarded UPDATE (streaming/outcome.py).
    """

    class Status(models.TextChoices):
        IN_PROGRESS = "in_progress", _("in progress")
        COMPLETED = "completed", _("completed")
        CANCELLED = "cancelled", _("stopped")
        FAILED = "failed", _("failed")
        INTERRUPTED = "interrupted", _("interrupted")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="generations", verbose_name=_("conversation")
    )
    model = models.ForeignKey(
        ChatModel, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("model")
    )
    backend = models.CharField(_("connection"), max_length=50)
    upstream_model = models.CharField(_("model id"), max_length=200, blank=True)
    options = models.JSONField(_("options"), default=dict, blank=True)

    parent_id = models.CharField(
        _("after message"),
        max_length=64,
        blank=True,
        help_text=_("The leaf that the page showed; empty for a first message."),
    )
    user_message_id = models.CharField(max_length=64)
    user_text = models.TextField(blank=True)
    reply_id = models.CharField(max_length=64)
    reply_text = models.TextField(blank=True)
    is_regeneration = models.BooleanField(
        _("another answer"), default=False, help_text=_("The user's message was there already.")
    )

    continues = models.CharField(
        _("continues"),
        max_length=64,
        blank=True,
        help_text=_("The id of the reply whose text this one begins with."),
    )
    instead_of = models.CharField(
        _("instead of"),
        max_length=INSTEAD_OF_MAX_LENGTH,
        blank=True,
        help_text=_("The label of the model that was asked first, when another answered."),
    )

    idempotency_key = models.CharField(max_length=64)
    body_hash = models.CharField(max_length=64)

    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.IN_PROGRESS)
    writer = models.ForeignKey(
        Writer, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    stop_requested = models.BooleanField(_("stop requested"), default=False)
    finish_reason = models.CharField(_("finish reason"), max_length=20, blank=True)
    error_code = models.CharField(_("error code"), max_length=40, blank=True)
    error = models.TextField(_("error"), blank=True)
    prompt_tokens = models.PositiveIntegerField(_("prompt tokens"), null=True, blank=True)
    completion_tokens = models.PositiveIntegerField(_("completion tokens"), null=True, blank=True)

    created_at = models.DateTimeField(_("accepted"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    stored_at = models.DateTimeField(_("stored"), null=True, blank=True)

    class Meta:
        verbose_name = _("reply")
        verbose_name_plural = _("replies")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="generation_key_once_per_user"),
            models.UniqueConstraint(
                fields=["conversation", "parent_id"],
                condition=Q(status="in_progress"),
                name="generation_one_live_per_branch",
            ),
        ]
        indexes = [
            models.Index(fields=["user"], condition=Q(status="in_progress"), name="generation_live_by_user"),
            models.Index(fields=["conversation"], condition=Q(stored_at=None), name="generation_outbox"),
            # What the clock and the Stop loop ask several times a second; finished replies keep their writer.
            models.Index(fields=["writer", "status", "stop_requested"], name="generation_claims"),
        ]

    before: Transcript | None = None
    """What was said before this turn; known only to the process that has just accepted it."""

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_live(self) -> bool:
        return self.status == self.Status.IN_PROGRESS


class StoredTranscript(models.Model):
    """The document of one conversation, for the database store. Text, not JSON: it comes back byte for byte."""

    user_id = models.CharField(max_length=64)
    conversation_id = models.CharField(max_length=64)
    document = models.TextField()
    version = models.PositiveBigIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user_id", "conversation_id"], name="storedtranscript_once")]

    def __str__(self) -> str:
        return f"{self.user_id}/{self.conversation_id}"
