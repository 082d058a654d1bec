from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BrandingConfig(AppConfig):
    name = "chatsite.branding"
    label = "branding"
    verbose_name = _("Appearance and words")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from chatsite.branding import signals  # noqa: F401  connects the receivers
