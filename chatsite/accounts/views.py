"""The account pages that are more than allauth's."""

from __future__ import annotations

from allauth.account import views
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import translation
from django.utils.translation import get_language_from_request, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django.views.generic import UpdateView

from chatsite.accounts.forms import PreferencesForm, ProfileForm, ThemeForm
from chatsite.accounts.models import User
from chatsite.own_page import own_page


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


class PreferencesView(LoginRequiredMixin, UpdateView):
    """How the site looks and speaks to one person, and which key sends."""

    form_class = PreferencesForm
    template_name = "account/preferences.html"
    success_url = reverse_lazy("account_preferences")

    def get_object(self, queryset=None) -> User:
        return self.request.user

    def form_valid(self, form: PreferencesForm) -> HttpResponse:
        """What follows is in the language that was chosen just now."""
        response = super().form_valid(form)
        with translation.override(self.object.language or get_language_from_request(self.request)):
            messages.success(self.request, gettext("Saved."))
        return response


@login_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """From the menu, in one click."""
    form = ThemeForm(request.POST, instance=request.user)
    if not form.is_valid():
        return HttpResponse(status=400)
    form.save()
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return redirect(own_page(request, request.POST.get("next", "")))
