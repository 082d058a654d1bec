"""What pages show of models that are compared: their answers, side by side, while none of them is kept."""

from __future__ import annotations

from dataclasses import dataclass

from conversations.presenting import MessageView, message_view
from conversations.types import Transcript


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers to the message `question_id`, a column for each model, in the order in which they were chosen."""

    question_id: str
    columns: tuple[MessageView, ...]

    @property
    def live_generation_id(self) -> str:
        """One of those still being written, or nothing."""
        return next((column.generation_id for column in self.columns if column.is_live), "")


def comparison(transcript: Transcript, conversation_id: str, question_id: str | None = None) -> Comparison | None:
    """What stands side by side below a message (by default the end that is shown); None if nothing does."""
    at = question_id or transcript.leaf or ""
    lanes = transcript.lanes(at)
    if not lanes:
        return None
    columns = (
        message_view(lane, conversation_id, model_label=lane.metadata.get("label", ""), is_beside=True)
        for lane in lanes
    )
    return Comparison(at, tuple(columns))
