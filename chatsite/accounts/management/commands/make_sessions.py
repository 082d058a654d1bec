"""People who are logged in already, for benchmarks: nothing but the log-in form is passed by."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError

PREFIX = "bench-"


class Command(BaseCommand):
    help = f"Makes people named {PREFIX}1, {PREFIX}2 … who have no password, and prints a session cookie for each."

    def add_arguments(self, parser) -> None:
        parser.add_argument("count", type=int, help="How many people.")

    def handle(self, *, count: int, **options) -> None:
        if count < 1:
            raise CommandError("Name how many people, at least 1.")
        names = [f"{PREFIX}{number}" for number in range(1, count + 1)]
        user_model = get_user_model()
        nobody_knows = make_password(None)
        user_model.objects.bulk_create(
            [user_model(username=name, password=nobody_knows) for name in names], ignore_conflicts=True
        )
        for user in user_model.objects.filter(username__in=names).order_by("pk"):
            self.stdout.write(f"{settings.SESSION_COOKIE_NAME}={_session_of(user)}")


def _session_of(user) -> str:
    """The key of a new session that is signed in as this person."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session.session_key
