"""Keeping order: what is done to selected chats, and the questions that come before it."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from conversations import services
from conversations.access import members_only
from conversations.deeds import Deed, do
from conversations.errors import ChatError, InputError, NotFound
from conversations.places import TRASH, Selection
from conversations.responses import is_fetch
from conversations.sidebar import sorted_folders


@require_POST
@members_only
def organise(request: HttpRequest) -> HttpResponse:
    """`do` is the verb; what it is done to: `chat`s, or `everything` in a `place`, or what went away `at` a moment."""
    try:
        deed = do(request.user, request.POST.get("do", ""), request.POST)
    except (InputError, NotFound) as error:
        return told(request, Deed(error.message), error)
    return told(request, deed)


@require_http_methods(["GET", "POST"])
@members_only
def move(request: HttpRequest) -> HttpResponse:
    """To which folder?"""
    data = request.POST if request.method == "POST" else request.GET
    selection = Selection.of(data)
    if selection.is_empty:
        return told(request, Deed(_("Select at least one chat first.")), InputError())
    rows = selection.rows(request.user, "move")
    here = set(rows.order_by().values_list("folder_id", flat=True).distinct()[:2])
    context = {
        "selection": selection,
        "folders": sorted_folders(request.user),
        "here": here.pop() if len(here) == 1 else None,
        "in_a_folder": bool(here - {None}) or rows.filter(folder__isnull=False).exists(),
        "next": way_back(request),
    }
    return question(request, _("Move to a folder"), "conversations/_move_form.html", context)


@require_http_methods(["GET", "POST"])
@members_only
def empty_trash(request: HttpRequest) -> HttpResponse:
    """Delete for good what is selected in the trash, or all of it: asked first, done once it is `confirmed`."""
    selection = Selection.of(request.POST)
    if selection.is_empty:
        selection = Selection((), everything=True, place=TRASH)
    rows = selection.rows(request.user, "purge")
    if "confirmed" in request.POST:
        return told(request, _purged(services.purge(rows)), to=reverse("conversations:trash"))
    count = rows.count()
    context = {"selection": selection, "count": count, "title_of_one": rows.first() if count == 1 else None}
    return question(request, _("Delete for good?"), "conversations/_purge_form.html", context)


def _purged(count: int) -> Deed:
    if not count:
        return Deed(_("The trash is empty."))
    return Deed(ngettext("The chat is gone for good.", "{count} chats are gone for good.", count).format(count=count))


def question(request: HttpRequest, title: str, form: str, context: dict, *, status: int = 200) -> HttpResponse:
    """A form on a page of its own; our script gets it as what a dialog holds."""
    template = "conversations/_dialog.html" if is_fetch(request) else "conversations/dialog_page.html"
    shown = {"title": title, "form_template": form, "next": way_back(request)} | context
    return render(request, template, shown, status=status)


def told(request: HttpRequest, deed: Deed, error: ChatError | None = None, *, to: str = "") -> HttpResponse:
    """The page where it was asked, or `to`, with the deed as a notice; our script gets the notice, unless it leaves."""
    if is_fetch(request) and "leaving" not in request.POST:
        context = {"text": deed.sentence, "undo": deed.undo, "is_error": error is not None}
        return render(request, "conversations/_toast.html", context, status=error.status if error else 200)
    tell(request, deed, error)
    if is_fetch(request):
        return HttpResponse(status=204)
    return redirect(to or way_back(request))


def tell(request: HttpRequest, deed: Deed, error: ChatError | None = None) -> None:
    """A notice on the next page."""
    level = messages.ERROR if error else messages.SUCCESS
    messages.add_message(request, level, deed.sentence, extra_tags=urlencode(deed.undo))


def way_back(request: HttpRequest) -> str:
    """Where a form says that it came from, if that is of this site; else all chats."""
    data = request.POST if request.method == "POST" else request.GET
    wanted = data.get("next", "")
    hosts = {request.get_host()}
    is_ours = url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure())
    return wanted if is_ours and "/" in wanted else reverse("conversations:history")
