"""Whoever resets a password by mail has shown that the address is theirs."""

from allauth.account.models import EmailAddress
from allauth.account.signals import password_reset
from django.dispatch import receiver

from chatsite.accounts.models import User


@receiver(password_reset, dispatch_uid="chatsite.accounts")
def confirm_address(*, user: User, **_kwargs: object) -> None:
    EmailAddress.objects.filter(user=user, email=user.email).update(verified=True)
