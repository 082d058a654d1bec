"""Taking the last exchange back, and clearing a chat. Both can be brought back on the page that follows."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from conversations import services
from conversations.access import here_or_404, members_only
from conversations.errors import InputError
from conversations.responses import keep_draft


@require_POST
@members_only
def take_back(request: HttpRequest, conversation_id) -> HttpResponse:
    """The chat as it was before its last question, which stands in the composer, to be asked otherwise."""
    conversation = here_or_404(request.user, conversation_id)
    question = services.take_back(conversation, request.POST.get("message_id", ""))
    if not conversation.is_temporary:  # a session is stored
        keep_draft(request, question.content)
    return redirect("conversations:show", conversation.pk)


@require_POST
@members_only
def clear(request: HttpRequest, conversation_id) -> HttpResponse:
    conversation = here_or_404(request.user, conversation_id)
    services.clear(conversation)
    return redirect("conversations:show", conversation.pk)


@require_POST
@members_only
def end(request: HttpRequest, conversation_id) -> HttpResponse:
    """A temporary chat is gone at once. Others have no such end: they are deleted."""
    conversation = here_or_404(request.user, conversation_id)
    if not conversation.is_temporary:
        raise InputError(_("This chat is not temporary. Delete it instead."))
    services.end(conversation)
    messages.success(request, _("The temporary chat is over. Nothing of it was stored."))
    return redirect("conversations:home")
