"""How templates ask for what the owner of the site has chosen."""

from __future__ import annotations

from django import template

from chatsite.branding.buttons import INDISPENSABLE, LABELS
from chatsite.branding.current import known

register = template.Library()


@register.simple_tag
def button(name: str) -> str:
    """What stands on a button; empty if it is switched off: `{% button "copy" as label %}{% if label %}…{% endif %}`.

    Raises KeyError for what is no button.
    """
    branding, usual = known(), LABELS[name]
    if name in branding.off and name not in INDISPENSABLE:
        return ""
    return branding.label(name) or str(usual)


@register.simple_tag
def site_text(kind: str) -> str:
    """A SiteText in the reader's language; empty where nothing was written."""
    return known().text(kind)
