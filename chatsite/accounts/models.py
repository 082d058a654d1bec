"""The people of the site. A user model of our own from the first migration, so that it can grow."""

from __future__ import annotations

import unicodedata
from functools import cache

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class People(UserManager):
    def get(self, *args, **kwargs):
        """By `pk` alone, as each request does, without Django's query compiler."""
        # Managers of relations are subclasses, and narrow what is found.
        if args or kwargs.keys() != {"pk"} or type(self) is not People or not str(kwargs["pk"]).isdecimal():
            return super().get(*args, **kwargs)
        for user in self.raw(_by_id(), [kwargs["pk"]]):
            return user
        raise self.model.DoesNotExist


@cache
def _by_id() -> str:
    columns = ", ".join(field.column for field in User._meta.concrete_fields)
    return f"SELECT {columns} FROM {User._meta.db_table} WHERE id = %s"  # noqa: S608  (names of ours)


class User(AbstractUser):
    """One name in the order its bearer writes it: given and family names have no order that holds everywhere.

    Preferences stand in the row that each request reads anyway. Empty: as the browser says.
    """

    class Theme(models.TextChoices):
        LIGHT = "light", _("light")
        DARK = "dark", _("dark")

    class TextSize(models.TextChoices):
        SMALL = "small", _("small")
        LARGE = "large", _("large")
        LARGEST = "largest", _("largest")

    class SendKey(models.TextChoices):
        ENTER = "enter", _("Enter")
        CTRL_ENTER = "ctrl-enter", _("Ctrl and Enter")

    first_name = None
    last_name = None
    name = models.CharField(_("name"), max_length=150, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    theme = models.CharField(_("theme"), max_length=10, choices=Theme.choices, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    text_size = models.CharField(_("text size"), max_length=10, choices=TextSize.choices, blank=True)
    send_key = models.CharField(_("send with"), max_length=10, choices=SendKey.choices, default=SendKey.ENTER)

    dismissed = models.TextField(blank=True, editable=False)  # keys of announcements: chatsite/branding/announcing.py
    agreed_at = models.DateTimeField(_("agreed to the terms"), null=True, blank=True, editable=False)

    objects = People()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                condition=~Q(email=""),
                name="user_email_once",
                violation_error_message=_("Somebody else has this e-mail address."),
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.username

    def save(self, *args, **kwargs) -> None:
        """Addresses are looked up in lower case, names compared composed: one spelling of each is kept."""
        self.email = self.email.lower()
        self.name = unicodedata.normalize("NFC", self.name)
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name or self.username
