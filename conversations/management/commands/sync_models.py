"""Bring the catalogue in line with what the connections offer: `manage.py sync_models`."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from conversations.backends import aclose_all
from conversations.backends.offers import Offer
from conversations.models import ChatModel
from conversations.services import offering


class Command(BaseCommand):
    help = (
        "List what the connections offer, and bring the catalogue in line with it. Without --add, --all, --refresh or "
        "--disable-missing it only lists; + marks what people can choose already, - what is hidden."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("alias", nargs="*", help="Connections to ask; by default all.")
        parser.add_argument("--search", metavar="TEXT", default="", help="List only names that contain this.")
        parser.add_argument(
            "--add", metavar="ID", action="append", default=[], help="Add this model; may be given more than once."
        )
        parser.add_argument("--all", action="store_true", help="Add every model that is listed.")
        parser.add_argument("--refresh", action="store_true", help="Bring context sizes, prices and memory up to date.")
        parser.add_argument("--disable-missing", action="store_true", help="Hide models that are not offered any more.")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be done.")

    def handle(self, *args: Any, **options: Any) -> None:
        aliases = options["alias"] or list(settings.CHAT_BACKENDS)
        if unknown := [alias for alias in aliases if alias not in settings.CHAT_BACKENDS]:
            raise CommandError(
                _("There is no connection “%(alias)s”. Configured are: %(known)s.")
                % {"alias": unknown[0], "known": ", ".join(settings.CHAT_BACKENDS)}
            )
        answers = asyncio.run(_ask(aliases))
        wanted = set(options["add"])
        for answer in answers:
            if not answer.fault:
                wanted -= self._sync(answer, options)
        faults = [answer.fault for answer in answers if answer.fault]
        faults += [_("No connection offers “%(id)s”.") % {"id": model_id} for model_id in sorted(wanted)]
        if faults:
            raise CommandError("\n".join(faults))

    def _sync(self, answer: offering.Answer, options: dict[str, Any]) -> set[str]:
        """Do what was asked for with one connection. Returns the wanted names that it has."""
        found = answer.find(options["add"])
        acts = options["add"] or options["all"] or options["refresh"] or options["disable_missing"]
        if not acts:
            self._list(answer, options["search"])
        chosen = [offer for offer in answer.offers if options["all"] and _contains(offer, options["search"])]
        self._add(answer.alias, [*chosen, *(offer for offer in found if offer not in chosen)], options["dry_run"])
        if options["refresh"]:
            for model_id, news in offering.refresh_models(answer, pretend=options["dry_run"]).items():
                told = ", ".join(f"{name} {value}" for name, value in news.items())
                self._say(options, _("%(id)s: now %(news)s"), id=model_id, news=told)
        if options["disable_missing"]:
            self._hide(answer, options)
        return {offer.model_id for offer in found}

    def _list(self, answer: offering.Answer, search: str) -> None:
        known = offering.catalogue_of(answer.alias)
        shown = [offer for offer in answer.offers if _contains(offer, search)]
        self.stdout.write(
            _("%(label)s (%(alias)s) offers %(count)s:")
            % {"label": answer.label, "alias": answer.alias, "count": len(shown)}
        )
        for offer in shown:
            self.stdout.write(f"  {_mark(known.get(offer.model_id))} {_line(offer)}")

    def _add(self, alias: str, offers: list[Offer], is_dry: bool) -> None:
        if is_dry:
            known = offering.catalogue_of(alias)
            added = [o.model_id for o in offers if not (row := known.get(o.model_id)) or not row.enabled]
        else:
            added = [row.model_id for row in offering.add_models(alias, offers)] if offers else []
        for model_id in added:
            self._say({"dry_run": is_dry}, _("%(id)s: added from %(alias)s"), id=model_id, alias=alias)

    def _hide(self, answer: offering.Answer, options: dict[str, Any]) -> None:
        missing = offering.missing_models(answer)
        if not options["dry_run"]:
            offering.hide_models(missing)
        for model in missing:
            self._say(options, _("%(id)s: hidden, %(alias)s does not offer it"), id=model.model_id, alias=answer.alias)

    def _say(self, options: dict[str, Any], text: str, **values: str) -> None:
        line = text % values
        self.stdout.write(_("(dry run) %(line)s") % {"line": line} if options["dry_run"] else line)


async def _ask(aliases: list[str]) -> list[offering.Answer]:
    try:
        return await offering.ask_all(aliases, offering.COMMAND_PATIENCE)
    finally:
        await aclose_all()


def _contains(offer: Offer, search: str) -> bool:
    return search.lower() in f"{offer.model_id} {offer.fields['label']}".lower()


def _mark(row: ChatModel | None) -> str:
    if row is None:
        return " "
    return "+" if row.enabled else "-"


def _line(offer: Offer) -> str:
    size = offer.fields.get("context_size")
    told = [_("%(count)s tokens") % {"count": f"{size:,}"}] if size else []
    told += filter(None, (offer.fields.get("memory"), offer.fields.get("price")))
    return "  ".join([offer.model_id or _("(whatever it offers first)"), *told])
