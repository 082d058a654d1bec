"""One chat as a file or a page to print, and all of them as one zip."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from chatsite.transfer import archive, documents
from chatsite.transfer.envelope import envelope
from chatsite.transfer.names import file_name
from conversations import services
from conversations.access import members_only
from conversations.errors import NotFound, QuotaExceeded
from conversations.models import Conversation
from conversations.types import Transcript

FORMS: dict[str, tuple[str, Callable[[Conversation, Transcript], str]]] = {
    "json": ("application/json", envelope),
    "md": ("text/markdown; charset=utf-8", documents.markdown),
    "html": ("text/html; charset=utf-8", documents.html),
}
_being_made: set[int] = set()


@require_GET
@members_only
def chat(request: HttpRequest, conversation_id) -> HttpResponse:
    """Where one chooses what to make of a chat."""
    return render(request, "transfer/chat.html", {"conversation": _own(request, conversation_id)})


@require_GET
@members_only
def download(request: HttpRequest, conversation_id, form: str) -> HttpResponse:
    conversation = _own(request, conversation_id)
    if form not in FORMS:
        raise Http404
    kind, made = FORMS[form]
    response = HttpResponse(made(conversation, services.read(conversation)), content_type=kind)
    response["Content-Disposition"] = content_disposition_header(True, file_name(str(conversation), form))
    return response


@require_GET
@members_only
def print_page(request: HttpRequest, conversation_id) -> HttpResponse:
    conversation = _own(request, conversation_id)
    return render(request, "transfer/print.html", documents.context(conversation, services.read(conversation)))


@require_GET
@members_only
async def everything(request: HttpRequest) -> StreamingHttpResponse:
    """One at a time for each person: an archive of thousands of chats keeps a thread busy for minutes."""
    user = await request.auser()
    if user.pk in _being_made:
        raise QuotaExceeded(_("Your archive is being made already. Wait until it has arrived, then ask again."))
    response = StreamingHttpResponse(archive.everything(user), content_type="application/zip")
    name = f"{settings.SITE_NAME} {timezone.localdate().isoformat()}"
    response["Content-Disposition"] = content_disposition_header(True, file_name(name, "zip"))
    _being_made.add(user.pk)
    response._resource_closers.append(lambda: _being_made.discard(user.pk))  # also if nobody reads a byte of it
    return response


def _own(request: HttpRequest, conversation_id) -> Conversation:
    try:
        return archive.with_all(request.user, conversation_id)
    except NotFound:
        raise Http404 from None
