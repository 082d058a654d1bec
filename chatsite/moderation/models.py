"""What the content filter looks for, and what it found."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from chatsite.moderation.matching import Language, Rule, problem_of
from conversations.models import ChatModel

TERM_MAX_LENGTH = 300
TEXT_MAX_LENGTH = 300


class Action(models.TextChoices):
    REFUSE = "refuse", _("refuse")
    MASK = "mask", _("mask")
    FLAG = "flag", _("flag")


class Level(models.TextChoices):
    STANDARD = "standard", _("standard")
    STRICT = "strict", _("strict")


class TermList(models.Model):
    """Words and patterns of one language, switched on and off together."""

    class Languages(models.TextChoices):
        ENGLISH = Language.ENGLISH, _("English")
        VIETNAMESE = Language.VIETNAMESE, _("Vietnamese")
        OTHER = Language.OTHER, _("another one")

    name = models.CharField(_("name"), max_length=100, unique=True)
    language = models.CharField(
        _("language"),
        max_length=10,
        choices=Languages.choices,
        default=Languages.ENGLISH,
        help_text=_(
            "What accents mean: nothing in English, so that no accent hides a word; other letters and tones in "
            "Vietnamese; in other languages a word is found with the accents that it is written with here."
        ),
    )
    action = models.CharField(
        _("action"), max_length=10, choices=Action.choices, default=Action.MASK, help_text=_("Of new entries.")
    )
    level = models.CharField(
        _("level"), max_length=10, choices=Level.choices, default=Level.STANDARD, help_text=_("Of new entries.")
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    note = models.TextField(_("note"), blank=True, help_text=_("For administrators."))

    class Meta:
        verbose_name = _("list")
        verbose_name_plural = _("lists")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Term(models.Model):
    """One word, phrase or pattern."""

    class Kind(models.TextChoices):
        WORD = "word", _("word")
        PATTERN = "pattern", _("pattern")

    list = models.ForeignKey(TermList, on_delete=models.CASCADE, related_name="terms", verbose_name=_("list"))
    text = models.CharField(_("text"), max_length=TERM_MAX_LENGTH)
    kind = models.CharField(
        _("kind"),
        max_length=10,
        choices=Kind.choices,
        default=Kind.WORD,
        help_text=_(
            "Words and phrases are found whole, in any disguise. A pattern is a regular expression; \\b limits it."
        ),
    )
    action = models.CharField(
        _("action"),
        max_length=10,
        choices=Action.choices,
        default=Action.MASK,
        help_text=_(
            "Refuse: the message is not sent, the answer ends there. Mask: ∗∗∗ stands in its place. Flag: it passes "
            "and is noted under Hits."
        ),
    )
    level = models.CharField(
        _("level"),
        max_length=10,
        choices=Level.choices,
        default=Level.STANDARD,
        help_text=_(
            "Standard entries count for standard and strict models. The catalogue says which level a model has."
        ),
    )
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        ordering = ["list", "text"]
        constraints = [
            models.UniqueConstraint(
                fields=["list", "kind", "text"],
                name="term_once_per_list",
                violation_error_message=_("The list has this entry already."),
            )
        ]

    def __str__(self) -> str:
        return self.text

    def clean(self) -> None:
        self.text = self.text.strip()
        language = self.list.language if self.list_id else Language.ENGLISH
        if problem := problem_of(Rule(0, self.text, language, self.kind, self.action)):
            raise ValidationError(problem)


class Hit(models.Model):
    """Something that was found. Without the text, unless CHAT_FILTER_KEEP_TEXT says so."""

    class Part(models.TextChoices):
        MESSAGE = "message", _("message")
        PROMPT = "prompt", _("system prompt")
        ANSWER = "answer", _("answer")
        REASONING = "reasoning", _("reasoning")
        TITLE = "title", _("title")

    created_at = models.DateTimeField(_("when"), db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("person")
    )
    # No foreign key: the first message of a chat may be refused, and then there is no chat.
    conversation_id = models.UUIDField(_("chat"), db_index=True)
    model = models.ForeignKey(
        ChatModel, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("model")
    )
    term = models.ForeignKey(
        Term, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("entry")
    )
    entry = models.CharField(_("entry"), max_length=TERM_MAX_LENGTH, help_text=_("As it was then."))
    part = models.CharField(_("found in"), max_length=10, choices=Part.choices)
    action = models.CharField(_("action"), max_length=10, choices=Action.choices)
    text = models.CharField(_("text"), max_length=TEXT_MAX_LENGTH, blank=True)

    class Meta:
        verbose_name = _("hit")
        verbose_name_plural = _("hits")
        ordering = ["-created_at", "-pk"]
        permissions = [("view_hit_text", _("Can read the text of hits"))]

    def __str__(self) -> str:
        return f"{self.entry} ({self.get_part_display()})"
