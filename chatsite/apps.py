from django.apps import AppConfig


class ChatsiteConfig(AppConfig):
    name = "chatsite"
    verbose_name = "Chatsite"

    def ready(self) -> None:
        from chatsite import checks  # noqa: F401  registers the system checks
