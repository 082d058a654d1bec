"""A link by which people try a model without an account, and those who do."""

from __future__ import annotations

import datetime
import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatsite.sharing.origins import clean_origins
from chatsite.sharing.tokens import pk_in, token_of
from conversations.models import ChatModel, Persona

SALT = "chatsite.sharing.trial"
USUAL_DAYS = 7


def usual_end() -> datetime.datetime:
    return timezone.now() + datetime.timedelta(days=USUAL_DAYS)


class TrialQuerySet(models.QuerySet):
    def at(self, token: str) -> Trial | None:
        """The trial of this token, open or not."""
        pk = pk_in(token, SALT)
        rows = self.select_related("model", "persona")
        return None if pk is None else rows.filter(pk=pk).first()


class Trial(models.Model):
    """Made by administrators, and closed until they open it. Each visitor becomes a user of the site for that long."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100, help_text=_("What visitors read above the chat."))
    model = models.ForeignKey(
        ChatModel,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("model"),
        help_text=_("The only one that visitors can ask."),
    )
    persona = models.ForeignKey(
        Persona,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        limit_choices_to={"owner": None},
        verbose_name=_("persona"),
        help_text=_("Visitors do not see its text."),
    )
    enabled = models.BooleanField(
        _("open"), default=False, help_text=_("Nobody can use the link until this is ticked.")
    )
    ends_at = models.DateTimeField(
        _("open until"), default=usual_end, help_text=_("Then visitors and their chats are deleted.")
    )
    messages_per_guest = models.PositiveIntegerField(
        _("messages per visitor"), default=10, validators=[MinValueValidator(1), MaxValueValidator(1_000)]
    )
    messages_total = models.PositiveIntegerField(
        _("messages of all visitors together"),
        default=300,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        help_text=_("This bounds what the link can cost, whoever gets hold of it."),
    )
    guests_total = models.PositiveIntegerField(
        _("visitors"), default=100, validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )
    message_length = models.PositiveIntegerField(
        _("characters per message"), default=4_000, validators=[MinValueValidator(1)]
    )
    origins = models.TextField(
        _("sites that may embed it"),
        blank=True,
        max_length=2_000,
        validators=[clean_origins],
        help_text=_("One on each line, such as https://www.example.org. Empty: it can be embedded nowhere."),
    )
    messages_sent = models.PositiveIntegerField(_("messages so far"), default=0, editable=False)
    guests_count = models.PositiveIntegerField(_("visitors so far"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = TrialQuerySet.as_manager()

    class Meta:
        verbose_name = _("trial without an account")
        verbose_name_plural = _("trials without an account")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def token(self) -> str:
        return token_of(self.pk, SALT)

    @property
    def is_open(self) -> bool:
        is_available = self.model is not None and self.model.is_available
        return self.enabled and self.ends_at > timezone.now() and is_available

    @property
    def allowed_origins(self) -> list[str]:
        return clean_origins(self.origins)


class Guest(models.Model):
    """A visitor of a trial: a user without password and address, who holds a session that only trials read."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="guest"
    )
    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="guests", verbose_name=_("trial"))
    session_key = models.CharField(max_length=40, unique=True)
    messages_sent = models.PositiveIntegerField(_("messages"), default=0)
    created_at = models.DateTimeField(_("came"), auto_now_add=True)

    class Meta:
        verbose_name = _("visitor")
        verbose_name_plural = _("visitors")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.user)
