from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ChatsiteConfig(AppConfig):
    name = "chatsite"
    verbose_name = "Chatsite"

    def ready(self) -> None:
        from chatsite import checks  # noqa: F401  registers the system checks


class AdminConfig(admin_apps.AdminConfig):
    default = False  # of the two in this file, "chatsite" in INSTALLED_APPS means the other
    default_site = "chatsite.admin_site.AdminSite"
