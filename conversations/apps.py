from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = _("Conversations")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        user_logged_out.connect(_forget_temporary_chats, dispatch_uid="conversations.temporary")
        post_migrate.connect(_seed, sender=self, dispatch_uid="conversations.seed")


def _forget_temporary_chats(user, **_kwargs) -> None:
    from conversations.services import end_all_of  # the models exist only now

    if user is not None:
        end_all_of(user)


def _seed(**_kwargs) -> None:
    """A fresh database has models to choose from at once."""
    from conversations.services import seed_catalogue  # the models exist only now

    seed_catalogue()
