"""A conversation: what lists and searches need. Its text is one document in the store."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.models.catalogue import ChatModel
from conversations.models.organising import Folder
from conversations.models.tuning import PROMPT_MAX_LENGTH, Persona
from conversations.types import Key

TITLE_MAX_LENGTH = 200


class ConversationQuerySet(models.QuerySet):
    def for_user(self, user) -> ConversationQuerySet:
        """The only way to obtain a conversation: together with the right to it. What is in the trash is apart.

        So are temporary ones: what lists, searches, shares or exports must not come upon them.
        """
        return self.here_for(user).filter(is_temporary=False)

    def here_for(self, user) -> ConversationQuerySet:
        """As `for_user`, temporary ones included: for what happens in the chat itself."""
        return self.filter(user_id=user.pk, deleted_at=None, trashed_at=None) if user.pk else self.none()

    def trash_of(self, user) -> ConversationQuerySet:
        """What this person deleted and may still take back."""
        return self.filter(user_id=user.pk, deleted_at=None, trashed_at__isnull=False) if user.pk else self.none()


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
    persona = models.ForeignKey(
        Persona, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("persona")
    )
    system_prompt = models.TextField(
        _("system prompt"), max_length=PROMPT_MAX_LENGTH, blank=True, help_text=_("Counts when there is no persona.")
    )
    options = models.JSONField(
        _("options"), default=dict, blank=True, help_text=_("What its owner set, by the names of the settings.")
    )
    message_count = models.PositiveIntegerField(_("messages"), default=0)
    size = models.PositiveIntegerField(_("size"), default=0, help_text=_("Characters of text."))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last message"), auto_now_add=True)
    folder = models.ForeignKey(
        Folder, null=True, blank=True, on_delete=models.SET_NULL, related_name="conversations", verbose_name=_("folder")
    )
    pinned_at = models.DateTimeField(_("pinned"), null=True, blank=True)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    # Where it was before somebody moved it at that moment, to be put back there: kept in the row, so that thousands are
    # marked, and put back, by one statement each. A folder that is gone by then is no way back.
    moved_at = models.DateTimeField(null=True, blank=True, editable=False)
    folder_before = models.BigIntegerField(null=True, blank=True, editable=False)
    pinned_before = models.DateTimeField(null=True, blank=True, editable=False)
    archived_before = models.DateTimeField(null=True, blank=True, editable=False)
    is_unread = models.BooleanField(
        _("unread"), default=False, help_text=_("A reply ended while its owner looked elsewhere.")
    )
    is_temporary = models.BooleanField(
        _("temporary"), default=False, help_text=_("Its text is stored nowhere, and it goes by itself.")
    )
    trashed_at = models.DateTimeField(
        _("in the trash since"), null=True, blank=True, help_text=_("Its owner may still take it back.")
    )
    deleted_at = models.DateTimeField(
        _("deleted"), null=True, blank=True, help_text=_("Its document is being removed.")
    )
    # The database's default is for what was there before the index, and for what a process of an older version adds.
    is_indexed = models.BooleanField(
        default=True,
        db_default=False,
        editable=False,
        help_text=_("Search knows all of it; otherwise it is brought in by and by."),
    )

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ["-updated_at"]
        indexes = [
            models.Index(
                fields=["user", "-updated_at"],
                condition=Q(deleted_at=None, trashed_at=None),
                name="conversation_newest",
            ),
            models.Index(fields=["updated_at"], condition=Q(is_temporary=True), name="conversation_temporary"),
            models.Index(fields=["trashed_at"], condition=Q(trashed_at__isnull=False), name="conversation_trash"),
            models.Index(fields=["user"], condition=Q(is_indexed=False), name="conversation_unindexed"),
            # One for each list that people scroll: the key is in it, because that is where the next part begins.
            models.Index(
                fields=["user", "-updated_at", "-id"],
                condition=Q(deleted_at=None, trashed_at=None, archived_at=None, pinned_at=None, folder=None),
                name="conversation_recent",
            ),
            models.Index(
                fields=["user", "-pinned_at"], condition=Q(pinned_at__isnull=False), name="conversation_pinned"
            ),
            models.Index(
                fields=["user", "-archived_at", "-id"],
                condition=Q(archived_at__isnull=False),
                name="conversation_archive",
            ),
            models.Index(
                fields=["folder", "-updated_at", "-id"],
                condition=Q(folder__isnull=False),
                name="conversation_in_folder",
            ),
            models.Index(
                fields=["user", "-trashed_at", "-id"],
                condition=Q(trashed_at__isnull=False),
                name="conversation_trash_of_user",
            ),
            models.Index(fields=["user", "folder"], condition=Q(is_unread=True), name="conversation_unread"),
            # What every clock asks each second.
            models.Index(fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="conversation_doomed"),
        ]

    def __str__(self) -> str:
        return self.title or str(_("Temporary chat") if self.is_temporary else _("New chat"))

    @property
    def key(self) -> Key:
        return Key(str(self.user_id), str(self.pk))


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
