"""Ask models something small, and tell in a sentence what works: `manage.py test_models`."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from contextlib import aclosing
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils.translation import gettext as _

from conversations.backends import aclose_all
from conversations.models import ChatModel
from conversations.services.probing import Probe, probe_all


class Command(BaseCommand):
    help = "Ask models of the catalogue something small, and tell in a sentence what works, and how fast."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="*", help="Labels or model ids; by default every model that can be chosen.")
        parser.add_argument("--connection", metavar="ALIAS", help="Only models of this connection.")

    def handle(self, *args: Any, **options: Any) -> None:
        models = _chosen(options["name"], options["connection"])
        probes = asyncio.run(self._test(models))
        if failed := sum(not found.works for found in probes):
            raise CommandError(_("%(failed)s of %(all)s do not work.") % {"failed": failed, "all": len(probes)})

    async def _test(self, models: list[ChatModel]) -> list[Probe]:
        found = []
        try:
            async with aclosing(probe_all(models)) as news:
                async for one in news:
                    if isinstance(one, Probe):
                        found.append(one)
                        self.stdout.write(one.sentence)
                    else:
                        self.stderr.write(one)
        finally:
            await aclose_all()
        return found


def _chosen(names: list[str], alias: str | None) -> list[ChatModel]:
    """Raises CommandError for a name that nothing has, and where there is nothing to test."""
    rows = ChatModel.objects.filter(backend=alias) if alias else ChatModel.objects.all()
    if not names:
        found = [row for row in rows if row.is_available]
        if not found:
            raise CommandError(_("There is no model to test. See what there is: manage.py sync_models"))
        return found
    found = list(rows.filter(Q(label__in=names) | Q(model_id__in=names)))
    known = {name for row in found for name in (row.label, row.model_id)}
    if unknown := [name for name in names if name not in known]:
        raise CommandError(
            _("The catalogue has no “%(name)s”. See what there is: manage.py sync_models") % {"name": unknown[0]}
        )
    return found
