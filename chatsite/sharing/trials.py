"""The verbs of trials: somebody becomes a guest, a guest says something, guests are removed. They know no request."""

from __future__ import annotations

import secrets
from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatsite.sharing.models import Guest, Trial
from conversations.errors import ChatError, QuotaExceeded

SESSION_SALT, FORM_SALT = "chatsite.sharing.guest", "chatsite.sharing.guest_forms"
SESSION_DAYS = 400  # trials end by their own day; this only keeps the session from ending before


class TrialOver(ChatError):
    status = 403
    code = "trial_over"


def session_key_of(credential: str) -> str:
    """The guest never learns it, so it cannot be used as the session of a member."""
    return salted_hmac(SESSION_SALT, credential, algorithm="sha256").hexdigest()[:40]


def form_secret_of(credential: str) -> str:
    """What stands for the cookie of Django's CSRF protection, which no frame of another site could keep."""
    return salted_hmac(FORM_SALT, credential, algorithm="sha256").hexdigest()[:32]


def is_over() -> TrialOver:
    return TrialOver(_("This trial is over. Thank you for trying."))


def become_guest(trial: Trial) -> str:
    """A new guest of this trial. Returns the credential, which is kept nowhere.

    Raises TrialOver, and QuotaExceeded when as many came as may come.
    """
    if not trial.is_open:
        raise is_over()
    credential = secrets.token_urlsafe(32)
    with transaction.atomic():
        rows = Trial.objects.filter(pk=trial.pk, guests_count__lt=F("guests_total"))
        if not rows.update(guests_count=F("guests_count") + 1):
            raise QuotaExceeded(_("As many people as can have tried this already. Ask whoever gave you the link."))
        user = get_user_model().objects.create_user(f"guest-{secrets.token_hex(8)}", agreed_at=timezone.now())
        key = session_key_of(credential)
        Guest.objects.create(user=user, trial=trial, session_key=key)
        _begin_session(key, user)
    return credential


def _begin_session(key: str, user) -> None:
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.set_expiry(timedelta(days=SESSION_DAYS))
    session.save(must_create=True)


def guest_of(trial: Trial, credential: str) -> Guest | None:
    """Whoever holds this credential, if it is one of this trial."""
    if not credential:
        return None
    rows = Guest.objects.select_related("user").filter(trial=trial, user__is_active=True)
    guest = rows.filter(session_key=session_key_of(credential)).first()
    if guest is not None:
        guest.trial = trial
    return guest


def charge(guest: Guest) -> None:
    """Count a message, of the guest's and of all. Raises TrialOver, QuotaExceeded; then nothing is counted."""
    if not guest.trial.is_open:
        raise is_over()
    with transaction.atomic():
        own = Guest.objects.filter(pk=guest.pk, messages_sent__lt=guest.trial.messages_per_guest)
        if not own.update(messages_sent=F("messages_sent") + 1):
            count = guest.trial.messages_per_guest
            sentence = ngettext(
                "You have sent the one message of this trial.",
                "You have sent all {count} messages of this trial.",
                count,
            )
            raise QuotaExceeded(sentence.format(count=count))
        all_of_them = Trial.objects.filter(pk=guest.trial_id, messages_sent__lt=F("messages_total"))
        if not all_of_them.update(messages_sent=F("messages_sent") + 1):
            raise QuotaExceeded(_("All messages of this trial have been used. Ask whoever gave you the link."))


def give_back(guest: Guest) -> None:
    """What was counted was refused after all."""
    Guest.objects.filter(pk=guest.pk, messages_sent__gt=0).update(messages_sent=F("messages_sent") - 1)
    Trial.objects.filter(pk=guest.trial_id, messages_sent__gt=0).update(messages_sent=F("messages_sent") - 1)


def ended_guests() -> QuerySet[Guest]:
    """Those of trials whose days have passed."""
    return Guest.objects.filter(trial__ends_at__lte=timezone.now())


def remove_guests(guests: QuerySet[Guest]) -> int:
    """Delete these people and all that they wrote. Returns how many. Raises StoreUnavailable; then the rest stays.

    Whom an administrator has made a member meanwhile stays, with all chats, and is a guest no more.
    """
    removed = 0
    for guest in guests.select_related("user"):
        Session.objects.filter(session_key=guest.session_key).delete()
        if _is_member(guest.user):
            guest.delete()
            continue
        guest.user.delete()
        removed += 1
    return removed


def _is_member(user) -> bool:
    """Guests have no address, no password and no rights."""
    has_rights = user.is_staff or user.is_superuser or user.groups.exists() or user.user_permissions.exists()
    return bool(user.email) or user.has_usable_password() or has_rights
