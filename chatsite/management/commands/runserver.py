"""The development server: Django's command line around uvicorn, because Django's own server buffers whole streams."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import uvicorn
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.commands.runserver import Command as DjangoCommand
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from uvicorn.supervisors.statreload import StatReload

from chatsite import slow_readers

WATCHED = ("*.py", "*.html", "*.mo")


class DevelopmentServer(uvicorn.Server):
    """Says where the site is once it answers there."""

    announcement = ""

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(self.announcement)
        sys.stdout.flush()


class Reloader(StatReload):
    """Templates too: Django caches them, and only Django's own reloader would empty that cache."""

    def iter_py_files(self) -> Iterator[Path]:
        yield settings.BASE_DIR / ".env"
        for folder in self.config.reload_dirs:
            for pattern in WATCHED:
                yield from folder.rglob(pattern)


def watched_folders() -> list[str]:
    """The project's own code and templates; walking the virtual environment twice a second would cost a core."""
    code = [Path(app.path) for app in apps.get_app_configs()]
    templates = [Path(folder) for engine in settings.TEMPLATES for folder in engine["DIRS"]]
    outside = settings.BASE_DIR / ".venv"
    return [
        str(folder)
        for folder in [*code, *templates]
        if folder.is_relative_to(settings.BASE_DIR) and not folder.is_relative_to(outside) and folder.is_dir()
    ]


class Command(DjangoCommand):
    help = "Serves the site for development: live streaming, static files, and a restart when code changes."

    def add_arguments(self, parser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--migrate", action="store_true", help="Apply missing migrations first.")

    def run(self, **options) -> None:
        call_command("compilemessages", verbosity=0)
        self._look_after_migrations(apply=options["migrate"])
        reload = options["use_reloader"]
        listener = self._listen()
        slow_readers.bound(listener)
        config = uvicorn.Config(
            ":".join(settings.ASGI_APPLICATION.rsplit(".", 1)),
            log_config=None,  # Django has configured logging
            lifespan="on",
            timeout_graceful_shutdown=2,
            reload=reload,
            reload_dirs=watched_folders() if reload else None,
        )
        server = DevelopmentServer(config)
        server.announcement = self._announcement(listener.getsockname()[1])
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        with suppress(KeyboardInterrupt):
            if reload:
                Reloader(config, target=server.run, sockets=[listener]).run()
            else:
                server.run(sockets=[listener])

    def _look_after_migrations(self, *, apply: bool) -> None:
        if not apply:
            self.check_migrations()
        else:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                self.stdout.write("Preparing the database …")
                call_command("migrate", interactive=False, verbosity=0)
        connections.close_all()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if self.use_ipv6 else socket.AF_INET
        address = "0.0.0.0" if self.addr == "0" else self.addr  # noqa: S104  asked for by "runserver 0:8000"
        try:
            return socket.create_server((address, int(self.port)), family=family, backlog=2048)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandError(
                    f"Port {self.port} is in use. Stop what uses it, or choose another: make run PORT=8001, "
                    "or manage.py runserver 8001."
                ) from None
            raise CommandError(f"Cannot serve at {address}:{self.port}: {error.strerror}.") from None

    def _announcement(self, port: int) -> str:
        everywhere = not self.addr.strip("0.")  # 0 or 0.0.0.0
        host = f"[{self.addr}]" if self._raw_ipv6 else "localhost" if everywhere else self.addr
        python = Path(sys.executable)
        with suppress(ValueError):
            python = python.relative_to(Path.cwd())
        script = os.path.relpath(sys.argv[0])
        return (
            f"\n{settings.SITE_NAME} is at http://{host}:{port}/\n"
            f"Create an admin: {python} {script} createsuperuser\n"
            "Stop with Ctrl-C.\n\n"
        )
