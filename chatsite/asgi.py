"""Where ASGI servers enter: Django, with a beginning and an end around it.

The beginning runs the system checks (manage.py does, gunicorn does not) and starts streaming. The end starts
with the signal, not with the server's own shutdown: that one waits for open streams, which would wait for it.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import signal

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402  the apps must be loaded first
from django.core import checks  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.db import DatabaseError  # noqa: E402
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402

from chatsite import postgresql, sqlite, staticfiles  # noqa: E402
from chatsite.body_limit import BodyLimit  # noqa: E402
from chatsite.deadline import Deadline  # noqa: E402
from chatsite.handler import Handler  # noqa: E402
from chatsite.sharing.sweeping import sweep  # noqa: E402
from conversations import streaming  # noqa: E402
from conversations.services import recall_counts, seed_catalogue  # noqa: E402
from conversations.streaming.executors import in_database  # noqa: E402

logger = logging.getLogger("chatsite")
limited_application = Deadline(BodyLimit(Handler()))
DATABASE_PATIENCE = 5.0  # seconds; then the site starts without, and /readyz says so
DATABASE_PAUSE = 2.0  # seconds, before it is asked again


def check_configuration() -> None:
    """Run the system checks; warnings are logged. Raises ImproperlyConfigured with the sentences of all errors."""
    found = [m for m in checks.run_checks(include_deployment_checks=not settings.DEBUG) if not m.is_silenced()]
    for message in found:
        if not message.is_serious():
            logger.warning("%s", message)
    errors = [str(message) for message in found if message.is_serious()]
    if staticfiles.are_missing():
        errors.append("The static files are not collected. Run: python manage.py collectstatic --noinput")
    if errors:
        raise ImproperlyConfigured("The site cannot start with these settings.\n" + "\n".join(errors))


class Life:
    """What one server process does around its requests: start, drain on a signal, settle."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._starting: asyncio.Task | None = None
        self._streaming: asyncio.Task | None = None
        self._settling: asyncio.Task | None = None
        self._sweeping: asyncio.Task | None = None
        self._held: BaseDatabaseWrapper | None = None
        self._draining = False

    async def start(self) -> None:
        """Check, start streaming, listen for signals; once, however many requests wait for it.

        Raises ImproperlyConfigured when the settings are wrong.
        """
        if self._starting is None:
            self._starting = self.loop.create_task(self._start())
        await asyncio.shield(self._starting)

    async def _start(self) -> None:
        postgresql.serve()
        await asyncio.to_thread(check_configuration)
        self._streaming = self.loop.create_task(self._start_streaming())
        await asyncio.wait([self._streaming], timeout=DATABASE_PATIENCE)
        if self._streaming.done():
            self._streaming.result()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._listen(number)

    async def _start_streaming(self) -> None:
        """Again and again while the database is away: a site that is up says more than one that restarts."""
        while True:
            try:
                self._held = self._held or await asyncio.to_thread(sqlite.hold_open)
                await in_database(seed_catalogue)
                await streaming.startup()
                streaming.current_writer().spawn(recall_counts())
                self._sweeping = self.loop.create_task(sweep(), context=contextvars.Context())
                return
            except DatabaseError as error:
                logger.error("The database is not ready: %s. Trying again; `python manage.py migrate` may help.", error)
                await asyncio.sleep(DATABASE_PAUSE)

    async def settle(self) -> None:
        """Let running replies end in their grace, keep what the others have said; once."""
        self._begin_to_settle()
        await asyncio.shield(self._settling)

    def _begin_to_settle(self) -> None:
        if self._settling is None:
            self._settling = self.loop.create_task(self._settle())

    async def _settle(self) -> None:
        if self._sweeping:
            self._sweeping.cancel()
        await streaming.shutdown()
        if self._held:
            await asyncio.to_thread(self._held.close)

    def _listen(self, number: signal.Signals) -> None:
        """Put a step of ours before the server's own handler; only the main thread may, others have no signals."""
        previous = signal.getsignal(number)
        if not callable(previous):
            return

        def handle(received: int, frame: object) -> None:
            self.loop.call_soon_threadsafe(self._drain)
            previous(received, frame)

        try:
            signal.signal(number, handle)
        except ValueError:
            logger.debug("Not in the main thread: the server of this process sees no signals.")

    def _drain(self) -> None:
        """Refuse new messages and send readers away, so that their streams end and the server can.

        A reader that does not leave must not keep replies from being settled: after the grace they are, anyway.
        """
        if self._draining:
            return
        self._draining = True
        if self._streaming:
            self._streaming.cancel()
        streaming.begin_shutdown()
        self.loop.call_later(settings.CHAT_SHUTDOWN_GRACE, self._begin_to_settle)


class Application:
    """The ASGI application. A server that speaks no lifespan starts it with its first request."""

    def __init__(self) -> None:
        self._life: Life | None = None

    async def __call__(self, scope, receive, send) -> None:
        life = self._current_life()
        if scope["type"] == "lifespan":
            await self._live(life, receive, send)
        else:
            await life.start()
            await limited_application(scope, receive, send)

    def _current_life(self) -> Life:
        if self._life is None or self._life.loop is not asyncio.get_running_loop():
            self._life = Life()
        return self._life

    @staticmethod
    async def _live(life: Life, receive, send) -> None:
        await receive()
        try:
            await life.start()
        except Exception as error:  # whatever it is: a server that cannot start must say so and exit
            logger.critical("%s", error, exc_info=not isinstance(error, ImproperlyConfigured))
            await send({"type": "lifespan.startup.failed"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        try:
            await life.settle()
        except Exception:  # the process ends in any case
            logger.exception("Replies could not be settled; the next process will do it.")
        await send({"type": "lifespan.shutdown.complete"})


application = Application()
