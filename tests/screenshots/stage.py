"""A site of its own, on a database that is thrown away, with a member who has a history, and an administrator."""

from __future__ import annotations

import os
from datetime import timedelta

from tests.screenshots.script import OTHERS

PASSWORD = "correct horse battery"


def prepare(folder: str) -> None:
    os.environ["DATABASE_URL"] = f"sqlite:///{folder}/site.sqlite3"
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("compilemessages", verbosity=0)


def people(*languages: str) -> None:
    """For each language a member, by its name, with chats of some weeks; and "admin"."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from conversations import services
    from conversations.models import Conversation

    User = get_user_model()
    User.objects.create_superuser("admin", "admin@example.com", PASSWORD, name="Quản Trị")
    for language in languages:
        member = User.objects.create_user(language, f"{language}@example.com", PASSWORD, name="Nguyễn Thị Linh")
        for age, title in enumerate(OTHERS):
            conversation = services.create(member, title=title)
            moment = timezone.now() - timedelta(days=age * age)
            Conversation.objects.filter(pk=conversation.pk).update(updated_at=moment)
