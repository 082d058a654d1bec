"""Who may embed: origins as they stand in `frame-ancestors`, and nothing that would mean more than it seems to."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# A scheme, a host, perhaps a port. No wildcard, no path, no bare scheme: each of those lets in more than was meant.
ORIGIN = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?")
LOCAL = re.compile(r"http://(?:localhost|127\.0\.0\.1)(?::\d{1,5})?")
MOST_ORIGINS = 20


def clean_origins(text: str) -> list[str]:
    """The origins in a text, one on each line. Raises ValidationError, naming the line."""
    origins = [line.strip().lower().removesuffix("/") for line in text.splitlines() if line.strip()]
    for origin in origins:
        if not ORIGIN.fullmatch(origin) and not LOCAL.fullmatch(origin):
            sentence = _(
                "“%(origin)s” is not the address of a site. Write it like https://www.example.org, without a path."
            )
            raise ValidationError(sentence, params={"origin": origin})
    if len(origins) > MOST_ORIGINS:
        raise ValidationError(_("At most %(count)d sites can embed it."), params={"count": MOST_ORIGINS})
    return origins
