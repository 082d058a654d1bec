"""Where requests enter."""

from django.contrib import admin
from django.urls import include, path

from chatsite import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("accounts/", include("chatsite.accounts.urls")),
    path("", include("chatsite.branding.urls")),
    path("", include("chatsite.install.urls")),
    path("", include("chatsite.sharing.urls")),
    path("", include("chatsite.transfer.urls")),
    path("", include("conversations.urls")),
]

handler400 = "chatsite.errors.bad_request"
handler403 = "chatsite.errors.permission_denied"
handler404 = "chatsite.errors.not_found"
handler429 = "chatsite.errors.too_many_requests"  # allauth's rate limits ask for it
handler500 = "chatsite.errors.server_error"
