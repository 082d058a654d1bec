"""What tests of outages share: a page that a person has open, and a database behind a cable."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.db import connections

from tests.conftest import PASSWORD
from tests.faults.cable import Cable
from tests.serving import Answer, Visitor

PATIENCE = 30.0  # seconds; a guard against hanging, far above what anything here takes


class Person(Visitor):
    """Somebody with a page of the site open: forms carry the token and the key of that page, as a browser's do."""

    @classmethod
    def logged_in(cls, site: str, name: str = "alice") -> Person:
        """As soon as the site lets them in: with little patience a busy machine looks to it like an outage."""
        person = cls(urlsplit(site).port)
        eventually(lambda: person.log_in(name, PASSWORD).status == 302)
        return person

    def composer(self, path: str = "/") -> dict[str, str]:
        """The fields of the composer on a page."""
        page = self.get(path).text
        return {name: _field(page, name) for name in ("csrfmiddlewaretoken", "parent_id", "key")}

    def send(self, form: dict[str, str], text: str, path: str = "/send/", **headers: str) -> Answer:
        return self.post(path, form | {"content": text}, **headers)


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"No field {name} on the page: {page[:500]}"
    return found[1]


def eventually(look: Callable[[], object]) -> object:
    """What `look` returns, once it is true."""
    give_up = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < give_up, "It never came to be."
        time.sleep(0.05)
    return found


def is_normal(person: Visitor, path: str = "/") -> Callable[[], bool]:
    return lambda: person.get(path).status == 200


@contextmanager
def cabled_postgres() -> Iterator[Cable]:
    """All connections that the site opens from now on go through a cable; the test's own, opened before, does not."""
    database = connections["default"]
    database.ensure_connection()
    known = database.settings_dict["HOST"], database.settings_dict["PORT"]
    info = database.connection.info
    upstream = f"{info.host}/.s.PGSQL.{info.port}" if info.host.startswith("/") else (info.host, info.port)
    with Cable(upstream) as cable:
        database.settings_dict.update(HOST=cable.address[0], PORT=str(cable.port))
        try:
            yield cable
        finally:
            cable.heal()
            database.settings_dict.update(HOST=known[0], PORT=known[1])
