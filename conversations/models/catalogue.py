"""The catalogue of models."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ChatModel(models.Model):
    """One entry of the catalogue that people choose from."""

    class FilterLevel(models.TextChoices):
        OFF = "off", _("off")
        STANDARD = "standard", _("standard")
        STRICT = "strict", _("strict")

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
    memory = models.CharField(
        _("memory"), max_length=50, blank=True, help_text=_("What it takes to run it, for example 3 GB.")
    )
    price = models.CharField(
        _("price"), max_length=100, blank=True, help_text=_("For example $0.10 per million tokens.")
    )
    licence = models.CharField(_("licence"), max_length=100, blank=True)
    parameters = models.JSONField(
        _("parameters"),
        default=dict,
        blank=True,
        help_text=_("What its connection must know of it: prompt format, stop strings, adapter …"),
    )
    filter_level = models.CharField(
        _("content filter"), max_length=10, choices=FilterLevel.choices, default=FilterLevel.STANDARD
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


class ModelSetting(models.Model):
    """What one entry changes of a setting that people may tune: another default, narrower bounds, or not at all."""

    model = models.ForeignKey(ChatModel, on_delete=models.CASCADE, related_name="settings", verbose_name=_("model"))
    name = models.CharField(_("setting"), max_length=50, help_text=_("For example temperature, or max_tokens."))
    is_hidden = models.BooleanField(_("hidden"), default=False, help_text=_("People cannot change it."))
    default = models.CharField(_("default"), max_length=200, blank=True, help_text=_("Empty: as usual."))
    least = models.FloatField(_("least"), null=True, blank=True)
    most = models.FloatField(_("most"), null=True, blank=True)

    class Meta:
        verbose_name = _("setting")
        verbose_name_plural = _("settings")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="modelsetting_once")]

    def __str__(self) -> str:
        return self.name
