"""The lists as the matcher has them: fresh within seconds, read by one query at most, never missing."""

from __future__ import annotations

import importlib
import logging
import threading
import time

import pytest
from django.apps import apps
from django.db import DatabaseError, connection

from chatsite.moderation import compiling, lists
from chatsite.moderation.filtering import judge
from chatsite.moderation.guard import ContentFilter
from chatsite.moderation.models import Term, TermList
from conversations import guards
from conversations.guards import Exchange
from tests.moderation.conftest import listed
from tests.serving import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = "damn"


@pytest.fixture(autouse=True)
def _fresh(no_lists):
    lists._known = None
    yield
    lists._known = None


def is_found(level: str = "standard") -> bool:
    lists.refresh()
    automaton = lists.automaton_for(level)
    return automaton is not None and bool(judge(automaton, TEXT).matches)


def test_without_an_enabled_list_there_is_nothing_to_do():
    lists.refresh()
    assert ContentFilter().open_reply(Exchange()) is None
    listed(TEXT)
    TermList.objects.update(enabled=False)
    assert not is_found()
    assert ContentFilter().open_reply(Exchange()) is None


def test_a_model_whose_level_is_off_has_no_filter_at_all():
    listed(TEXT)
    lists.refresh()
    assert ContentFilter().open_reply(Exchange(filter_level="standard")) is not None
    assert ContentFilter().open_reply(Exchange(filter_level="off")) is None


def test_strict_holds_what_standard_holds_and_more():
    listed(TEXT, level="strict")
    assert (is_found("standard"), is_found("strict")) == (False, True)
    Term.objects.update(level="standard")
    assert (is_found("standard"), is_found("strict")) == (True, True)


def test_lists_are_read_once_in_their_age(settings, django_assert_num_queries):
    settings.CHAT_FILTER_AGE = 3600.0
    listed(TEXT)
    with django_assert_num_queries(1):
        for _time in range(100):
            guards.prepare()
    assert is_found()


def test_what_another_process_changed_counts_once_the_age_is_over(settings):
    listed(TEXT)
    assert is_found()
    settings.CHAT_FILTER_AGE = 3600.0
    Term.objects.update(enabled=False)  # as it looks from here: no signal tells of it
    assert is_found()
    settings.CHAT_FILTER_AGE = 0.0
    assert not is_found()


def test_what_is_changed_in_this_process_counts_at_once(settings):
    settings.CHAT_FILTER_AGE = 3600.0
    assert not is_found()
    listed(TEXT)
    assert is_found()
    Term.objects.get().delete()
    assert not is_found()


def test_unchanged_lists_are_not_compiled_again():
    listed(TEXT)
    lists.refresh()
    first = lists.automaton_for("standard")
    lists.refresh()
    assert lists.automaton_for("standard") is first


@pytest.fixture
def held(monkeypatch):
    """Lists are compiled when this event is set: as if they were long."""
    gate, automata_of = threading.Event(), compiling.automata_of

    def slow(rows):
        assert gate.wait(10)
        return automata_of(rows)

    monkeypatch.setattr(compiling, "automata_of", slow)
    monkeypatch.setattr(compiling, "PATIENCE", 0.01)
    yield gate
    gate.set()
    if thread := lists._compiler._thread:
        thread.join(10)


def wait_until_found(text: str) -> None:
    until = time.monotonic() + 10
    while not judge(lists.automaton_for("standard"), text).matches:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_while_changed_lists_are_compiled_the_last_ones_count_and_nobody_waits(settings, request):
    settings.CHAT_FILTER_AGE = 3600.0
    listed(TEXT)
    assert is_found()
    gate = request.getfixturevalue("held")
    Term.objects.all().delete()
    listed("merger")
    began = time.monotonic()
    assert is_found()
    assert time.monotonic() - began < 5.0
    gate.set()
    wait_until_found("merger")
    assert not is_found()


def test_of_lists_that_change_while_others_are_compiled_the_newest_count_in_the_end(request):
    listed(TEXT)
    assert is_found()
    gate = request.getfixturevalue("held")
    for text in ("merger", "secret"):
        listed(text)
        lists.refresh()
    lists.refresh()  # reads what is under way already
    gate.set()
    wait_until_found("secret")
    assert len(judge(lists.automaton_for("standard"), "merger damn").matches) == 2


def test_who_tries_a_text_waits_for_the_newest_lists(request):
    listed(TEXT)
    assert is_found()
    gate = request.getfixturevalue("held")
    listed("merger")
    lists.refresh()
    threading.Timer(0.2, gate.set).start()
    lists.forget()
    lists.refresh(patience=30.0)
    assert judge(lists.automaton_for("standard"), "merger").matches


def test_lists_that_could_not_be_compiled_are_tried_again(monkeypatch, caplog):
    assert not is_found()
    automata_of = compiling.automata_of
    monkeypatch.setattr(compiling, "automata_of", lambda rows: 1 / 0)
    listed(TEXT)
    assert not is_found()
    assert "could not be compiled" in caplog.text
    monkeypatch.setattr(compiling, "automata_of", automata_of)
    lists.forget()
    assert is_found()


def broken(execute, sql, params, many, context):
    raise DatabaseError("away")


def test_while_the_database_is_away_the_last_lists_count():
    listed(TEXT)
    assert is_found()
    with connection.execute_wrapper(broken):
        assert is_found()


def test_nothing_passes_unfiltered_if_the_lists_were_never_read():
    with connection.execute_wrapper(broken), pytest.raises(DatabaseError):
        guards.prepare()


def test_an_entry_that_cannot_be_matched_is_left_out_and_told(caplog):
    listed(TEXT)
    Term.objects.create(list=TermList.objects.get(), text="(", kind="pattern")
    with caplog.at_level(logging.ERROR):
        assert is_found()
    assert "left out" in caplog.text


def test_deleting_the_rows_is_seen_as_well():
    listed(TEXT)
    assert is_found()
    TermList.objects.all().delete()
    assert not is_found()


def defaults():
    migration = importlib.import_module("chatsite.moderation.migrations.0002_defaults")
    migration.add(apps, None)


def test_the_lists_that_come_with_the_site_are_short_enabled_and_can_be_matched():
    defaults()
    assert set(TermList.objects.values_list("language", "enabled")) == {("en", True), ("vi", True)}
    assert Term.objects.count() < 60
    for term in Term.objects.select_related("list"):
        term.full_clean()
        lists.forget()
    lists.refresh()
    every = " . ".join(Term.objects.filter(level="standard").values_list("text", flat=True))
    assert len(judge(lists.automaton_for("standard"), every).matches) >= Term.objects.filter(level="standard").count()


INNOCENT = [
    "Scunthorpe, Penistone and Clitheroe; shitake or shiitake mushrooms; a mishit ball; assess the class; Dickens",
    "She took a cocktail, a Moby-Dick and a bass guitar on the A55 at 4:55. The damnation of Faust. Scrap it, Hancock.",
    'void *p = a->b[5]; assert(x != 0); printf("%5s\\n", ass1gn); if (a$$b) { fun(); } C++ as$ut',
    "Buổi sáng, tôi ăn bưởi và óc chó, rồi đi dự buổi lễ lớn ở Địch Vọng; anh Lộn nuôi lợn, các cụ đủ cả.",
    "Thịt, mịt, dịt, đít, lòn cúi, lớn lên; bùi ngùi, bồi hồi; đẻo, đèo, đẽo, cạc, cắc, các.",
    "Bà ấy bị cảm lạnh. Chết vì tiệt chủng. Mẹ hát bài kiếp sau. Đi điếm canh đê. Con đi chợ.",
    "Fucecchio is in Tuscany; Shitterton in Dorset; the Cuntz family name; Wank is a mountain.",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_the_lists_that_come_with_the_site_leave_innocent_texts_alone(text):
    defaults()
    lists.refresh()
    assert judge(lists.automaton_for("strict"), text).matches == ()


def test_the_guide_says_nothing_that_is_masked():
    defaults()
    lists.refresh()
    for language in ("en", "vi"):
        text = (ROOT / f"chatsite/guide/{language}.md").read_text(encoding="utf-8")
        assert judge(lists.automaton_for("strict"), text).matches == ()
