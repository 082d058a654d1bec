"""The cast: alice owns, bob is a stranger. The stage: real servers on loopback."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.utils import translation

from chatsite.branding import current as branding
from conversations import services, streaming
from conversations.backends import get_backend
from conversations.streaming import executors
from tests.live import serve

pytest_plugins = ["tests.s3_server", "tests.redis_server"]
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True, scope="session")
def _translations():
    call_command("compilemessages", verbosity=0)


@pytest.fixture(autouse=True)
def _no_branding_yet():
    """Nor is the database asked for it before a test writes there."""
    branding.reset()


@pytest.fixture(autouse=True)
def _own_language():
    """A request in another language leaves it to the thread that asked."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _no_attempts_yet():
    """Limits on log-ins count in the cache, which tests share."""
    cache.clear()


@pytest.fixture(autouse=True)
def _no_work_left_over(request):
    """What a request of Django's test client began goes on in threads when its loop is gone: the database is emptied
    after that. The database comes first here, so that it goes last."""
    if name := next(filter({*request.fixturenames}.__contains__, ("transactional_db", "db")), None):
        request.getfixturevalue(name)
    yield
    _wait(executors._database, executors.DATABASE_THREADS)
    _wait(executors._store, executors.STORE_THREADS)


def _wait(pool: ThreadPoolExecutor, threads: int, seconds: float = 10.0) -> None:
    """Until every thread of the pool is here at once, or one of them hangs as its test wished."""
    everybody = Barrier(threads + 1, timeout=seconds)

    def arrive() -> None:
        with suppress(BrokenBarrierError):
            everybody.wait()

    for _ in range(threads):
        pool.submit(arrive)
    arrive()


@pytest.fixture
def alice(db, django_user_model):
    return django_user_model.objects.create_user("alice", "alice@example.com", PASSWORD)


@pytest.fixture
def bob(db, django_user_model):
    return django_user_model.objects.create_user("bob", "bob@example.com", PASSWORD)


@pytest.fixture
def admin(db, django_user_model):
    return django_user_model.objects.create_superuser("admin", "admin@example.com", PASSWORD)


@pytest.fixture
def scripted(settings):
    """A fresh scripted backend, under the alias "scripted"."""
    settings.CHAT_BACKENDS = dict(settings.CHAT_BACKENDS)  # the signal of a changed setting forgets old instances
    return get_backend("scripted")


@pytest.fixture
def catalogue(transactional_db, scripted):
    """The models to choose from; transactional, because replies are written by other threads."""
    services.seed_catalogue()
    return {model.backend: model for model in services.available_models()}


@pytest.fixture
async def engine(catalogue):
    """The live path inside the test's own event loop; at the end everything is settled."""
    yield streaming.current_writer()
    await streaming.shutdown()


@pytest.fixture
def site(catalogue):
    """The whole site on a real port, in a thread: its address."""
    with serve() as address:
        yield address


def pytest_addoption(parser):
    parser.addoption("--database-only", action="store_true", help="run only the tests that reach the database")


def pytest_collection_modifyitems(config, items):
    """On another database, what never asks it anything has nothing new to say."""
    if config.getoption("--database-only"):
        kept = [item for item in items if _reaches_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept


def _reaches_database(item) -> bool:
    return bool({"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))) or any(
        item.iter_markers("django_db")
    )
