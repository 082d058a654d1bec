from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConversationsConfig(AppConfig):
    name = "conversations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_seed, sender=self, dispatch_uid="conversations.seed")


def _seed(**_kwargs) -> None:
    """A fresh database has models to choose from at once."""
    from conversations.services import seed_catalogue  # the models exist only now

    seed_catalogue()
