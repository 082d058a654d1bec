"""Redis is cut off, or hangs: people log in all the same, and guessing stays limited."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.core.cache import caches

from tests.conftest import PASSWORD
from tests.faults.cable import Cable
from tests.faults.outages import Person, eventually
from tests.serving import Visitor

FAULTS = ["cut", "hang"]


@pytest.fixture
def cable(redis_server, settings):
    """Redis behind a cable, as the cache of the site."""
    with Cable(("127.0.0.1", redis_server.port)) as cable:
        location = f"redis://127.0.0.1:{cable.port}/0"
        options = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}
        settings.CACHES = {
            "default": {"BACKEND": "chatsite.cache.SharedCache", "LOCATION": location, "OPTIONS": options}
        }
        yield cable
        cable.heal()


@pytest.mark.parametrize("fault", FAULTS)
def test_people_log_in_while_redis_is_away(cable, site, alice, fault):
    getattr(cable, fault)()
    Person.logged_in(site)
    cable.heal()
    Person.logged_in(site)


@pytest.mark.parametrize("fault", FAULTS)
def test_guessing_is_limited_while_redis_is_away(cable, site, alice, fault):
    getattr(cable, fault)()
    guesser = Visitor(urlsplit(site).port)
    assert [guesser.log_in("alice", f"wrong {number}").status for number in range(5)] == [200] * 5
    answer = guesser.log_in("alice", PASSWORD)
    assert (answer.status, bool(answer.headers.get("retry-after"))) == (429, True)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_cache_is_shared_again_once_redis_is_back(cable, redis_server, fault):
    getattr(cable, fault)()
    cache = caches["default"]
    cache.set("word", "of this process")
    assert cache.get("word") == "of this process"
    cable.heal()
    eventually(lambda: cache.get("word") is None)  # what was only in memory is not there
    cache.set("word", "for all")
    assert caches.create_connection("default").get("word") == "for all"


def test_a_key_that_is_missing_is_missing_with_and_without_redis(cable):
    cache = caches["default"]
    with pytest.raises(ValueError, match="not found"):
        cache.incr("attempts")
    cable.cut()
    with pytest.raises(ValueError, match="not found"):
        cache.incr("attempts")
