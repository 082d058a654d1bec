"""A service that hangs is asked now and then; what was lost while it hung does not make it hang again."""

from __future__ import annotations

import time

from conversations.outage import Outage


def test_while_it_hangs_only_one_question_passes_in_every_pause():
    outage = Outage("A service", pause=1000)
    assert outage.lets_pass()
    outage.began(time.monotonic())
    assert not outage.lets_pass()


def test_once_it_answers_everybody_passes():
    outage = Outage("A service", pause=0)
    outage.began(time.monotonic())
    assert outage.lets_pass()
    outage.ended()
    assert all(outage.lets_pass() for _ in range(3))


def test_a_question_that_was_lost_in_an_outage_that_ended_begins_none():
    outage = Outage("A service", pause=1000)
    lost = time.monotonic()
    outage.began(time.monotonic())
    outage.ended()
    outage.began(lost)
    assert outage.lets_pass()
    outage.began(time.monotonic())
    assert not outage.lets_pass()
