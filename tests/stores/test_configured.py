"""The store that the settings name."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conversations.stores import build_store, get_store
from conversations.stores.memory import MemoryStore
from conversations.types import Key, Transcript

MEMORY = {"BACKEND": "conversations.stores.memory.MemoryStore"}


class SlowToBegin(MemoryStore):
    def __init__(self):
        time.sleep(0.05)
        super().__init__()


def test_it_is_the_same_one_until_the_setting_changes(settings):
    settings.CONVERSATION_STORE = MEMORY
    store = get_store()
    store.save(Key("1", "a"), Transcript())
    assert get_store() is store
    settings.CONVERSATION_STORE = dict(MEMORY)
    assert get_store() is not store


def test_threads_that_ask_first_at_once_get_the_same_one(settings):
    settings.CONVERSATION_STORE = {"BACKEND": f"{__name__}.SlowToBegin"}
    with ThreadPoolExecutor(8) as pool:
        stores = set(pool.map(lambda _: get_store(), range(8)))
    assert len(stores) == 1


def test_options_reach_the_store():
    store = build_store({"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": {"bucket": "our-chats"}})
    assert store.options.bucket == "our-chats"


@pytest.mark.parametrize("name", ["database.DatabaseStore", "memory.MemoryStore", "s3.S3Store"])
def test_an_option_that_does_not_exist_is_named(name):
    with pytest.raises(TypeError, match="does not know these OPTIONS: colour"):
        build_store({"BACKEND": f"conversations.stores.{name}", "OPTIONS": {"colour": "green"}})
