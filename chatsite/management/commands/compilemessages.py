"""Django's command of this name, without GNU gettext: it compiles what has changed."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from chatsite.catalogues import compile_catalogue, stale


class Command(BaseCommand):
    help = "Compile the translations (.po) to what the site reads (.mo): whatever has changed since the last time."
    requires_system_checks = ()

    def handle(self, *args, verbosity: int = 1, **options) -> None:
        for catalogue in stale():
            try:
                compile_catalogue(catalogue)
            except OSError as error:
                raise CommandError(f"{catalogue} cannot be compiled: {error}") from error
            if verbosity:
                self.stdout.write(f"Compiled {catalogue}.")
