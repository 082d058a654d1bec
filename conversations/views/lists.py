"""Long lists of chats, part by part: their pages, and the sidebar as it grows and changes."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from conversations import pages, services
from conversations import sidebar as sidebars
from conversations.access import members_only
from conversations.cleaning import whole_number
from conversations.errors import NotFound
from conversations.places import ALL, ARCHIVE, FOLDER, TRASH, Place, place_of
from conversations.responses import is_fetch


@require_GET
@members_only
def history(request: HttpRequest) -> HttpResponse:
    """All chats but those in the archive and in the trash."""
    return _list_page(request, place_of(request.user, ALL))


@require_GET
@members_only
def archive(request: HttpRequest) -> HttpResponse:
    return _list_page(request, place_of(request.user, ARCHIVE))


@require_GET
@members_only
def trash(request: HttpRequest) -> HttpResponse:
    return _list_page(request, place_of(request.user, TRASH))


@require_GET
@members_only
def folder(request: HttpRequest, folder_id: int) -> HttpResponse:
    return _list_page(request, place_of(request.user, FOLDER, folder_id))


def _list_page(request: HttpRequest, place: Place) -> HttpResponse:
    """The part that ?before= names; our script gets its rows alone."""
    context = {"place": place, "listing": place.part(request.GET.get("before", ""))}
    if is_fetch(request):
        return render(request, "conversations/_list_rows.html", context)
    shown = pages.page_context(request.user, None, place.folder) | {"trash_days": settings.CHAT_TRASH_DAYS}
    return render(request, "conversations/list.html", shown | context)


@require_GET
@never_cache
@members_only
def sidebar(request: HttpRequest) -> HttpResponse:
    """What the sidebar shows by now, if that is not ?version=; or what follows in it: ?before=, also of a ?folder=."""
    before, folder_id = request.GET.get("before", ""), whole_number(request.GET.get("folder", ""))
    if folder_id is not None:
        services.own_folder(request.user, folder_id)
        inside = sidebars.in_folder(request.user, folder_id, before)
        context = {"inside": inside, "folder_id": folder_id, "writing": services.being_written(request.user)}
        return render(request, "conversations/_sidebar_inside.html", context)
    if before:
        groups, more = sidebars.older(request.user, before)
        return render(request, "conversations/_sidebar_groups.html", {"groups": groups, "more": more})
    shown = sidebars.sidebar(request.user, _current(request), _folder(request))
    if shown.version == request.GET.get("version"):
        return HttpResponse(status=204)
    return render(request, "conversations/_sidebar_list.html", {"sidebar": shown})


def _current(request: HttpRequest):
    """The chat that the page shows, which its owner has seen by that."""
    try:
        conversation = services.by_id(request.user, UUID(request.GET.get("current", "")))
    except (NotFound, ValueError):
        return None
    services.see(conversation)
    return conversation


def _folder(request: HttpRequest):
    """The folder whose page it is."""
    number = whole_number(request.GET.get("page", ""))
    try:
        return None if number is None else services.own_folder(request.user, number)
    except NotFound:
        return None
