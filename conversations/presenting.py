"""Messages as pages show them: rendered, with what can be done about each. For the first view and live alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from conversations.backends import get_backend
from conversations.errors import ChatError
from conversations.measures import measures
from conversations.parts import Choice, Gap, gaps, spoken
from conversations.remarks import notice, substitution, thinking_time, waiting_for
from conversations.rendering import render
from conversations.rendering.links import host_of
from conversations.sources import clean_sources
from conversations.types import Message, Transcript

RETRYABLE = {"failed", "interrupted", "cancelled"}


@dataclass(frozen=True, slots=True)
class SourceView:
    """Something that an answer rests on. `url` and `host` are empty for what is no web page."""

    title: str
    url: str
    host: str


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message for templates. `error` is a sentence; `notice` one that is no error (cut at its limit, stopped).

    `substitution` tells which other model answered.
    """

    id: str
    role: str
    text: str
    html: SafeString
    reasoning: str = ""
    reasoning_ms: int | None = None
    status: str = "completed"
    error: str = ""
    notice: str = ""
    substitution: str = ""
    model_label: str = ""
    generation_id: str = ""
    conversation_id: str = ""
    waiting: str = ""
    is_last: bool = False
    lane: int = 0
    """Which of the models it is by that answered side by side; 0 without comparing."""
    is_beside: bool = False
    """It stands beside others now, and may be kept."""
    question_id: str = ""
    """The message below which it can be shown side by side with others again, if that is possible."""
    sources: tuple[SourceView, ...] = ()
    measures: tuple[str, ...] = ()
    is_cut: bool = False
    """Something is missing at its end, and a model can go on from there."""
    gap: Gap | None = None
    """What of a long conversation is left out before it."""
    thumb: str = ""
    """What its reader thought of it: "up", "down", or nothing."""
    versions: tuple[str, ...] = ()
    """Ids of the messages that stand in the same place, this one among them; empty if it is alone."""

    @property
    def can_retry(self) -> bool:
        return self.role == "assistant" and self.is_last and self.status in RETRYABLE

    @property
    def can_continue(self) -> bool:
        return self.is_last and self.is_cut

    @property
    def can_keep(self) -> bool:
        return self.is_beside and not self.is_live and bool(self.text)

    @property
    def version(self) -> int:
        """Which of its versions this is, counted from one."""
        return self.versions.index(self.id) + 1

    @property
    def previous_version(self) -> str:
        return self.versions[self.version - 2] if self.version > 1 else ""

    @property
    def next_version(self) -> str:
        return self.versions[self.version] if self.version < len(self.versions) else ""

    @property
    def is_live(self) -> bool:
        return self.status == "in_progress"

    @property
    def is_thinking(self) -> bool:
        return self.is_live and not self.text

    @property
    def thinking_time(self) -> str:
        """What stands over the reasoning."""
        return _("Thinking…") if self.is_thinking else thinking_time(self.reasoning_ms or 0)


def message_views(
    transcript: Transcript, conversation_id: str, leaf: str | None = None, choice: Choice | None = None
) -> list[MessageView]:
    """A branch (by default the shown one): the system prompt never, the model's name where it changed.

    Of a long one only what was chosen is made, with what is left out before each piece.
    """
    said = spoken(transcript.branch(leaf))
    choice = choice or Choice((range(len(said)),), 0, len(said))
    left_out = {gap.before: gap for gap in gaps(said, choice) if gap.count}
    labels, versions = _labels(said), _versions(transcript)
    views = []
    for number in chain.from_iterable(choice.shown):
        message = said[number]
        view = message_view(message, conversation_id, model_label=labels[number], is_last=number == len(said) - 1)
        views.append(replace(view, versions=versions.get(message.id, ()), gap=left_out.get(message.id)))
    return views


def _labels(said: Sequence[Message]) -> list[str]:
    """For each message the name of the model, where another one wrote before, or others beside it."""
    labels, label = [], ""
    for message in said:
        own = message.metadata.get("label", "") if message.role == "assistant" else label
        is_named = bool(message.metadata.get("lane")) or bool(label and own != label)
        labels.append(own if is_named else "")
        label = own or label
    return labels


def _versions(transcript: Transcript) -> dict[str, tuple[str, ...]]:
    """For each message that has any: the ids that stand in the same place, itself among them, oldest first.

    A reply that another one continues stands in that one as a whole, and is no version of its own; unless it is
    what is shown, or something follows it that would be out of reach.
    """
    followed = {message.parent_id for message in transcript.messages}
    past = {message.metadata.get("continues") for message in transcript.messages} - followed
    siblings = transcript.siblings()
    lanes = {message.id: message.metadata["lane"] for message in transcript.messages if message.metadata.get("lane")}
    if lanes:  # models that were compared, in the order of their columns, whichever ended first
        siblings = {
            at: tuple(sorted(ids, key=lambda id_: lanes.get(id_, len(lanes) + 1))) for at, ids in siblings.items()
        }
    counted = {at: tuple(id_ for id_ in ids if id_ == at or id_ not in past) for at, ids in siblings.items()}
    return {at: ids for at, ids in counted.items() if len(ids) > 1}


def can_go_on(message: Message) -> bool:
    """Whether this is a reply that ended before its end, with a text that a model may still add to."""
    status = message.metadata.get("status", "completed")
    reason = message.metadata.get("finish_reason")
    # What a filter ended would end at the same word again.
    is_cut = reason != "content_filter" and (status in RETRYABLE or (status == "completed" and reason == "length"))
    has_room = bool(message.content.strip()) and len(message.content) < settings.CHAT_MAX_REPLY_LENGTH
    return message.role == "assistant" and is_cut and has_room and _is_by_a_model(message.metadata.get("backend", ""))


def _is_by_a_model(backend: str) -> bool:
    """False for rules. Of a connection that is gone nothing is known; another model may go on in its place."""
    try:
        return backend not in settings.CHAT_BACKENDS or get_backend(backend).is_language_model
    except ChatError:
        return True


def message_view(
    message: Message,
    conversation_id: str,
    *,
    model_label: str = "",
    is_last: bool = True,
    is_beside: bool = False,
    with_html: bool = True,
) -> MessageView:
    """`with_html` False leaves the rendering out, for those who need only what stands around the text."""
    data = message.metadata
    status = data.get("status", "completed")
    is_reply = message.role == "assistant"
    lane = data.get("lane", 0)
    return MessageView(
        id=message.id,
        role=message.role,
        text=message.content,
        html=render(message.content, message.id) if is_reply and with_html else SafeString(""),
        reasoning=data.get("reasoning", "") if is_reply else "",
        reasoning_ms=data.get("reasoning_ms"),
        status=status,
        error=data.get("error", ""),
        notice=notice(data) if is_reply else "",
        substitution=substitution(data) if is_reply and message.content else "",
        model_label=model_label,
        generation_id=data.get("generation", "") if status == "in_progress" else "",
        conversation_id=conversation_id,
        waiting=waiting_for(data.get("backend", "")) if status == "in_progress" else "",
        is_last=is_last,
        is_cut=can_go_on(message),
        lane=lane,
        is_beside=is_beside,
        question_id=message.parent_id or "" if lane and is_last and not is_beside else "",
        sources=source_views(data.get("sources")) if is_reply else (),
        measures=measures(data) if is_beside else (),
    )


def source_views(given: Any) -> tuple[SourceView, ...]:
    """As a document holds them, which may be anybody's. The host always shows: a title may claim to be another."""
    views = []
    for source in clean_sources(given):
        url = source.get("url", "")
        host = host_of(url).removeprefix("www.")
        views.append(SourceView(source.get("title") or host, url, "" if source.get("title", host) == host else host))
    return tuple(views)


def footer_html(view: MessageView) -> str:
    """What stands under a finished reply: its error, Retry, Copy."""
    return render_to_string("conversations/_message_footer.html", {"message": view})
