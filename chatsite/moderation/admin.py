"""The content filter in the admin: lists, their entries, a page to try a text, and what was found."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatsite.moderation import lines, lists
from chatsite.moderation.filtering import judge
from chatsite.moderation.forms import ImportForm, TryForm
from chatsite.moderation.models import Hit, Term, TermList

SEEING_TEXT = "moderation.view_hit_text"
COMPILING = 60.0  # seconds that somebody who tries a text waits for lists that were changed a moment ago


class SwitchAdmin(admin.ModelAdmin):
    """What can be enabled and disabled."""

    actions = ["enable", "disable"]

    @admin.action(description=gettext_lazy("Enable the selected %(verbose_name_plural)s"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet) -> None:
        queryset.update(enabled=True)
        lists.forget()

    @admin.action(description=gettext_lazy("Disable the selected %(verbose_name_plural)s"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet) -> None:
        queryset.update(enabled=False)
        lists.forget()


@admin.register(TermList)
class TermListAdmin(SwitchAdmin):
    list_display = ["name", "language", "entries", "enabled"]
    list_editable = ["enabled"]
    list_filter = ["language", "enabled"]
    search_fields = ["name", "note", "terms__text"]
    fields = ["name", "language", "enabled", "action", "level", "note"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TermList]:
        return super().get_queryset(request).annotate(count=Count("terms"))

    @admin.display(description=gettext_lazy("entries"), ordering="count")
    def entries(self, terms: TermList) -> str:
        url = reverse("admin:moderation_term_changelist")
        return format_html('<a href="{}?list__id__exact={}">{}</a>', url, terms.pk, terms.count)

    def get_urls(self) -> list:
        def view(name: str):
            return self.admin_site.admin_view(getattr(self, f"{name}_view"))

        return [
            path("try/", view("try"), name="moderation_try"),
            path("<int:pk>/import/", view("import"), name="moderation_import"),
            path("<int:pk>/export/", view("export"), name="moderation_export"),
            *super().get_urls(),
        ]

    def export_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The list as lines of text."""
        terms = self._list(request, pk, may="view")
        response = HttpResponse(lines.exported(terms), content_type="text/plain; charset=utf-8")
        name = slugify(terms.name) or f"list-{terms.pk}"
        response["Content-Disposition"] = f'attachment; filename="{name}.txt"'
        return response

    def import_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Add lines of text to a list, or put them in its place. All are taken in, or none."""
        terms = self._list(request, pk, may="change")
        form = ImportForm(terms, request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            added, removed = lines.save(form.cleaned_data["lines"], terms, replaces=form.cleaned_data["replaces"])
            lists.forget()
            sentence = _("{count} lines were read: {added} entries are new, {removed} were removed.")
            counts = {"count": len(form.cleaned_data["lines"]), "added": added, "removed": removed}
            self.message_user(request, sentence.format(**counts), messages.SUCCESS)
            return redirect("admin:moderation_termlist_change", terms.pk)
        return self._page(request, "import", _("Import into “{name}”").format(name=terms), form=form, terms=terms)

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """What would become of a text. Nothing is noted."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = TryForm(request.POST or None)
        tried = {}
        if request.method == "POST" and form.is_valid():
            lists.forget()
            lists.refresh(patience=COMPILING)
            automaton = lists.automaton_for(form.cleaned_data["level"])
            verdict = judge(automaton, form.cleaned_data["text"]) if automaton else None
            tried = {"is_tried": True, "verdict": verdict, "found": _found(verdict.matches) if verdict else []}
        return self._page(request, "try", _("Try a text"), form=form, **tried)

    def _list(self, request: HttpRequest, pk: int, *, may: str) -> TermList:
        """Raises PermissionDenied, also if there is no such list."""
        terms = self.get_object(request, str(pk))
        if terms is None or not getattr(self, f"has_{may}_permission")(request, terms):
            raise PermissionDenied
        return terms

    def _page(self, request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
        context |= self.admin_site.each_context(request) | {"title": title, "opts": self.model._meta}
        return TemplateResponse(request, f"admin/moderation/{name}.html", context)


def _found(matches: tuple) -> list[dict[str, Any]]:
    """The matches with their entries, in the order of the text; a pattern's shorter matches stand in its longest."""
    longest = {(match.rule.id, match.start): match for match in matches}
    terms = Term.objects.select_related("list").in_bulk({match.rule.id for match in matches})
    ordered = sorted(longest.values(), key=lambda match: match.start)
    return [{"text": match.text, "term": terms[match.rule.id]} for match in ordered if match.rule.id in terms]


@admin.register(Term)
class TermAdmin(SwitchAdmin):
    list_display = ["text", "list", "kind", "enabled", "action", "level"]
    list_editable = ["action", "level", "enabled"]
    list_filter = ["list", "action", "level", "kind", "enabled"]
    list_select_related = ["list"]
    list_per_page = 50
    search_fields = ["text", "list__name"]
    fields = ["list", "text", "kind", "action", "level", "enabled"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Whoever comes from the entries of a list adds to that list, with its action and its level."""
        came_from = QueryDict(request.GET.get("_changelist_filters", ""))
        pk = came_from.get("list__id__exact", "")
        terms = TermList.objects.filter(pk=pk).first() if pk.isdecimal() else None
        usual = {"list": terms.pk, "action": terms.action, "level": terms.level} if terms else {}
        return usual | super().get_changeform_initial_data(request)


@admin.register(Hit)
class HitAdmin(admin.ModelAdmin):
    """What was found. The text around it is for those who may read it, also in searches and filters."""

    list_display = ["created_at", "entry", "action", "part", "user", "model"]
    list_filter = ["action", "part", "term__list", "model", "created_at"]
    list_select_related = ["user", "model"]
    search_fields = ["entry", "user__email", "user__username", "=conversation_id"]
    date_hierarchy = "created_at"
    fields = ["created_at", "entry", "term", "action", "part", "user", "model", "conversation_id"]
    readonly_fields = [*fields, "text"]

    def get_list_display(self, request: HttpRequest) -> list[str]:
        return [*self.list_display, *self._texts(request)]

    def get_fields(self, request: HttpRequest, obj: Hit | None = None) -> list[str]:
        return [*self.fields, *self._texts(request)]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return [*self.search_fields, *self._texts(request)]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        is_about_text = lookup.split("__")[0] == "text"
        if is_about_text and not (request and self._texts(request)):
            return False
        return super().lookup_allowed(lookup, value, request)

    @staticmethod
    def _texts(request: HttpRequest) -> list[str]:
        return ["text"] if request.user.has_perm(SEEING_TEXT) else []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Hit | None = None) -> bool:
        return False
