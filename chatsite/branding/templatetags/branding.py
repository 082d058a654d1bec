"""How templates ask for what the owner of the site has chosen."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from chatsite.branding.buttons import INDISPENSABLE, LABELS
from chatsite.branding.current import known

register = template.Library()


@dataclass(frozen=True, slots=True)
class ButtonLabel:
    """What stands on a button. False if the button is switched off."""

    text: str
    is_on: bool = True

    def __bool__(self) -> bool:
        return self.is_on

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> SafeString:
        return conditional_escape(self.text)


@register.simple_tag
def button(name: str) -> ButtonLabel:
    """`{% button "copy" as copy %}{% if copy %}…{{ copy }}…{% endif %}`. Raises KeyError for what is no button."""
    branding, usual = known(), LABELS[name]
    is_on = name in INDISPENSABLE or name not in branding.off
    return ButtonLabel(branding.label(name) or str(usual), is_on)


@register.simple_tag
def site_text(kind: str) -> str:
    """A SiteText in the reader's language; empty where nothing was written."""
    return known().text(kind)
