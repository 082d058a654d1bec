"""Replies while they are written: followed as events, and stopped."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from conversations import services, streaming
from conversations.access import generation_or_404, members_only
from conversations.responses import EventStream, is_fetch
from conversations.streaming.executors import in_database


@require_POST
@members_only
async def stop(request: HttpRequest, generation_id) -> HttpResponse:
    return await _stop(request, generation_id, services.stop)


@require_POST
@members_only
async def stop_all(request: HttpRequest, generation_id) -> HttpResponse:
    """This reply, and all that are written beside it."""
    return await _stop(request, generation_id, services.stop_all)


async def _stop(request: HttpRequest, generation_id, verb) -> HttpResponse:
    user = await request.auser()
    generation = await in_database(generation_or_404, user, generation_id)
    await verb(generation)
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
        if generation.conversation.is_unread and not generation.is_live:
            await in_database(streaming.mark_read, generation.conversation_id)
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


async def _once(frames: bytes):
    yield frames
