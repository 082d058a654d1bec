"""What follows when lists change here, and when a chat goes."""

from __future__ import annotations

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from chatsite.moderation import lists
from chatsite.moderation.models import Hit, Term, TermList
from conversations.models import Conversation

for _changed in (post_save, post_delete):
    for _model in (Term, TermList):
        _changed.connect(lists.forget, sender=_model, dispatch_uid="chatsite.moderation")


@receiver(post_delete, sender=Conversation, dispatch_uid="chatsite.moderation.hits")
def forget_text(sender: type, instance: Conversation, **_kwargs: object) -> None:
    """A deleted chat leaves no text behind; that something was found there stays known."""
    Hit.objects.filter(conversation_id=instance.pk).exclude(text="").update(text="")
