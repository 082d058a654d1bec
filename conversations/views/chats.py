"""The pages of chats: a new one, one of one's own, all of them; giving one another name, deleting it."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from conversations import pages, services
from conversations.access import here_or_404, members_only, own_or_404
from conversations.errors import ChatError, InputError
from conversations.forms import TEMPORARY, MemoryForm, RenameForm
from conversations.models import Conversation
from conversations.responses import is_fetch, remember_author, take_draft, with_delay

HISTORY_PAGE_SIZE = 50


@require_GET
@members_only
def home(request: HttpRequest) -> HttpResponse:
    """A new chat, with its owner's usual settings; ?model= and ?persona= name others; ?temporary=1 stores nothing."""
    try:
        fresh = services.begin(request.user, persona=request.GET.get("persona", ""))
    except InputError:
        fresh = services.begin(request.user)
    wanted = request.GET.get("model")
    fresh.model = next((model for model in services.available_models() if str(model.pk) == wanted), fresh.model)
    fresh.is_temporary = TEMPORARY in request.GET
    return chat_page(request, None, fresh)


@require_GET
@members_only
def show(request: HttpRequest, conversation_id) -> HttpResponse:
    return chat_page(request, here_or_404(request.user, conversation_id))


@require_GET
@never_cache
@members_only
def memory(request: HttpRequest, conversation_id) -> HttpResponse:
    """What the next message would take along, as a fragment: asked for when an answer or a setting has changed it."""
    conversation = here_or_404(request.user, conversation_id)
    form = MemoryForm(request.GET)
    said = form.cleaned_data if form.is_valid() else {}
    context = pages.memory_context(conversation, said.get("model"), said.get("leaf", ""))
    return render(request, "conversations/_memory.html", context)


@require_GET
@members_only
def history(request: HttpRequest) -> HttpResponse:
    """All chats, page by page."""
    page = Paginator(services.all_of(request.user), HISTORY_PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "conversations/history.html", pages.page_context(request.user, None) | {"page": page})


@require_http_methods(["GET", "POST"])
@members_only
def rename(request: HttpRequest, conversation_id) -> HttpResponse:
    conversation = own_or_404(request.user, conversation_id)
    form = RenameForm(request.POST if request.method == "POST" else None, initial={"title": conversation.title})
    if request.method == "POST":
        try:
            services.rename(conversation, form.data.get("title", ""))
        except InputError as error:
            form.is_valid()
            form.add_error("title", error.message)
        else:
            return _renamed(request, conversation)
    context = pages.page_context(request.user, conversation) | {"form": form}
    return render(request, "conversations/rename.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@members_only
def delete(request: HttpRequest, conversation_id) -> HttpResponse:
    conversation = own_or_404(request.user, conversation_id)
    if request.method == "GET":
        return render(request, "conversations/delete.html", pages.page_context(request.user, conversation))
    services.delete(conversation)
    if is_fetch(request):
        return HttpResponse(status=204)
    return redirect("conversations:home")


def _renamed(request: HttpRequest, conversation: Conversation) -> HttpResponse:
    if is_fetch(request):
        context = {"conversation": conversation, "current_id": conversation.pk}
        return render(request, "conversations/_sidebar_row.html", context)
    return redirect("conversations:show", conversation.pk)


def chat_page(
    request: HttpRequest, conversation: Conversation | None, fresh: Conversation | None = None
) -> HttpResponse:
    context = pages.chat_context(request.user, conversation, fresh)
    if draft := take_draft(request):
        context["composer"] = context["composer"].refused(draft, ChatError())
    lacks = context["lacks"]
    response = render(request, "conversations/chat.html", context, status=lacks.status if lacks else 200)
    return remember_author(request, with_delay(response, lacks) if lacks else response)
