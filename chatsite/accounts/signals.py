"""What follows from things that happen to accounts."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.account.signals import password_reset
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from chatsite.accounts.models import User
from conversations.stores import get_store


@receiver(password_reset, dispatch_uid="chatsite.accounts.confirm_address")
def confirm_address(*, user: User, **_kwargs: object) -> None:
    """Whoever resets a password by mail has shown that the address is theirs."""
    EmailAddress.objects.filter(user=user, email=user.email).update(verified=True)


@receiver(pre_delete, sender=User, dispatch_uid="chatsite.accounts.erase_documents")
def erase_documents(*, instance: User, **_kwargs: object) -> None:
    """With a person all that they wrote goes. Raises StoreUnavailable; then the person stays, too."""
    store = get_store()
    for key in list(store.keys(str(instance.pk))):
        store.delete(key)
