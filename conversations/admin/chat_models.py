"""The catalogue of models, as administrators edit it."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from conversations import services
from conversations.admin.feedback import thumbs_of, with_thumbs
from conversations.admin.model_settings import ModelSettingInline
from conversations.admin.offers import OffersMixin
from conversations.admin.probes import ProbesMixin
from conversations.backends import get_backend
from conversations.models import ChatModel, ModelFallback
from conversations.reasoning import MODES, PARAMETER, TAGS


class ChatModelForm(forms.ModelForm):
    """`backend` is chosen among the configured connections; one that is gone stays visible."""

    class Meta:
        model = ChatModel
        fields = (
            *("label", "backend", "model_id", "description", "use_case"),
            *("context_size", "memory", "price", "licence"),
            *("filter_level", "parameters", "enabled", "is_default", "order"),
        )
        help_texts = {
            "description": _("A sentence: what it is good at, and what it is not."),
            "licence": _("For example Apache 2.0. People see it before they choose."),
            "filter_level": _("What is refused, masked or flagged in what people send and in what it answers."),
        }
        widgets = {"parameters": forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        aliases = list(settings.CHAT_BACKENDS)
        current = self.instance.backend
        if current and current not in aliases:
            aliases.append(current)
        self.fields["backend"] = forms.ChoiceField(
            label=self.fields["backend"].label,
            choices=[(alias, alias) for alias in aliases],
            help_text=_("A connection from the site's settings."),
        )

    def clean_parameters(self) -> dict:
        """Nothing is the same as {}; anything but an object would be passed on to a connection that reads names."""
        parameters = self.cleaned_data["parameters"] or {}
        if not isinstance(parameters, dict):
            raise forms.ValidationError(_('Write an object with names and values, such as {"stop": ["###"]}.'))
        if parameters.get(PARAMETER, TAGS) not in MODES:
            raise forms.ValidationError(
                _("How a model marks its reasoning is one of {modes}.").format(modes=", ".join(MODES))
            )
        return parameters

    def clean(self) -> dict:
        """What the parameters mean is its connection's business, so that one is asked."""
        cleaned = super().clean()
        if "parameters" in cleaned and cleaned.get("backend") in settings.CHAT_BACKENDS:
            for sentence in get_backend(cleaned["backend"]).check_parameters(cleaned["parameters"]):
                self.add_error("parameters", sentence)
        return cleaned


class FallbackInline(admin.TabularInline):
    """Who answers instead. One that is hidden, or whose connection is gone, stays listed and is passed over."""

    model = ModelFallback
    fk_name = "model"
    fields = ["substitute", "order"]
    extra = 0
    verbose_name = _("substitute")
    verbose_name_plural = _("Models that answer when this one does not")

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if own := request.resolver_match.kwargs.get("object_id"):
            field.queryset = field.queryset.exclude(pk=own)  # no model stands in for itself
        return field


@admin.register(ChatModel)
class ChatModelAdmin(OffersMixin, ProbesMixin, admin.ModelAdmin):
    form = ChatModelForm
    inlines = [ModelSettingInline, FallbackInline]
    fieldsets = [
        (None, {"fields": ["label", "backend", "model_id", "enabled", "is_default", "order"]}),
        (
            _("What people read before they choose"),
            {"fields": ["description", "use_case", "context_size", "memory", "price", "licence"]},
        ),
        (_("How it is used"), {"fields": ["filter_level", "parameters"]}),
    ]
    list_display = [
        *("label", "backend", "model_id", "use_case", "context_size", "thumbs", "enabled", "is_default", "order"),
    ]
    list_display_links = ["label"]
    list_editable = ["enabled", "order"]
    list_filter = ["enabled", "backend", "filter_level"]
    search_fields = ["label", "model_id", "description", "use_case"]
    actions = ["test", "enable", "disable", "make_default"]

    def get_queryset(self, request):
        return with_thumbs(super().get_queryset(request))

    @admin.display(description=_("thumbs"), ordering="thumbs_up")
    def thumbs(self, model: ChatModel) -> str:
        """How many were given to its answers, linked to what people wrote."""
        return thumbs_of(model)

    def changelist_view(self, request, extra_context=None):
        connections = list(settings.CHAT_BACKENDS) if self.has_add_permission(request) else []
        return super().changelist_view(request, {"connections": connections, **(extra_context or {})})

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if obj.is_default:
            ChatModel.objects.exclude(pk=obj.pk).update(is_default=False)

    @admin.action(description=_("Let people choose the selected models"))
    def enable(self, request, queryset):
        queryset.update(enabled=True)
        services.forget_catalogue()

    @admin.action(description=_("Hide the selected models"))
    def disable(self, request, queryset):
        queryset.update(enabled=False)
        services.forget_catalogue()

    @admin.action(description=_("Start new conversations with the selected model"))
    def make_default(self, request, queryset):
        if queryset.count() != 1:
            self.message_user(request, _("Select exactly one model."), level="error")
            return
        ChatModel.objects.update(is_default=False)
        queryset.update(is_default=True, enabled=True)
        services.forget_catalogue()
