"""An import: a file that somebody sent, and what became of each chat in it."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from conversations.models import TITLE_MAX_LENGTH
from conversations.services import Fate

FILE_NAME_MAX_LENGTH = 200


class Import(models.Model):
    """A job that a thread of some server process does; whoever holds `runner` does it."""

    class Stage(models.TextChoices):
        CHECKING = "checking", _("being read")
        READY = "ready", _("waits for a yes")
        RUNNING = "running", _("being imported")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        STOPPED = "stopped", _("stopped")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="imports", verbose_name=_("person")
    )
    file_name = models.CharField(_("file"), max_length=FILE_NAME_MAX_LENGTH)
    size = models.PositiveBigIntegerField(_("size"), default=0)
    stage = models.CharField(_("stage"), max_length=10, choices=Stage.choices, default=Stage.CHECKING)
    problem = models.TextField(_("problem"), blank=True)
    is_confirmed = models.BooleanField(_("confirmed"), default=False, help_text=_("Its owner has said yes."))
    position = models.PositiveBigIntegerField(default=0)
    length = models.PositiveBigIntegerField(default=0)
    runner = models.UUIDField(null=True, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("sent"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.file_name

    @property
    def path(self) -> Path:
        """Of our own making: the name that the file was sent with is only ever shown."""
        return Path(settings.IMPORT_DIR) / f"{self.pk}.upload"

    @property
    def is_live(self) -> bool:
        return self.stage in (self.Stage.CHECKING, self.Stage.RUNNING)

    @property
    def percent(self) -> int:
        return min(100, self.position * 100 // self.length) if self.length else 0


class ImportedChat(models.Model):
    """A line of the report."""

    class Outcome(models.TextChoices):
        NEW = Fate.NEW.value, _("new")
        MORE = Fate.MORE.value, _("has new messages")
        THERE = Fate.THERE.value, _("is here already")
        IN_TRASH = Fate.IN_TRASH.value, _("is in your trash")
        REFUSED = "refused", _("cannot be imported")

    job = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="chats")
    number = models.PositiveIntegerField()
    source = models.CharField(max_length=20, blank=True)
    title = models.CharField(max_length=TITLE_MAX_LENGTH, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    added = models.PositiveIntegerField(default=0, help_text=_("Messages."))
    problem = models.TextField(blank=True)
    left_out = models.TextField(blank=True)
    rank = models.PositiveSmallIntegerField(default=2, help_text=_("What needs a look stands first."))
    conversation_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["rank", "number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="importedchat_number_once")]
        indexes = [models.Index(fields=["job", "rank", "number"], name="importedchat_report")]

    def __str__(self) -> str:
        return self.title or str(self.number)
