"""Searching one's own chats: a page for any browser, and for our script a panel and what it shows as one types."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from conversations import pages, services
from conversations.access import members_only
from conversations.forms import SearchForm
from conversations.models import ChatModel, Conversation, Folder
from conversations.responses import is_fetch

PAGE_SIZE = 20
RECENT = 6  # chats, while nothing is looked for


@require_GET
@never_cache
@members_only
def search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    wanted = form.wanted()
    context = _results(request, wanted)
    if is_fetch(request):
        return render(request, "conversations/_search_results.html", context | {"in_panel": True})
    context |= pages.page_context(request.user, None) | _filters(request.user, form)
    return render(request, "conversations/search.html", context)


@require_GET
@members_only
def panel(request: HttpRequest) -> HttpResponse:
    context = _results(request, services.Wanted()) | _filters(request.user, SearchForm({}))
    return render(request, "conversations/_search_panel.html", context | {"in_panel": True})


def _results(request: HttpRequest, wanted: services.Wanted) -> dict[str, Any]:
    found = services.search(request.user, wanted)
    is_asked = bool(wanted.text.strip())
    return {
        "wanted": wanted,
        "found": found,
        "is_asked": is_asked,
        "page": Paginator(found.messages, PAGE_SIZE).get_page(request.GET.get("page")),
        "recent": [] if is_asked else list(services.all_of(request.user)[:RECENT]),
    }


def _filters(user, form: SearchForm) -> dict[str, Any]:
    """What can be chosen: the models and folders of one's own chats."""
    used = Conversation.objects.for_user(user).order_by().values("model")
    return {
        "form": form,
        "models": list(ChatModel.objects.filter(pk__in=used)),
        "folders": list(Folder.objects.filter(user=user)),
    }
