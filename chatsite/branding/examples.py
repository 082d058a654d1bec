"""The examples of the admin, and answers to them that need no model."""

from __future__ import annotations

from django.utils.translation import get_language

from chatsite.branding import current
from chatsite.branding.models import Example
from conversations import examples
from conversations.models import Generation
from conversations.signals import generation_finished

MOST_SHOWN = 4


class Examples(examples.Examples):
    """Those of the admin; as long as there is none, the project's own."""

    def prepare(self) -> None:
        branding = current.current()
        waits = any(one.keeps_answer and not one.answer for one in branding.examples)
        listen = generation_finished.connect if waits else generation_finished.disconnect
        listen(keep_answer, sender=Generation, dispatch_uid="chatsite.branding.examples")

    def prompts(self) -> list[str]:
        every = current.current().examples
        if not every:
            return super().prompts()
        return [one.text for one in every if one.language in ("", get_language())][:MOST_SHOWN]

    def answer(self, prompt: str) -> str:
        return next((one.answer for one in current.known().examples if one.answer and one.text == prompt.strip()), "")


def keep_answer(sender: type, generation_id, **_kwargs: object) -> None:
    """The first complete answer in a chat that has nothing of its own becomes everybody's."""
    rows = Generation.objects.select_related("conversation").filter(
        pk=generation_id, status=Generation.Status.COMPLETED, finish_reason="stop", parent_id="", lane=0
    )
    reply = rows.first()
    if reply is None or not examples.is_plain(reply.conversation):
        return
    waiting = Example.objects.filter(text=reply.user_text.strip(), keeps_answer=True, answer="", enabled=True)
    if waiting.update(answer=reply.reply_text[: Example._meta.get_field("answer").max_length]):
        current.forget()
