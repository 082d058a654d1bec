"""What a guest may do in the mounted chat (mount.py): these addresses and no others, as often as the trial allows,
with its model and its persona.

Stands after Django's CSRF check, so that nothing forged is counted.
"""

from __future__ import annotations

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import gettext as _

from chatsite import errors
from chatsite.problems import NOT_FOUND
from chatsite.sharing import limits, trials
from chatsite.sharing.models import Guest
from conversations import services
from conversations.cleaning import clean
from conversations.errors import ChatError, KeyReused, NotFound, QuotaExceeded, TooLarge
from conversations.forms import PERSONALITY
from conversations.models import Conversation, Generation
from conversations.responses import refusal
from conversations.streaming.executors import in_database

WRITING = {f"conversations:{name}" for name in ("start", "send", "retry", "edit", "continue")}
"""Each of these has the model answer, and counts."""
READING = ("home", "show", "part", "memory", "follow", "stop", "stop_all", "again", "select", "take_back", "clear")
LOOKS = {"branding:logo", "branding:styles"}
OPEN = WRITING | {f"conversations:{name}" for name in (*READING, "rate", "explain")} | LOOKS
FIELDS = ("content", "parent_id", "key", "message_id")
"""What a guest's form may say. A model, other models, settings and prompts are the trial's business."""


@sync_and_async_middleware
def guest_gate(get_response):
    if iscoroutinefunction(get_response):

        async def middleware(request: HttpRequest):
            response = await get_response(request)
            if hasattr(request, "is_charged"):
                await in_database(_settle, request, response)
            return response

        async def process_view(request: HttpRequest, *_view) -> HttpResponse | None:
            if not hasattr(request, "guest"):
                return None
            found = await in_database(_checked, request)
            return await refusal(request, *found) if isinstance(found, tuple) else found

    else:

        def middleware(request: HttpRequest):
            response = get_response(request)
            if hasattr(request, "is_charged"):
                _settle(request, response)
            return response

        def process_view(request: HttpRequest, *_view) -> HttpResponse | None:
            if not hasattr(request, "guest"):
                return None
            found = _checked(request)
            return async_to_sync(refusal)(request, *found) if isinstance(found, tuple) else found

    middleware.process_view = process_view
    return middleware


def _settle(request: HttpRequest, response: HttpResponse) -> None:
    """Give back what was charged for nothing: what was refused, and what was sent twice before the first was there.

    So many times a day: guards have judged most of it, and each judgement may cost.
    """
    if response.status_code == KeyReused.status:
        return
    is_paid = response.status_code < 400 and limits.is_first(request.guest, request.POST.get("key", ""))
    if not is_paid and limits.may_go_unpaid(request, request.guest):
        trials.give_back(request.guest)


def _checked(request: HttpRequest) -> HttpResponse | tuple[Conversation, ChatError] | None:
    """An answer in the view's place; or what is refused, and why; None to go on."""
    name, guest = request.resolver_match.view_name, request.guest
    if name not in OPEN:
        return errors.respond(request, NOT_FOUND)
    if name == "conversations:home":
        return _home(request, guest)
    if name not in WRITING or request.method != "POST":
        return None
    try:
        conversation = _conversation(request, guest)
    except NotFound:
        return None  # the view says so
    try:
        _take_message(request, guest)
    except ChatError as error:
        return conversation, error
    return None


def _home(request: HttpRequest, guest: Guest) -> HttpResponse | None:
    """Back to the chat that there is; `?new` begins another one. No other wish is heard."""
    is_new = "new" in request.GET
    request.GET = QueryDict()
    latest = None if is_new else services.latest(guest.user)
    return HttpResponseRedirect(reverse("conversations:show", args=[latest.pk])) if latest else None


def _conversation(request: HttpRequest, guest: Guest) -> Conversation:
    """Raises NotFound."""
    conversation_id = request.resolver_match.kwargs.get("conversation_id")
    return services.by_id(guest.user, conversation_id) if conversation_id else services.start_conversation(guest.user)


def _take_message(request: HttpRequest, guest: Guest) -> None:
    """Count it, and let it say what a guest may. Raises ChatError."""
    trial = guest.trial
    if len(request.POST.get("content", "")) > trial.message_length:
        sentence = _("In this trial a message may have at most {limit} characters.")
        raise TooLarge(sentence.format(limit=trial.message_length))
    if not _is_repeat(request, guest):
        trials.charge(guest)
        request.is_charged = True
    elif not limits.may_go_unpaid(request, guest):
        raise QuotaExceeded(_("This message was sent many times already. Reload the page to see its answer."))
    said = QueryDict(mutable=True)
    for field in FIELDS:
        said.setlist(field, request.POST.getlist(field)[-1:])
    said["model"] = str(trial.model_id)
    said[PERSONALITY] = str(trial.persona_id or "")
    request.POST = said


def _is_repeat(request: HttpRequest, guest: Guest) -> bool:
    """What was sent twice, because an answer was lost, is one message; another text under the same key is none."""
    rows = Generation.objects.filter(user_id=guest.pk, idempotency_key=request.POST.get("key", ""))
    text = rows.values_list("user_text", flat=True).first()
    said = clean(request.POST.get("content", "")).replace("\r\n", "\n")
    return text is not None and said in ("", text)
