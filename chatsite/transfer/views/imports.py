"""The page of export and import, and an import from the file to the report."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from chatsite.transfer import jobs, tickets
from chatsite.transfer.models import Import
from chatsite.transfer.reports import counts
from conversations import pages, services
from conversations.access import members_only
from conversations.errors import ConflictError
from conversations.responses import is_fetch

PAGE_SIZE = 50


@require_GET
@members_only
def home(request: HttpRequest) -> HttpResponse:
    return _home(request)


def _home(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    context = pages.page_context(request.user, None) | {
        "chat_count": services.all_of(request.user).count(),
        "job": jobs.newest(request.user),
        "upload_url": reverse("transfer:upload", args=[tickets.new_ticket(request.user)]),
        "most": min(settings.CHAT_MAX_IMPORT_SIZE, tickets.room_on_disk()),
        "problem": problem,
    }
    return render(request, "transfer/home.html", context, status=status)


@require_POST
@members_only
def upload(request: HttpRequest, ticket: str) -> HttpResponse:
    """The address lets a large body in; who sends it is known by the session, as anywhere."""
    file = request.FILES.get("file")
    if tickets.holder(ticket) != request.user.pk:
        return _home(request, _("The page had stood open for too long. Choose the file once more."), 403)
    if file is None or not file.size:
        return _home(request, _("Choose a file first: the zip or the JSON file that you were sent."), 400)
    try:
        job = jobs.accept(request.user, file)
    except ConflictError as error:
        return _home(request, error.message, error.status)
    except OSError:
        return _home(request, _("There is no room for this file on the server. Tell an administrator."), 507)
    return redirect("transfer:job", job.pk)


@require_GET
@never_cache
@members_only
def job(request: HttpRequest, job_id) -> HttpResponse:
    """How far it is, what would come, what came. A fragment of it for our script, while it goes on."""
    found = _own(request, job_id)
    lines = Paginator(found.chats.all(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"job": found, "is_silent": jobs.is_silent(found), "counts": counts(found), "page": lines}
    if is_fetch(request):
        return render(request, "transfer/_job.html", context)
    return render(request, "transfer/job.html", pages.page_context(request.user, None) | context)


@require_POST
@members_only
def start(request: HttpRequest, job_id) -> HttpResponse:
    jobs.confirm(_own(request, job_id))
    return redirect("transfer:job", job_id)


@require_POST
@members_only
def stop(request: HttpRequest, job_id) -> HttpResponse:
    jobs.stop(_own(request, job_id))
    return redirect("transfer:job", job_id)


@require_POST
@members_only
def undo(request: HttpRequest, job_id) -> HttpResponse:
    """Into the trash, from where each can be taken back."""
    count = jobs.undo(_own(request, job_id))
    sentence = ngettext("{count} chat is in the trash.", "{count} chats are in the trash.", count)
    messages.success(request, sentence.format(count=count))
    return redirect("transfer:job", job_id)


@require_POST
@members_only
def discard(request: HttpRequest, job_id) -> HttpResponse:
    jobs.forget([_own(request, job_id)])
    messages.success(request, _("The file and its report are deleted. Chats that came in stay."))
    return redirect("transfer:home")


def _own(request: HttpRequest, job_id) -> Import:
    found = Import.objects.filter(user=request.user, pk=job_id).first()
    if found is None:
        raise Http404
    return found
