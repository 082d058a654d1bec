"""How templates ask for what the owner of the site has chosen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from django import template
from django.utils.translation import get_language

from chatsite.branding.buttons import INDISPENSABLE, LABELS
from chatsite.branding.current import Branding, known

register = template.Library()


@register.simple_tag
def buttons() -> Mapping[str, str]:
    """What stands on the buttons; empty for those that are switched off. One tag, for it stands in each message:

    {% buttons as button %}{% if button.copy %}…{{ button.copy }}…{% endif %}
    """
    return _labels(known(), get_language())


@lru_cache(maxsize=8)
def _labels(branding: Branding, language: str | None) -> Mapping[str, str]:
    """`language` is the one that is spoken: the labels are made once for each."""
    off = branding.off - INDISPENSABLE
    return {name: "" if name in off else branding.label(name) or str(usual) for name, usual in LABELS.items()}


@register.simple_tag
def site_text(kind: str) -> str:
    """A SiteText in the reader's language; empty where nothing was written."""
    return known().text(kind)
