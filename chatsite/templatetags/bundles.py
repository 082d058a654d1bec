"""Style sheets that a page needs together."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from chatsite.staticfiles import ManifestStorage

register = template.Library()


@register.simple_tag
def stylesheets(bundle: str) -> SafeString:
    """Links to a bundle of settings.STYLE_BUNDLES: to one file in production, to its parts in development."""
    names = [bundle] if isinstance(staticfiles_storage, ManifestStorage) else settings.STYLE_BUNDLES[bundle]
    return format_html_join("", '<link rel="stylesheet" href="{}">', ((static(name),) for name in names))
