"""How the site presents itself. Pages read none of it by themselves: see current.py."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatsite.branding.buttons import LABELS

MOST_CSS = 100_000  # characters
is_colour = RegexValidator(r"^#[0-9a-fA-F]{6}\Z", _("Write a colour as # and six digits, like #0f766e."))


def languages() -> list[tuple[str, str]]:
    return list(settings.LANGUAGES)


def button_names() -> list[tuple[str, str]]:
    return list(LABELS.items())


class InLanguage(models.Model):
    """Something that people read in one language, or in all of them."""

    language = models.CharField(
        _("language"), max_length=10, blank=True, choices=languages, help_text=_("Empty: in every language.")
    )

    class Meta:
        abstract = True


class Site(models.Model):
    """There is one row, or none: then everything is as the project brings it."""

    KEY = 1

    name = models.CharField(_("name"), max_length=60, blank=True, help_text=_("Empty: as SITE_NAME says."))
    accent = models.CharField(
        _("accent colour"),
        max_length=7,
        blank=True,
        validators=[is_colour],
        help_text=_(
            "For buttons and links. Its lightness is adapted to the light and the dark theme, "
            "so that it stays legible. Empty: the project's own."
        ),
    )
    logo = models.BinaryField(_("logo"), blank=True, default=b"")
    logo_type = models.CharField(max_length=30, blank=True, editable=False)
    logo_version = models.CharField(max_length=12, blank=True, editable=False)
    css = models.TextField(
        _("style sheet"),
        max_length=MOST_CSS,
        blank=True,
        help_text=_("CSS that comes after the site's own, on every page but the administration."),
    )
    must_agree = models.BooleanField(
        _("people must agree to the terms"),
        default=False,
        help_text=_("Whoever has not is led to the terms before anything else."),
    )
    agreed_since = models.DateTimeField(_("agreements count since"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("appearance")
        verbose_name_plural = _("appearance")

    def __str__(self) -> str:
        return self.name or settings.SITE_NAME

    def save(self, *args, **kwargs) -> None:
        self.pk = self.KEY
        super().save(*args, **kwargs)


class SiteText(InLanguage):
    """What the site says about itself."""

    class Kind(models.TextChoices):
        DESCRIPTION = "description", _("description, below the name where people log in")
        NOTICE = "notice", _("notice below the message box, for example about sensitive data")
        TERMS = "terms", _("terms of use")

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="texts")
    kind = models.CharField(_("what"), max_length=12, choices=Kind.choices)
    text = models.TextField(_("text"), max_length=100_000, help_text=_("Terms may be written in Markdown."))

    class Meta:
        verbose_name = _("text of the site")
        verbose_name_plural = _("texts of the site")
        constraints = [
            models.UniqueConstraint(
                fields=["site", "kind", "language"],
                name="site_text_once",
                violation_error_message=_("This text stands there already, in this language."),
            )
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class Button(InLanguage):
    """A button of the pages, under another name or not at all."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="buttons")
    name = models.CharField(_("button"), max_length=30, choices=button_names)
    label = models.CharField(_("label"), max_length=40, blank=True, help_text=_("Empty: as it is."))
    is_off = models.BooleanField(_("off"), default=False, help_text=_("The button is not shown."))

    class Meta:
        verbose_name = _("button")
        verbose_name_plural = _("buttons")
        constraints = [
            models.UniqueConstraint(
                fields=["site", "name", "language"],
                name="button_once",
                violation_error_message=_("This button stands there already, in this language."),
            )
        ]

    def __str__(self) -> str:
        return str(LABELS.get(self.name, self.name))


class Announcement(InLanguage):
    class Level(models.TextChoices):
        INFO = "info", _("information")
        WARNING = "warning", _("warning")

    text = models.TextField(_("text"), max_length=2_000, help_text=_("Markdown; one or two sentences."))
    level = models.CharField(_("kind"), max_length=10, choices=Level.choices, default=Level.INFO)
    can_be_dismissed = models.BooleanField(
        _("can be dismissed"),
        default=True,
        help_text=_("In a browser where it was, it comes back when its text changes."),
    )
    for_visitors = models.BooleanField(
        _("for visitors too"), default=False, help_text=_("Also where people log in; else only once they are.")
    )
    begins_at = models.DateTimeField(_("from"), null=True, blank=True, help_text=_("Empty: at once."))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True, help_text=_("Empty: until it is disabled."))
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.text[:80]


class Example(InLanguage):
    """A prompt that a new chat offers to begin with. As long as there is none, the project's own are offered."""

    text = models.CharField(_("prompt"), max_length=300)
    keeps_answer = models.BooleanField(
        _("keep the first answer"),
        default=False,
        help_text=_("The first complete answer of a model is kept below, and given to whoever chooses this example."),
    )
    answer = models.TextField(
        _("answer"),
        max_length=50_000,
        blank=True,
        help_text=_(
            "Given at once, without asking a model, in new chats that have no persona or settings of their own. "
            "Markdown. Empty it to have it asked for again."
        ),
    )
    order = models.PositiveSmallIntegerField(_("order"), default=100, help_text=_("Smaller numbers stand first."))
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        verbose_name = _("example prompt")
        verbose_name_plural = _("example prompts")
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return self.text[:80]
