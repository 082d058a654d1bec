"""What this site does differently from allauth: who may come in, how often one may try, how mail is sent."""

from __future__ import annotations

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import filter_users_by_email, get_user_by_username
from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.httpkit import get_client_ip
from allauth.core.internal.ratelimit import get_ip
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from chatsite import errors
from chatsite.branding.current import current

logger = logging.getLogger("chatsite.accounts")
FAILURE_WINDOW = 300  # seconds, as in ACCOUNT_RATE_LIMITS["login_failed"]
NO_MATCH = _("The name or the password is not right. Check both and try again.")


class VerificationOfSignUps(EmailVerificationStage):
    """Whoever signed up confirms the address; for accounts that an administrator made, the administrator vouches."""

    def handle(self):
        user = self.login.user
        if user and not EmailAddress.objects.filter(user=user, verified=False).exists():
            return None, True
        return super().handle()


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": NO_MATCH,
        "username_password_mismatch": NO_MATCH,
        "email_taken": _("There is an account with this address already. Log in, or reset its password."),
        "enter_current_password": _("This is not your current password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.SIGNUP_OPEN

    def is_ajax(self, request: HttpRequest) -> bool:
        """These pages speak HTML only."""
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_profile")

    def get_login_stages(self) -> list[str]:
        return [f"{VerificationOfSignUps.__module__}.{VerificationOfSignUps.__qualname__}"]

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raises ImmediateHttpResponse with a 429 when too many attempts have failed."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            raise ImmediateHttpResponse(errors.too_many_requests(request, retry_after=FAILURE_WINDOW)) from None

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """The account, however it was spelled, together with the address from which somebody tries.

        So guessing from elsewhere does not lock its owner out.
        """
        login = credentials.get("email") or credentials.get("username") or ""
        users = {user.pk for user in filter_users_by_email(login, prefer_verified=True, for_login=True)}
        if user := get_user_by_username(login):
            users.add(user.pk)
        account = ",".join(map(str, sorted(users))) or login.lower()
        return f"{account} {get_ip(request)}"

    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller's address as the trusted proxies tell it; one name for all when nothing is known."""
        try:
            address = get_client_ip(request)
        except ImproperlyConfigured:  # fewer proxies than TRUSTED_PROXIES: somebody went round one of them
            address = request.META.get("REMOTE_ADDR")
        return address or "unknown"

    def format_email_subject(self, subject: str) -> str:
        return f"[{current().site_name}] {subject}"

    def send_mail(self, template_prefix: str, email: str, context_: dict) -> None:
        """Raises ImmediateHttpResponse with a 503 when the mail server does not take it."""
        names = {"site_name": current().site_name, "signup_open": settings.SIGNUP_OPEN}
        try:
            super().send_mail(template_prefix, email, {**names, **context_})
        except (OSError, SMTPException) as error:
            logger.error("A mail could not be sent: %s", type(error).__name__)
            raise ImmediateHttpResponse(errors.mail_unavailable(context.request)) from error
