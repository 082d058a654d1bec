"""A link that shows a frozen copy of a conversation to whoever has it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatsite.sharing.tokens import pk_in, token_of
from conversations.models import TITLE_MAX_LENGTH, Conversation

SALT = "chatsite.sharing.shared_link"


class SharedLinkQuerySet(models.QuerySet):
    def for_user(self, user) -> SharedLinkQuerySet:
        """What this person shares; the text is left where it is."""
        return self.filter(user_id=user.pk).defer("snapshot")

    def open(self) -> SharedLinkQuerySet:
        """Those that show something now: neither past their day, nor of a chat or a person that is gone."""
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=timezone.now()),
            conversation__deleted_at=None,
            conversation__trashed_at=None,
            user__is_active=True,
        )

    def at(self, token: str) -> SharedLink | None:
        """The open link of this token, if there is one."""
        pk = pk_in(token, SALT)
        return None if pk is None else self.open().filter(pk=pk).first()


class SharedLink(models.Model):
    """Revoking deletes the row, and the text with it; so does deleting the chat or its owner."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shared_links", verbose_name=_("shared by")
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="shared_links", verbose_name=_("conversation")
    )
    title = models.CharField(_("title"), max_length=TITLE_MAX_LENGTH, blank=True)
    snapshot = models.TextField(help_text=_("What is shown, as JSON (snapshots.py)."))
    message_count = models.PositiveIntegerField(_("messages"))
    password = models.CharField(_("password"), max_length=128, blank=True, help_text=_("Hashed; empty for none."))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("open until"), null=True, blank=True)
    views = models.PositiveIntegerField(_("views"), default=0)
    viewed_at = models.DateTimeField(_("last viewed"), null=True, blank=True)

    objects = SharedLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("shared link")
        verbose_name_plural = _("shared links")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.title or str(_("New chat"))

    @property
    def token(self) -> str:
        return token_of(self.pk, SALT)

    @property
    def has_password(self) -> bool:
        return bool(self.password)

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()
