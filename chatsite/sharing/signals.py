"""With a trial its guests go: they have no other place."""

from __future__ import annotations

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from chatsite.sharing import trials
from chatsite.sharing.models import Trial


@receiver(pre_delete, sender=Trial, dispatch_uid="chatsite.sharing.remove_guests")
def remove_guests(*, instance: Trial, **_kwargs: object) -> None:
    """Raises StoreUnavailable; then the trial stays, too."""
    trials.remove_guests(instance.guests.all())
