"""A picture that somebody uploads: what it is, by its first bytes, and whether it may be shown."""

from __future__ import annotations

from xml.etree import ElementTree

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MOST_BYTES = 200_000
SVG = "image/svg+xml"
_WRONG = _("This is no picture that browsers show. Take a PNG, JPEG, WebP or SVG file.")


def type_of(content: bytes) -> str:
    """Its media type. Raises ValidationError for what is too large, and for anything else."""
    if len(content) > MOST_BYTES:
        raise ValidationError(_("The picture is too large: at most 200 kB. A logo is shown small."))
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if _is_svg(content):
        return SVG
    raise ValidationError(_WRONG)


def _is_svg(content: bytes) -> bool:
    """Well-formed, and without a document type: one can hold entities that unfold to gigabytes."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\x00" in content:
        return False
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  no document type, so no entities
    except (ElementTree.ParseError, ValueError, LookupError):  # the last two: in an encoding that Python cannot read
        return False
    return root.tag == "{http://www.w3.org/2000/svg}svg"
