from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TransferConfig(AppConfig):
    name = "chatsite.transfer"
    label = "transfer"
    verbose_name = _("Export and import")
    default_auto_field = "django.db.models.BigAutoField"
