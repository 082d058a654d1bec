"""Folders: made, renamed, deleted."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from conversations import services
from conversations.access import members_only
from conversations.deeds import Deed
from conversations.errors import InputError, NotFound
from conversations.models import FOLDER_NAME_MAX_LENGTH, Folder
from conversations.views.organising import question, told


@require_http_methods(["GET", "POST"])
@members_only
def create_folder(request: HttpRequest) -> HttpResponse:
    error = ""
    if request.method == "POST":
        try:
            made = services.create_folder(request.user, request.POST.get("name", ""))
        except InputError as refusal:
            error = refusal.message
        else:
            sentence = _("The folder “{name}” is there. Drag chats onto it, or move them by their menu.")
            return told(request, Deed(sentence.format(name=made.name)), to=_page(made))
    return _ask_name(request, _("New folder"), error)


@require_http_methods(["GET", "POST"])
@members_only
def rename_folder(request: HttpRequest, folder_id: int) -> HttpResponse:
    folder, error = _own_or_404(request.user, folder_id), ""
    name = folder.name
    if request.method == "POST":
        try:
            services.rename_folder(folder, request.POST.get("name", ""))
        except InputError as refusal:
            error = refusal.message
        else:
            return told(
                request, Deed(_("The folder is called “{name}” now.").format(name=folder.name)), to=_page(folder)
            )
    delete_url = reverse("conversations:delete_folder", args=[folder.pk])
    return _ask_name(request, _("Rename the folder"), error, name, delete_url)


@require_http_methods(["GET", "POST"])
@members_only
def delete_folder(request: HttpRequest, folder_id: int) -> HttpResponse:
    folder = _own_or_404(request.user, folder_id)
    if request.method == "GET":
        context = {"folder": folder, "next": _page(folder)}
        return question(request, _("Delete this folder?"), "conversations/_folder_delete_form.html", context)
    services.delete_folder(folder)
    sentence = _("The folder is gone. Its chats are in the list again.")
    return told(request, Deed(sentence), to=reverse("conversations:history"))


def _ask_name(request: HttpRequest, title: str, error: str, name: str = "", delete_url: str = "") -> HttpResponse:
    context = {
        "name": request.POST.get("name", name),
        "error": error,
        "delete_url": delete_url,
        "limit": FOLDER_NAME_MAX_LENGTH,
    }
    status = InputError.status if error else 200
    return question(request, title, "conversations/_folder_form.html", context, status=status)


def _page(folder: Folder) -> str:
    return reverse("conversations:folder", args=[folder.pk])


def _own_or_404(user, folder_id: int) -> Folder:
    try:
        return services.own_folder(user, folder_id)
    except NotFound:
        raise Http404 from None
