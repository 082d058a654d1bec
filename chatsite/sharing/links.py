"""The verbs of shared links. They know no request; whoever calls has the right to."""

from __future__ import annotations

import datetime

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from chatsite.sharing import snapshots
from chatsite.sharing.models import SharedLink
from conversations import services
from conversations.errors import InputError, QuotaExceeded
from conversations.models import Conversation

MOST_LINKS = 100  # of one person: each keeps a copy of a chat
MOST_DAYS = 365
LEAST_PASSWORD, MOST_PASSWORD = 6, 128
PROOF_SALT = "chatsite.sharing.proof"


def share(conversation: Conversation, *, days: int | None = None, password: str = "") -> SharedLink:
    """A link to the chat as it is now; open for ever without `days`, for everybody without `password`.

    Raises InputError, ConversationBusy while an answer is being written, QuotaExceeded, StoreUnavailable.
    """
    if days is not None and not 0 < days <= MOST_DAYS:
        raise InputError(_("Choose how long the link shall be open from the list."))
    if password and not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        sentence = _("A password for a link has {least} to {most} characters.")
        raise InputError(sentence.format(least=LEAST_PASSWORD, most=MOST_PASSWORD))
    if SharedLink.objects.filter(user_id=conversation.user_id).count() >= MOST_LINKS:
        raise QuotaExceeded(_("You share {count} links already. Revoke one first.").format(count=MOST_LINKS))
    said = snapshots.take(services.read(conversation))
    return SharedLink.objects.create(
        user_id=conversation.user_id,
        conversation=conversation,
        title=conversation.title,
        snapshot=snapshots.dumps(said),
        message_count=len(said),
        password=make_password(password) if password else "",
        expires_at=timezone.now() + datetime.timedelta(days=days) if days else None,
    )


def revoke(link: SharedLink) -> None:
    """It opens nothing from now on, and the copy is gone. Revoking twice is fine."""
    SharedLink.objects.filter(pk=link.pk).delete()


def count_view(link: SharedLink) -> None:
    SharedLink.objects.filter(pk=link.pk).update(views=F("views") + 1, viewed_at=timezone.now())


def opens(link: SharedLink, password: str) -> bool:
    return len(password) <= MOST_PASSWORD and check_password(password, link.password)


def proof_of(link: SharedLink) -> str:
    """What a browser shows that has given the password; worth nothing for another link, or another password."""
    return salted_hmac(PROOF_SALT, f"{link.pk}:{link.password}", algorithm="sha256").hexdigest()


def proves(link: SharedLink, proof: str) -> bool:
    return constant_time_compare(proof, proof_of(link))


def continue_as_own(user, link: SharedLink) -> Conversation:
    """A chat of this person's own that begins with what the link shows.

    Raises StoreUnavailable, ConflictError; then there is no chat.
    """
    said = snapshots.loads(link.snapshot)
    conversation = services.create(user, title=link.title, model=_model_of(said))
    messages = tuple(snapshots.as_messages(said))
    try:
        services.store(conversation, *messages)
        if messages and messages[-1].metadata.get("lane"):
            services.select(conversation, messages[-1].parent_id)  # side by side again
    except Exception:
        services.delete(conversation)
        raise
    return conversation


def _model_of(said: tuple[snapshots.Said, ...]):
    """The one that answered last, if people can choose it here; labels are all that a snapshot knows of models."""
    label = next((one.label for one in reversed(said) if one.label), "")
    return next((model for model in services.available_models() if model.label == label), None)
