"""Obtaining things together with the right to them."""

from __future__ import annotations

from functools import wraps

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import Http404, HttpRequest

from conversations import services
from conversations.errors import NotFound
from conversations.models import Conversation, Generation, Persona, SavedPrompt
from conversations.responses import logged_out


def members_only(view):
    """Log-in first. Our script and event streams get 401, never a redirect; a message that was sent is kept."""

    if iscoroutinefunction(view):

        @wraps(view)
        async def wrapper(request: HttpRequest, *args, **kwargs):
            user = await request.auser()
            if not user.is_authenticated:
                return await sync_to_async(logged_out)(request)
            return await view(request, *args, **kwargs)
    else:

        @wraps(view)
        def wrapper(request: HttpRequest, *args, **kwargs):
            if not request.user.is_authenticated:
                return logged_out(request)
            return view(request, *args, **kwargs)

    return wrapper


def own_or_404(user, conversation_id) -> Conversation:
    """A temporary chat does not exist here: nothing of it may get elsewhere."""
    return _found(user, conversation_id)


def here_or_404(user, conversation_id) -> Conversation:
    """For what happens in the chat itself, also in a temporary one."""
    return _found(user, conversation_id, temporary=True)


def _found(user, conversation_id, **how) -> Conversation:
    try:
        return services.by_id(user, conversation_id, **how)
    except NotFound:
        raise Http404 from None


def generation_or_404(user, generation_id) -> Generation:
    rows = Generation.objects.filter(conversation__in=Conversation.objects.here_for(user))
    found = rows.select_related("model", "conversation").filter(pk=generation_id).first()
    if found is None:
        raise Http404
    return found


def prompt_or_404(user, prompt_id: int) -> SavedPrompt:
    try:
        return services.own_prompt(user, prompt_id)
    except NotFound:
        raise Http404 from None


def persona_or_404(user, persona_id: int) -> Persona:
    try:
        return services.own_persona(user, persona_id)
    except NotFound:
        raise Http404 from None
