"""An accepted turn, and the process that writes its reply."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.models.catalogue import ChatModel
from conversations.models.conversation import Conversation
from conversations.types import Transcript

INSTEAD_OF_MAX_LENGTH = 100
UNSAID = {"user_text": "", "reply_text": "", "reasoning_text": "", "error": "", "options": {}, "sources": []}
"""The fields that hold what was said and set, empty: so they stay in the database, of a temporary chat."""


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
    reasoning_text = models.TextField(
        blank=True, help_text=_("What the model thought before it answered; no part of the answer.")
    )
    reasoning_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("How long it thought, in ms; empty if that is not known.")
    )
    sources = models.JSONField(
        default=list, blank=True, help_text=_("What the answer rests on, where its server says so beside the text.")
    )
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

    lane = models.PositiveSmallIntegerField(
        default=0, help_text=_("Which of the models that answer the same message side by side; 0 without comparing.")
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

    prompt_characters = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("What the prompt had; with its tokens it tells how this model counts.")
    )
    first_token_ms = models.PositiveIntegerField(_("first token after, in ms"), null=True, blank=True)
    tokens_per_second = models.FloatField(
        _("tokens per second"), null=True, blank=True, help_text=_("From the first token to the last.")
    )

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
                fields=["conversation", "parent_id", "lane"],
                condition=Q(status="in_progress"),
                name="generation_one_live_per_branch",
            ),
        ]
        indexes = [
            models.Index(fields=["user"], condition=Q(status="in_progress"), name="generation_live_by_user"),
            models.Index(fields=["conversation"], condition=Q(stored_at=None), name="generation_outbox"),
            # What the clock and the Stop loop ask several times a second; finished replies keep their writer.
            models.Index(fields=["writer", "status", "stop_requested"], name="generation_claims"),
            # The newest measured replies of each model (services/speed.py).
            models.Index(
                fields=["model", "finished_at"],
                condition=Q(status="completed", first_token_ms__isnull=False),
                name="generation_speed",
            ),
        ]

    before: Transcript | None = None
    """What was said before this turn; known only to the process that has just accepted it."""

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_live(self) -> bool:
        return self.status == self.Status.IN_PROGRESS
