"""What follows when something changes here."""

from __future__ import annotations

from django.db.models.signals import post_delete, post_save

from chatsite.branding import current
from chatsite.branding.models import Announcement, Button, Example, Site, SiteText

for _changed in (post_save, post_delete):
    for _model in (Announcement, Button, Example, Site, SiteText):
        _changed.connect(current.forget, sender=_model, dispatch_uid="chatsite.branding")
