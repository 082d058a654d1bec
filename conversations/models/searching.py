"""What a search looks through: titles and messages, a row each, beside the documents in whatever store."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from conversations.models.conversation import Conversation


class SearchEntry(models.Model):
    """A title (no message id), a message, or a part of a long one, with the text that is shown of it.

    Its words stand beside it in the database's own full-text index (conversations/indexing/), which follows a deleted
    row by itself. The owner is that of the conversation, for the index; who may read it, the conversation says.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="search_entries", db_index=False
    )
    message_id = models.CharField(max_length=64, blank=True)
    part = models.PositiveSmallIntegerField(default=0)
    role = models.CharField(max_length=10, blank=True)
    created_at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "message_id", "part"], name="searchentry_once"),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id}/{self.message_id}"
