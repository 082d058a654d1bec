"""The settings of a chat, of a new one, and of all new ones: a panel for our script, a page for any browser."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from conversations import services
from conversations.access import here_or_404, members_only
from conversations.cleaning import whole_number
from conversations.errors import ChatError
from conversations.forms import RESET, TEMPORARY, wish_fields, wish_of
from conversations.models import ChatModel, Conversation
from conversations.panel import Panel, defaults_panel, panel_of
from conversations.responses import is_fetch
from conversations.views.chats import chat_page


@require_http_methods(["GET", "POST"])
@members_only
def settings(request: HttpRequest, conversation_id) -> HttpResponse:
    """What a chat is answered with. Saved by our script at each change, or by the page's button."""
    conversation = here_or_404(request.user, conversation_id)
    if request.method == "GET":
        return _shown(request, conversation, request.GET)
    try:
        services.tune(conversation, _wish(request), model=_number(request.POST, "model"))
    except ChatError as error:
        return _refused(request, conversation, error)
    if is_fetch(request):
        return HttpResponse(status=204)
    messages.success(request, _("The settings of this chat are saved."))
    return redirect("conversations:show", conversation.pk)


@require_http_methods(["GET", "POST"])
@members_only
def new_settings(request: HttpRequest) -> HttpResponse:
    """What a new chat shall begin with. Nothing is saved: it goes with the first message."""
    conversation = services.begin(request.user)
    conversation.is_temporary = TEMPORARY in request.GET
    if request.method == "GET":
        return _shown(request, conversation, request.GET)
    conversation = services.start_conversation(request.user, is_temporary=conversation.is_temporary)
    try:
        model = services.choose_model(_number(request.POST, "model"), conversation)
        services.take(conversation, model, _wish(request))
    except ChatError as error:
        return _refused(request, conversation, error)
    if is_fetch(request):
        return _shown(request, conversation, request.POST)
    conversation.model = model
    return chat_page(request, None, conversation)


@require_http_methods(["GET", "POST"])
@members_only
def defaults(request: HttpRequest) -> HttpResponse:
    """What all of this person's new chats begin with."""
    if request.method == "GET":
        return _defaults_page(request, defaults_panel(services.defaults_of(request.user)))
    try:
        services.set_defaults(request.user, _wish(request), model=_number(request.POST, "model"))
    except ChatError as error:
        said = dict(wish_fields(request.POST))
        panel = defaults_panel(services.defaults_of(request.user), said=said, error=error.message)
        return _defaults_page(request, panel, status=error.status)
    messages.success(request, _("Your new chats will begin with these settings."))
    return redirect("conversations:defaults")


@require_POST
@members_only
def use_persona(request: HttpRequest, conversation_id) -> HttpResponse:
    """From the next message on this persona answers in a chat."""
    conversation = here_or_404(request.user, conversation_id)
    services.tune(conversation, services.Wish(personality=request.POST.get("persona", "")))
    return redirect("conversations:show", conversation.pk)


def _wish(request: HttpRequest) -> services.Wish:
    return wish_of(wish_fields(request.POST), request.POST.getlist(RESET))


def _number(data: QueryDict, name: str) -> int | None:
    return whole_number(data.get(name, ""))


def _model(conversation: Conversation, data: QueryDict) -> ChatModel | None:
    """The one that is chosen beside the panel, else the conversation's own, else the default."""
    try:
        return services.choose_model(_number(data, "model"), conversation)
    except ChatError:
        return conversation.model or services.default_model()


def _shown(request: HttpRequest, conversation: Conversation, data: QueryDict) -> HttpResponse:
    return _rendered(request, panel_of(conversation, request.user, _model(conversation, data)))


def _refused(request: HttpRequest, conversation: Conversation, error: ChatError) -> HttpResponse:
    """The form again with what it said; for our script, which still shows it, the sentence alone."""
    said = dict(wish_fields(request.POST))
    model = _model(conversation, request.POST)
    panel = panel_of(conversation, request.user, model, said=said, error=error.message)
    return _rendered(request, panel, status=error.status)


def _rendered(request: HttpRequest, panel: Panel, status: int = 200) -> HttpResponse:
    template = "conversations/_settings_form.html" if is_fetch(request) else "conversations/settings.html"
    conversation = None if panel.owner._state.adding else panel.owner
    return render(request, template, {"panel": panel, "conversation": conversation}, status=status)


def _defaults_page(request: HttpRequest, panel: Panel, status: int = 200) -> HttpResponse:
    context = {"panel": panel, "models": services.available_models()}
    return render(request, "conversations/defaults.html", context, status=status)
