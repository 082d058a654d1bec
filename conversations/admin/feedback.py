"""What people think of answers: thumbs and reasons, counted by model. Nothing of their chats."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from conversations.models import ChatModel, Feedback

SHORT = 80  # characters in a list's column


def with_thumbs(models: QuerySet[ChatModel]) -> QuerySet[ChatModel]:
    """`thumbs_up` and `thumbs_down`: how many answers of each entry got them."""

    def count(value: Feedback.Value) -> Coalesce:
        given = Feedback.objects.filter(model=OuterRef("pk"), value=value).order_by()
        return Coalesce(Subquery(given.values("model").annotate(number=Count("pk")).values("number")), 0)

    return models.annotate(thumbs_up=count(Feedback.Value.UP), thumbs_down=count(Feedback.Value.DOWN))


def thumbs_of(model: ChatModel) -> str | SafeString:
    """The counts of an entry that came `with_thumbs`, linked to what people wrote."""
    if not model.thumbs_up + model.thumbs_down:
        return "–"
    counts = _now("{good} good, {bad} bad").format(good=model.thumbs_up, bad=model.thumbs_down)
    try:
        url = reverse("admin:conversations_feedback_changelist")
    except NoReverseMatch:  # another admin site
        return counts
    return format_html('<a href="{}?model__id__exact={}">{}</a>', url, model.pk, counts)


@admin.register(Feedback)
class FeedbackAdmin(admin.ModelAdmin):
    """Read only; whoever gave it is named, what was asked and answered is not shown."""

    list_display = ["created_at", "value", "model", "upstream_model", "short_reason", "user"]
    list_filter = ["value", "model", "created_at"]
    list_select_related = ["user", "model"]
    search_fields = ["reason", "user__email", "user__username", "upstream_model"]
    date_hierarchy = "created_at"
    fields = ["created_at", "value", "reason", "model", "backend", "upstream_model", "user"]
    readonly_fields = fields

    @admin.display(description=_("reason"), ordering="reason")
    def short_reason(self, feedback: Feedback) -> str:
        return Truncator(feedback.reason).chars(SHORT)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
