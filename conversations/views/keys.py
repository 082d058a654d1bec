"""The keyboard: its shortcuts as a page, and for our script with the palette of commands."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from conversations import pages, services
from conversations.access import members_only
from conversations.commands import COMMANDS, shown_keys
from conversations.responses import is_fetch

MOST_CHATS = 50  # in the palette; the search knows them all


@require_GET
@members_only
def keys(request: HttpRequest) -> HttpResponse:
    commands = [(command, shown_keys(command)) for command in COMMANDS]
    if not is_fetch(request):
        return render(
            request, "conversations/keys.html", pages.page_context(request.user, None) | {"commands": commands}
        )
    context = {"commands": commands, "chats": services.all_of(request.user)[:MOST_CHATS]}
    return render(request, "conversations/_palette.html", context)
