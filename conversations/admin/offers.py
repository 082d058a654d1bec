"""The page on which administrators tick what a connection offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations.backends.offers import Offer
from conversations.models import ChatModel
from conversations.services import offering

MANY = 15  # offers, from which on there is a search


@dataclass(frozen=True, slots=True)
class Row:
    """An offer, what the catalogue has of it, and the same model by named providers."""

    offer: Offer
    entry: ChatModel | None
    variants: tuple[Row, ...] = ()

    @property
    def context(self) -> str:
        size = self.offer.fields.get("context_size")
        return f"{size:,}" if size else ""

    @property
    def has_entry_below(self) -> bool:
        return any(row.entry for row in self.variants)


class OffersMixin:
    """For the admin of ChatModel: /offers/<connection>/."""

    def get_urls(self):
        view = self.admin_site.admin_view(self.offers_view)
        return [path("offers/<str:alias>/", view, name="conversations_chatmodel_offers"), *super().get_urls()]

    def offers_view(self, request: HttpRequest, alias: str) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if alias not in settings.CHAT_BACKENDS:
            raise Http404
        answer = async_to_sync(offering.ask_offers)(alias, offering.PAGE_PATIENCE)
        chosen = set(request.POST.getlist("add"))
        if request.method == "POST" and not answer.fault:
            if "hide" in request.POST:
                return self._hide(request, answer)
            if chosen:
                return self._add(request, answer, chosen)
            messages.error(request, _("Tick at least one model."))
        return TemplateResponse(
            request, "admin/conversations/chatmodel/offers.html", self._context(request, answer, chosen)
        )

    def _context(self, request: HttpRequest, answer: offering.Answer, chosen: set[str]) -> dict:
        known, search = offering.catalogue_of(answer.alias), request.GET.get("q", "").strip()
        rows = [_row(offer, known) for offer in answer.offers if _contains(offer, search)]
        return {
            **self.admin_site.each_context(request),
            "title": _("Models of {name}").format(name=answer.label),
            "opts": self.opts,
            "answer": answer,
            "rows": rows,
            "chosen": chosen,
            "search": search,
            "is_long": len(answer.offers) >= MANY,
            "missing": [] if answer.fault else offering.missing_models(answer),
        }

    def _add(self, request: HttpRequest, answer: offering.Answer, chosen: set[str]) -> HttpResponse:
        added = offering.add_models(answer.alias, answer.find(chosen))
        for model in added:
            self.log_addition(request, model, [{"added": {}}])
        if added:
            messages.success(request, _told(added))
        else:
            messages.info(request, _("All of these can be chosen already."))
        return redirect("admin:conversations_chatmodel_changelist")

    def _hide(self, request: HttpRequest, answer: offering.Answer) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        missing = offering.missing_models(answer)
        offering.hide_models(missing)
        for model in missing:
            self.log_change(request, model, [{"changed": {"fields": ["enabled"]}}])
        count = len(missing)
        messages.success(request, ngettext("%d model is hidden.", "%d models are hidden.", count) % count)
        return redirect(reverse("admin:conversations_chatmodel_offers", args=[answer.alias]))


def _told(added: list[ChatModel]) -> str:
    sentence = ngettext(
        "Added: {names}. Test it with the action below, or <a href='{url}'>start a chat</a>.",
        "Added: {names}. Test them with the action below, or <a href='{url}'>start a chat</a>.",
        len(added),
    )
    names = ", ".join(model.label for model in added)
    return format_html(sentence, names=names, url=reverse("conversations:home"))


def _row(offer: Offer, known: Mapping[str, ChatModel]) -> Row:
    variants = tuple(Row(variant, known.get(variant.model_id)) for variant in offer.variants)
    return Row(offer, known.get(offer.model_id), variants)


def _contains(offer: Offer, search: str) -> bool:
    return all(word in f"{offer.model_id} {offer.fields['label']}".lower() for word in search.lower().split())
