"""The account pages that are more than allauth's."""

from __future__ import annotations

from allauth.account import views
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.generic import UpdateView

from chatsite.accounts.forms import ProfileForm
from chatsite.accounts.models import User


def can_send_mail() -> bool:
    return not settings.EMAIL_BACKEND.endswith(".dummy.EmailBackend")


def closed(request: HttpRequest, template: str) -> HttpResponse:
    """A page that says why this cannot be done here; to whoever tries all the same, 403."""
    return render(request, template, status=403 if request.method == "POST" else 200)


class SignupView(views.SignupView):
    def closed(self) -> HttpResponse:
        return closed(self.request, self.template_name_signup_closed)


class PasswordResetView(views.PasswordResetView):
    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if not can_send_mail():
            return closed(request, "account/password_reset_closed.html")
        return super().dispatch(request, *args, **kwargs)


class ProfileView(LoginRequiredMixin, SuccessMessageMixin, UpdateView):
    form_class = ProfileForm
    template_name = "account/profile.html"
    success_url = reverse_lazy("account_profile")
    success_message = _("Saved.")

    def get_object(self, queryset=None) -> User:
        return self.request.user
