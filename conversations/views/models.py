"""The pages of the catalogue: all models for people who choose, and the panel that the composer opens."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from conversations import browsing, pages
from conversations.access import members_only

PAGE_SIZE = 50


@require_GET
@members_only
def catalogue(request: HttpRequest) -> HttpResponse:
    """All models, by use case, connection and words; page by page."""
    names = {"text": "q", "use_case": "use_case", "connection": "connection", "sort": "sort"}
    wanted = browsing.Wanted(
        **{field: request.GET.get(name, "").strip()[: browsing.MOST_SEARCHED] for field, name in names.items()}
    )
    every = browsing.cards(request.user)
    context = pages.page_context(request.user, None) | {
        "wanted": wanted,
        "page": Paginator(wanted.found_in(every), PAGE_SIZE).get_page(request.GET.get("page")),
        "count": len(every),
        "use_cases": browsing.use_cases(every),
        "connections": browsing.connections(every),
        "sorts": [(name, label) for name, (label, _key) in browsing.SORTS.items()],
    }
    return render(request, "conversations/models.html", context)


@require_GET
@members_only
def choices(request: HttpRequest) -> HttpResponse:
    """The panel in which one of many models is chosen, for our script."""
    return render(request, "conversations/_model_choices.html", {"cards": browsing.cards(request.user)})
