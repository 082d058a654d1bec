"""The HTML mouth of the services. What lives (sending, stopping, following) is asynchronous, pages are not.

A request with the header X-Requested-With: fetch comes from our script and gets fragments; any other gets
whole pages and redirects. A stranger's conversation does not exist.
"""

from __future__ import annotations

from urllib.parse import quote

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from conversations import pages, services, streaming
from conversations.access import generation_or_404, members_only, own_or_404
from conversations.errors import ChatError, InputError
from conversations.forms import MessageForm, RenameForm, RetryForm
from conversations.models import ChatModel, Conversation
from conversations.responses import (
    EventStream,
    is_fetch,
    refusal,
    remember_author,
    stale_form,
    take_draft,
    turn_response,
    with_delay,
)
from conversations.streaming.executors import in_database

HISTORY_PAGE_SIZE = 50


@require_GET
@members_only
def home(request: HttpRequest) -> HttpResponse:
    """A new chat; ?model= names the one to begin with."""
    wanted = request.GET.get("model")
    return _chat_page(request, None, next((m for m in services.available_models() if str(m.pk) == wanted), None))


@require_GET
@members_only
def show(request: HttpRequest, conversation_id) -> HttpResponse:
    return _chat_page(request, own_or_404(request.user, conversation_id))


@require_GET
@members_only
def history(request: HttpRequest) -> HttpResponse:
    """All chats, page by page."""
    page = Paginator(services.all_of(request.user), HISTORY_PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "conversations/history.html", pages.page_context(request.user, None) | {"page": page})


@require_POST
@members_only
async def start(request: HttpRequest) -> HttpResponse:
    """The first message of a new conversation."""
    user = await request.auser()
    return await _send(request, services.start_conversation(user))


@require_POST
@members_only
async def send(request: HttpRequest, conversation_id) -> HttpResponse:
    user = await request.auser()
    return await _send(request, await in_database(own_or_404, user, conversation_id))


@require_POST
@members_only
async def retry(request: HttpRequest, conversation_id) -> HttpResponse:
    """Another answer, in the place of one that failed."""
    return await _answer_again(request, conversation_id, services.regenerate)


@require_POST
@members_only
async def go_on(request: HttpRequest, conversation_id) -> HttpResponse:
    """The same answer, from where it was cut."""
    return await _answer_again(request, conversation_id, services.continue_reply)


@require_POST
@members_only
def select(request: HttpRequest, conversation_id) -> HttpResponse:
    """Show another version of a message, and what followed it."""
    conversation = own_or_404(request.user, conversation_id)
    message_id = request.POST.get("message_id", "")
    services.select(conversation, message_id)
    url = reverse("conversations:show", args=[conversation.pk])
    return HttpResponse(status=303, headers={"Location": f"{url}#m-{quote(message_id)}"})


@require_POST
@members_only
async def stop(request: HttpRequest, generation_id) -> HttpResponse:
    user = await request.auser()
    generation = await in_database(generation_or_404, user, generation_id)
    await services.stop(generation)
    if is_fetch(request):
        return HttpResponse(status=204)
    return redirect("conversations:show", generation.conversation_id)


@require_GET
@never_cache
@members_only
async def follow(request: HttpRequest, generation_id) -> HttpResponseBase:
    """A reply as server-sent events. The header Last-Event-ID wins over ?after=."""
    seen = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    if seen == "end":
        return HttpResponse(status=204)
    user = await request.auser()
    generation = None
    if not await streaming.is_written_here(generation_id, user.pk):
        generation = await in_database(generation_or_404, user, generation_id)
    if generation is None or generation.is_live or streaming.is_followed_up(generation):
        visitor = streaming.Visitor(request.session.session_key, user.pk)
        body = streaming.follow(generation_id, streaming.parse_cursor(seen), visitor)
    else:
        body = _once(await in_database(streaming.finished_frames, generation))
    response = EventStream(body)
    response["X-Accel-Buffering"] = "no"
    response["Content-Encoding"] = "identity"  # no middleware and no proxy shall compress events
    patch_cache_control(response, no_transform=True)
    return response


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


def _chat_page(
    request: HttpRequest, conversation: Conversation | None, wanted: ChatModel | None = None
) -> HttpResponse:
    context = pages.chat_context(request.user, conversation, wanted)
    if draft := take_draft(request):
        context["composer"] = context["composer"].refused(draft, ChatError())
    lacks = context["lacks"]
    response = render(request, "conversations/chat.html", context, status=lacks.status if lacks else 200)
    return remember_author(request, with_delay(response, lacks) if lacks else response)


def _renamed(request: HttpRequest, conversation: Conversation) -> HttpResponse:
    if is_fetch(request):
        context = {"conversation": conversation, "current_id": conversation.pk}
        return render(request, "conversations/_sidebar_row.html", context)
    return redirect("conversations:show", conversation.pk)


async def _send(request: HttpRequest, conversation: Conversation) -> HttpResponse:
    try:
        data = _valid(MessageForm(request.POST))
        generation = await services.send_message(
            conversation,
            data["content"],
            parent_id=data["parent_id"],
            idempotency_key=data["key"],
            model=data["model"],
        )
    except ChatError as error:
        return await refusal(request, conversation, error)
    return await turn_response(request, generation)


async def _answer_again(request: HttpRequest, conversation_id, verb) -> HttpResponse:
    """`verb` is a service that writes another reply to the same message."""
    user = await request.auser()
    conversation = await in_database(own_or_404, user, conversation_id)
    try:
        data = _valid(RetryForm(request.POST))
        generation = await verb(conversation, data["message_id"], idempotency_key=data["key"], model=data["model"])
    except ChatError as error:
        return await refusal(request, conversation, error)
    return await turn_response(request, generation, is_retry=True)


def _valid(form: MessageForm) -> dict:
    """The cleaned data. Raises InputError with the form's first sentence."""
    if not form.is_valid():
        raise InputError(next(iter(form.errors.values()))[0])
    return form.cleaned_data


async def _once(frames: bytes):
    yield frames


def csrf_failure(request: HttpRequest) -> HttpResponse | None:
    """A composer whose token was stale, shown again with its text; None for forms that hold no text."""
    return stale_form(request) if "content" in request.POST else None
