"""What is said and asked for: a message, another answer, the rest of one, another version."""

from __future__ import annotations

from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from conversations import services
from conversations.access import here_or_404, members_only
from conversations.errors import ChatError, InputError
from conversations.forms import TEMPORARY, EditForm, MessageForm, RetryForm, wish_fields, wish_of
from conversations.models import Conversation
from conversations.responses import is_fetch, refusal, stale_form, turn_response, with_delay
from conversations.streaming.executors import in_database
from conversations.types import new_id


@require_POST
@members_only
async def start(request: HttpRequest) -> HttpResponse:
    """The first message of a new conversation."""
    user = await request.auser()
    return await _send(request, services.start_conversation(user, is_temporary=TEMPORARY in request.POST))


@require_POST
@members_only
async def send(request: HttpRequest, conversation_id) -> HttpResponse:
    user = await request.auser()
    return await _send(request, await in_database(here_or_404, user, conversation_id))


@require_POST
@members_only
async def retry(request: HttpRequest, conversation_id) -> HttpResponse:
    """Another answer beside one that is there: by the model that is chosen, or by the `same`."""
    return await _answer_again(request, conversation_id, services.regenerate)


@require_GET
@members_only
def again(request: HttpRequest, conversation_id) -> HttpResponse:
    """For another answer: by which model? Our script asks on the chat's own page."""
    conversation = here_or_404(request.user, conversation_id)
    models = services.available_models()
    context = {"conversation": conversation, "message_id": request.GET.get("message", ""), "models": models}
    return render(request, "conversations/again.html", context | {"key": new_id()})


@require_http_methods(["GET", "POST"])
@members_only
async def edit(request: HttpRequest, conversation_id) -> HttpResponse:
    """Another version of what was said, and an answer to it; the first version stays. A page, without our script."""
    user = await request.auser()
    conversation = await in_database(here_or_404, user, conversation_id)
    if request.method == "GET":
        return await sync_to_async(_edit_page)(request, conversation)
    try:
        data = _valid(EditForm(request.POST))
        generation = await services.edit_message(
            conversation, data["message_id"], data["content"], idempotency_key=data["key"], model=data["model"]
        )
    except ChatError as error:
        if is_fetch(request):
            return await refusal(request, conversation, error)
        return await sync_to_async(_edit_page)(request, conversation, error)
    return await turn_response(request, generation)


def _edit_page(request: HttpRequest, conversation: Conversation, error: ChatError | None = None) -> HttpResponse:
    message_id = request.POST.get("message_id") or request.GET.get("message", "")
    text = request.POST.get("content", "") if error else services.own_message(conversation, message_id).content
    context = {"conversation": conversation, "message_id": message_id, "text": text, "key": new_id(), "error": error}
    context["max_length"] = settings.CHAT_MAX_MESSAGE_LENGTH
    response = render(request, "conversations/edit.html", context, status=error.status if error else 200)
    return with_delay(response, error) if error else response


@require_POST
@members_only
async def go_on(request: HttpRequest, conversation_id) -> HttpResponse:
    """The same answer, from where it was cut."""
    return await _answer_again(request, conversation_id, services.continue_reply)


@require_POST
@members_only
def select(request: HttpRequest, conversation_id) -> HttpResponse:
    """Show another version of a message, and what followed it."""
    conversation = here_or_404(request.user, conversation_id)
    message_id = request.POST.get("message_id", "")
    services.select(conversation, message_id)
    return back_to(conversation, message_id)


@require_POST
@members_only
async def keep(request: HttpRequest, conversation_id) -> HttpResponse:
    """Go on with one of the answers that stand side by side."""
    user = await request.auser()
    conversation = await in_database(here_or_404, user, conversation_id)
    message_id = request.POST.get("message_id", "")
    await services.keep(conversation, message_id)
    return back_to(conversation, message_id)


def back_to(conversation: Conversation, message_id: str) -> HttpResponse:
    url = reverse("conversations:show", args=[conversation.pk])
    at = quote(message_id, safe="")
    return HttpResponse(status=303, headers={"Location": f"{url}?at={at}#m-{at}"})


async def _send(request: HttpRequest, conversation: Conversation) -> HttpResponse:
    try:
        data = _valid(MessageForm(request.POST))
        said = {"content": data["content"], "parent_id": data["parent_id"], "idempotency_key": data["key"]}
        said["wish"] = wish_of(wish_fields(request.POST)) if conversation._state.adding else None
        if data["models"]:
            accepted = await services.compare(conversation, models=data["models"], **said)
        else:
            accepted = (await services.send_message(conversation, model=data["model"], **said),)
    except ChatError as error:
        return await refusal(request, conversation, error)
    return await turn_response(request, *accepted)


async def _answer_again(request: HttpRequest, conversation_id, verb) -> HttpResponse:
    """`verb` is a service that writes another reply to the same message."""
    user = await request.auser()
    conversation = await in_database(here_or_404, user, conversation_id)
    try:
        data = _valid(RetryForm(request.POST))
        how = {"by_the_same": True} if data["same"] and verb is services.regenerate else {}
        generation = await verb(
            conversation, data["message_id"], idempotency_key=data["key"], model=data["model"], **how
        )
    except ChatError as error:
        return await refusal(request, conversation, error)
    return await turn_response(request, generation, is_retry=True)


def _valid(form: MessageForm) -> dict:
    """The cleaned data. Raises InputError with the form's first sentence."""
    if not form.is_valid():
        raise InputError(next(iter(form.errors.values()))[0])
    return form.cleaned_data


def csrf_failure(request: HttpRequest) -> HttpResponse | None:
    """A composer whose token was stale, shown again with its text; None for forms that hold no text."""
    return stale_form(request) if "content" in request.POST else None
