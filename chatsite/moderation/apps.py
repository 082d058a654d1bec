from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ModerationConfig(AppConfig):
    name = "chatsite.moderation"
    label = "moderation"
    verbose_name = _("Content filter")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from chatsite.moderation import signals  # noqa: F401  connects the receivers
