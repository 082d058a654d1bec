"""A thumb for an answer, and why."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from conversations import services
from conversations.access import members_only, own_or_404
from conversations.errors import ChatError, InputError
from conversations.models import REASON_MAX_LENGTH, Feedback
from conversations.responses import is_fetch
from conversations.views.turns import back_to

VALUES = {"up": Feedback.Value.UP, "down": Feedback.Value.DOWN}


@require_POST
@members_only
def rate(request: HttpRequest, conversation_id) -> HttpResponse:
    """`thumb` is up, down, or nothing, which takes it back; without a script a page asks why."""
    conversation = own_or_404(request.user, conversation_id)
    message_id, thumb = request.POST.get("message_id", ""), request.GET.get("thumb", "")
    if thumb not in VALUES:
        services.unrate(conversation, message_id)
        return HttpResponse(status=204) if is_fetch(request) else back_to(conversation, message_id)
    services.rate(conversation, message_id, VALUES[thumb])
    if is_fetch(request):
        return HttpResponse(status=204)
    address = reverse("conversations:explain", args=[conversation.pk])
    return redirect(f"{address}?{urlencode({'message': message_id})}")


@require_http_methods(["GET", "POST"])
@members_only
def explain(request: HttpRequest, conversation_id) -> HttpResponse:
    """Why an answer got its thumb: a page, and a form on the chat's own."""
    conversation = own_or_404(request.user, conversation_id)
    message_id = request.POST.get("message_id") or request.GET.get("message", "")
    given = services.feedback_on(conversation).get(message_id)
    if given is None:
        raise InputError(_("This answer has no thumb yet. Choose one first."))
    context = {"conversation": conversation, "feedback": given, "message_id": message_id, "limit": REASON_MAX_LENGTH}
    if request.method == "GET":
        return render(request, _template(request), context)
    try:
        services.explain(conversation, message_id, request.POST.get("reason", ""))
    except ChatError as error:
        context |= {"error": error.message, "reason": request.POST.get("reason", "")}
        return render(request, _template(request), context, status=error.status)
    if is_fetch(request):
        return HttpResponse(status=204)
    messages.success(request, _("Thank you. Your feedback is saved."))
    return back_to(conversation, message_id)


def _template(request: HttpRequest) -> str:
    return "conversations/_feedback_form.html" if is_fetch(request) else "conversations/feedback.html"
