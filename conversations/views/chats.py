"""The pages of chats: a new one, one of one's own; giving one another name, deleting it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from conversations import pages, services
from conversations.access import here_or_404, members_only, own_or_404
from conversations.deeds import do
from conversations.errors import ChatError, InputError
from conversations.excerpts import part_context
from conversations.forms import TEMPORARY, MemoryForm, RenameForm
from conversations.models import Conversation
from conversations.parts import Between, Wanted
from conversations.responses import is_fetch, remember_author, take_draft, with_delay
from conversations.templatetags.shelf import sidebar_row
from conversations.views.organising import tell


@require_GET
@members_only
def home(request: HttpRequest) -> HttpResponse:
    """A new chat, with its owner's usual settings; ?model= and ?persona= name others, ?prompt= a text to begin with.

    ?temporary=1 begins one that is stored nowhere.
    """
    try:
        fresh = services.begin(request.user, persona=request.GET.get("persona", ""))
    except InputError:
        fresh = services.begin(request.user)
    wanted = request.GET.get("model")
    fresh.model = next((model for model in services.available_models() if str(model.pk) == wanted), fresh.model)
    fresh.is_temporary = TEMPORARY in request.GET
    begun = services.prompt_text(request.user, request.GET.get("prompt", ""))
    return chat_page(request, None, fresh, begun=begun)


@require_GET
@members_only
def show(request: HttpRequest, conversation_id) -> HttpResponse:
    """A long chat begins with its end; ?at= asks for what stands around a message besides, ?whole for everything."""
    wanted = Wanted(request.GET.get("at", ""), "whole" in request.GET)
    conversation = here_or_404(request.user, conversation_id)
    services.see(conversation)
    return chat_page(request, conversation, wanted=wanted)


@require_GET
@never_cache
@members_only
def part(request: HttpRequest, conversation_id) -> HttpResponse:
    """What comes into a gap of a long chat's page, as a fragment: asked for when somebody reads on, or looks for it."""
    said = request.GET
    gap = Between(
        said.get("before", ""),
        said.get("after", ""),
        at=said.get("at", ""),
        is_whole="whole" in said,
        is_later="later" in said,
    )
    context = part_context(here_or_404(request.user, conversation_id), gap)
    return render(request, "conversations/_part.html", context)


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
    context = _card(request, conversation) | {"form": form}
    return render(request, "conversations/rename.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@members_only
def delete(request: HttpRequest, conversation_id) -> HttpResponse:
    """Into the trash."""
    conversation = own_or_404(request.user, conversation_id)
    if request.method == "GET":
        return render(request, "conversations/delete.html", _card(request, conversation))
    deed = do(request.user, "trash", QueryDict(f"chat={conversation.pk}"))
    if is_fetch(request):
        return HttpResponse(status=204)
    tell(request, deed)
    return redirect("conversations:home")


def _card(request: HttpRequest, conversation: Conversation) -> dict:
    return pages.page_context(request.user, conversation) | {"trash_days": settings.CHAT_TRASH_DAYS}


def _renamed(request: HttpRequest, conversation: Conversation) -> HttpResponse:
    if is_fetch(request):
        return HttpResponse(sidebar_row(conversation))
    return redirect("conversations:show", conversation.pk)


def chat_page(
    request: HttpRequest,
    conversation: Conversation | None,
    fresh: Conversation | None = None,
    *,
    wanted: Wanted = pages.LATEST,
    begun: str = "",
) -> HttpResponse:
    """`begun`: the beginning of a message, unless there is one that this person tried to send."""
    context = pages.chat_context(request.user, conversation, fresh, wanted)
    if draft := take_draft(request) or begun:
        context["composer"] = context["composer"].refused(draft, ChatError())
    lacks = context["lacks"]
    response = render(request, "conversations/chat.html", context, status=lacks.status if lacks else 200)
    return remember_author(request, with_delay(response, lacks) if lacks else response)
