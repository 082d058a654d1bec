"""The admin, under the site's name and behind the site's own log-in."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import LogoutView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _


class AdminSite(admin.AdminSite):
    """There is one door: rate limits, mail and messages of the account pages hold for staff as well."""

    index_title = _("Administration")

    @property
    def site_header(self) -> str:
        from chatsite.branding.current import current

        return current().site_name

    site_title = site_header

    def get_urls(self) -> list:
        from chatsite.connecting import connect  # it needs the apps, which this module is loaded before

        return [path("connect/", self.admin_view(connect), name="connect"), *super().get_urls()]

    def login(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """Lead to the log-in page; raises PermissionDenied for people who are logged in, but no staff."""
        home = reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME, home))
        if not self.has_permission(request):
            raise PermissionDenied
        return redirect(home)

    def logout(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        return LogoutView.as_view(next_page=settings.LOGOUT_REDIRECT_URL)(request)

    def password_change(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        return redirect("account_change_password")
