"""Taking the last exchange back, and clearing a chat. Both can be brought back on the page that follows."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from conversations import services
from conversations.access import members_only, own_or_404
from conversations.responses import keep_draft


@require_POST
@members_only
def take_back(request: HttpRequest, conversation_id) -> HttpResponse:
    """The chat as it was before its last question, which stands in the composer, to be asked otherwise."""
    conversation = own_or_404(request.user, conversation_id)
    question = services.take_back(conversation, request.POST.get("message_id", ""))
    keep_draft(request, question.content)
    return redirect("conversations:show", conversation.pk)


@require_POST
@members_only
def clear(request: HttpRequest, conversation_id) -> HttpResponse:
    conversation = own_or_404(request.user, conversation_id)
    services.clear(conversation)
    return redirect("conversations:show", conversation.pk)
