"""What load balancers and container hosts ask: does the process live, can it serve?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import sync_and_async_middleware
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations import streaming
from conversations.stores import get_store

DATABASE_PATIENCE = 2.0  # seconds


class Readiness:
    """Looks whether the database answers, with all migrations, and whether the store is configured.

    In a thread of its own, and never twice at once: however often a hanging database is asked for, it holds one
    thread. Migrations only go forward, so having seen them applied is enough.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._looking: Future[str] | None = None
        self._migrated = False

    async def reason_against(self) -> str:
        """Why this process cannot serve, as a sentence; empty if it can. Answers within DATABASE_PATIENCE."""
        if self._looking is None or self._looking.done():
            self._looking = self._executor.submit(self._look)
        try:
            async with asyncio.timeout(DATABASE_PATIENCE):
                return await asyncio.shield(asyncio.wrap_future(self._looking))
        except TimeoutError:
            return "The database does not answer in time."

    def _look(self) -> str:
        try:
            get_store()
            return self._look_at_database()
        except DatabaseError:
            return "The database does not answer."
        except (ImportError, ImproperlyConfigured, TypeError):
            return "The conversation store is not configured."
        finally:
            connections.close_all()

    def _look_at_database(self) -> str:
        connection = connections["default"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not self._migrated:
            executor = MigrationExecutor(connection)
            self._migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return "" if self._migrated else "Migrations are missing. Run: python manage.py migrate"


readiness = Readiness()


@require_safe
@never_cache
async def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
async def readyz(request: HttpRequest) -> HttpResponse:
    reason = await readiness.reason_against()
    if reason:
        return JsonResponse({"status": "unavailable", "reason": reason}, status=503)
    notes = streaming.notes()
    return JsonResponse({"status": "ok", "notes": notes} if notes else {"status": "ok"})


PROBES: dict[str, Callable] = {"/healthz": healthz, "/readyz": readyz}


@sync_and_async_middleware
def probes(get_response):
    """Answers probes before the Host header is judged and https enforced: they come in plain, to an address."""
    if iscoroutinefunction(get_response):

        async def middleware(request):
            view = PROBES.get(request.path_info, get_response)
            return await view(request)
    else:

        def middleware(request):
            view = PROBES.get(request.path_info)
            return async_to_sync(view)(request) if view else get_response(request)

    return middleware
