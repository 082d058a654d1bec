"""What a server said instead of a reply: the many shapes of its errors, read into one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from conversations.backends.servers.context_refusal import ToldSizes, told_sizes

LONGEST_WAIT = 24 * 3600  # seconds

_CONTEXT = re.compile(
    r"context[ _-]?(length|size|window|limit)|maximum context|(prompt|input|conversation) is too long"
    r"|too many (input )?tokens|tokens.{0,40}must be <=|exceeds? the (available|maximum)|maximum prompt length"
    r"|reduce the length of the (messages|prompt)|exceeds? the (configured )?limit of|exceeded model token limit"
    r"|must have less than \d+ tokens|\btokens?\b.{0,40} is too large",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient.(quota|credits?|balance)|exceeded your (current quota|monthly)|billing", re.IGNORECASE
)
_NO_MODEL = re.compile(
    r"model.{0,120}(not found|not exist|not supported|unknown|not a valid)|model_not_", re.IGNORECASE | re.DOTALL
)
_FILTERED = re.compile(r"content[ _](filter|policy|management)|moderation", re.IGNORECASE)
_OUT_OF_MEMORY = re.compile(r"out of memory|OOM\b|requires more system memory", re.IGNORECASE)
_SYSTEM_ROLE = re.compile(
    r"system (role|message|prompt|instruction).{0,40}not (supported|allowed|enabled)|roles must alternate"
    r"|only user(,| and) assistant|not support.{0,20} system",
    re.IGNORECASE,
)
_UNKNOWN_FIELD = re.compile(r"support|unrecognized|unknown|unexpected|permitted|extra", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """`status` is HTTP's, or 0 for an error inside a stream that names none; `wait` in seconds, if told."""

    status: int
    message: str = ""
    code: str = ""
    wait: float | None = None
    is_from_api: bool = True
    """False for the page of a proxy or of another site."""

    @classmethod
    def from_response(cls, status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
        found = cls.from_error(content)
        wait = _retry_after(headers.get("Retry-After", "")) or found.wait
        return cls(status, found.message, found.code, wait, is_from_api=isinstance(content, dict | list))

    @classmethod
    def from_error(cls, content: Any) -> Refusal:
        """From an error object in any of the shapes: {"error": {…}}, {"error": "…"}, {"detail": …}, "…", [{…}]."""
        wait = None
        while isinstance(content, dict | list):
            if isinstance(content, list):
                content = content[0] if content else ""
                continue
            wait = wait or _seconds(content.get("estimated_time"))
            inner = content.get("error") or content.get("detail")
            if inner is None:
                return cls._from_fields(content, wait)
            content = inner
        return cls(0, str(content or ""), wait=wait)

    @classmethod
    def _from_fields(cls, fields: Mapping[str, Any], wait: float | None) -> Refusal:
        code = fields.get("code")
        status = code if isinstance(code, int) and 400 <= code < 600 else 0
        marks = (fields.get(name) for name in ("code", "type", "param", "loc"))
        message = fields.get("message") or fields.get("msg") or ""
        sizes = (f"{name}={fields[name]}" for name in ("n_ctx", "n_prompt_tokens") if name in fields)  # llama.cpp's
        return cls(status, str(message), " ".join(str(mark) for mark in (*marks, *sizes) if mark), wait)

    @property
    def is_context_too_long(self) -> bool:
        return self.status == 413 or (self.status in (0, 400, 422, 500) and self._says(_CONTEXT))

    @property
    def told_sizes(self) -> ToldSizes:
        """Of a prompt that is too long."""
        return told_sizes(self._text[:4000])

    @property
    def is_out_of_credit(self) -> bool:
        return self.status == 402 or (self.status in (0, 403, 429) and self._says(_NO_CREDIT))

    @property
    def is_model_unknown(self) -> bool:
        return self.status in (0, 400, 404, 422) and self._says(_NO_MODEL)

    @property
    def is_filtered(self) -> bool:
        return self.status in (0, 400, 403) and self._says(_FILTERED)

    @property
    def is_out_of_memory(self) -> bool:
        return (self.status == 0 or self.status >= 500) and self._says(_OUT_OF_MEMORY)

    @property
    def is_of_system_role(self) -> bool:
        """The model's chat template knows no system prompt ("System role not supported")."""
        return self.status in (0, 400, 422, 500) and self._says(_SYSTEM_ROLE)

    @property
    def is_loading(self) -> bool:
        return self.status == 503 and "loading" in self.message.lower()

    def names(self, field: str) -> bool:
        """Whether the request was refused because the server does not know this field: it can be left out then."""
        if self.status not in (400, 422) or self.is_context_too_long:
            return False
        if re.search(rf"\b{field}\b", self._text) is None:
            return False
        # stream_options asks for token counts only, so any complaint about it is reason enough.
        return field == "stream_options" or self._says(_UNKNOWN_FIELD)

    @property
    def _text(self) -> str:
        return f"{self.code} {self.message}"

    def _says(self, pattern: re.Pattern[str]) -> bool:
        return pattern.search(self._text[:4000]) is not None


def _seconds(value: Any) -> float | None:
    """A positive number of seconds, at most a day; None for anything else."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return min(seconds, LONGEST_WAIT) if seconds > 0 else None


def _retry_after(value: str) -> float | None:
    """The header in either of its forms: seconds, or a date."""
    seconds = _seconds(value)
    if seconds is not None or not value:
        return seconds
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return _seconds((at - datetime.now(UTC)).total_seconds())
