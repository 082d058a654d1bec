"""Texts that come in pieces: nothing that matches leaves in parts, and nothing else is changed or kept waiting."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from chatsite.moderation.filtering import MASK, FilteredReply, judge
from chatsite.moderation.matching import LONGEST_MATCH, Automaton, Rule

SHIT, PHRASE, DIT = Rule(1, "shit"), Rule(2, "kill myself"), Rule(3, "địt", "vi")
STOP = Rule(4, "secret plan", action="refuse")
FLAG = Rule(5, "flagged word", action="flag")
DIGITS = Rule(6, r"\b\d{3,}\b", "en", "pattern")
MASKING = Automaton([SHIT, PHRASE, DIT, DIGITS])
ALL = Automaton([SHIT, PHRASE, DIT, DIGITS, STOP, FLAG])
PIECES = [
    "shit", "sh", "i", "t", "kill", " ", "my", "self", "địt", "đi\u0323", "t", "12", "3", "secret", " plan", "flagged",
    " word", "\u200b", ".", "\n", "x", "Scunthorpe", "secre",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25)


class Reply:
    """A filtered reply, what readers saw of it, and what was noted."""

    def __init__(self, automaton: Automaton, said: str = "", *, keeps_text: bool = False):
        self.noted: list[tuple[str, str]] = []
        self.guard = FilteredReply(
            automaton, said, lambda match, around: self.noted.append((match.text, around)), keeps_text=keeps_text
        )
        self.shown: list[str] = []

    def feed(self, *pieces: str) -> Reply:
        for piece in pieces:
            self.shown.append(self.guard.feed(piece))
        return self

    @property
    def whole(self) -> str:
        self.shown.append(self.guard.finish())
        return "".join(self.shown)


@settings(deadline=None)  # no timed tests
@given(TEXTS)
def test_what_readers_see_does_not_depend_on_the_pieces(pieces):
    text = "".join(pieces)
    whole, single, cut = Reply(ALL).feed(text), Reply(ALL).feed(*text), Reply(ALL).feed(*pieces)
    assert whole.whole == single.whole == cut.whole
    assert whole.noted == single.noted == cut.noted
    assert bool(whole.guard.refusal) == bool(single.guard.refusal) == bool(cut.guard.refusal)


@settings(deadline=None)  # no timed tests
@given(TEXTS)
def test_a_masked_stream_is_the_whole_text_masked(pieces):
    assert Reply(MASKING).feed(*pieces).whole == judge(MASKING, "".join(pieces)).text


@settings(deadline=None)  # no timed tests
@given(TEXTS)
def test_no_match_is_left_in_what_readers_saw(pieces):
    shown = Reply(MASKING).feed(*pieces).whole
    assert judge(MASKING, shown).matches == ()


@settings(deadline=None)  # no timed tests
@given(TEXTS)
def test_at_no_moment_have_readers_seen_a_part_of_a_match(pieces):
    """What was shown at any moment is the beginning of the masked whole: no letter was taken back or came too early."""
    masked = judge(MASKING, "".join(pieces)).text
    reply = Reply(MASKING).feed(*pieces)
    shown = ""
    for piece in reply.shown:
        shown += piece
        assert masked.startswith(shown)


@settings(deadline=None)  # no timed tests
@given(st.lists(st.text(alphabet="abcdefg àéệ漢🙂\n*_`", max_size=8), max_size=20))
def test_what_matches_nothing_passes_unchanged_and_at_once(pieces):
    reply = Reply(ALL)
    for piece in pieces:
        assert reply.feed(piece).shown[-1] == piece
    assert reply.whole == "".join(pieces)


def test_text_is_held_back_only_while_it_may_become_a_match():
    reply = Reply(ALL).feed("oh s", "h", "ip", " is", " shi", "t", "ake", " shit", "!", " end")
    assert reply.shown == ["oh ", "", "ship", " is", " ", "", "shitake", " ", f"{MASK * 4}!", " end"]


def test_what_is_only_flagged_waits_for_nothing():
    reply = Reply(Automaton([FLAG])).feed("a flag", "ged", " wor", "d", " more")
    assert reply.shown == ["a flag", "ged", " wor", "d", " more"]
    assert reply.noted == [("flagged word", "")]


def test_a_refusal_ends_the_reply_before_the_match():
    reply = Reply(ALL).feed("Here is the sec", "ret", " pl", "an: do", " it", " now")
    assert reply.whole == "Here is the "
    assert reply.guard.refusal.message == "The answer was stopped by this site's content filter."


def test_a_refusal_at_the_very_end_is_found_too():
    reply = Reply(ALL).feed("the secret plan")
    assert (reply.whole, bool(reply.guard.refusal)) == ("the ", True)


def test_a_refusal_inside_of_what_may_still_be_masked_shows_nothing_of_either():
    both = Automaton([Rule(1, "the secret plan of ours"), STOP])
    for pieces in (["see the secret plan", " is"], ["see the secret plan"], list("see the secret plan is")):
        assert Reply(both).feed(*pieces).whole == "see "


def test_what_is_masked_before_a_refusal_stays_masked():
    assert Reply(ALL).feed("shit, a secret plan").whole == f"{MASK * 4}, a "


def test_a_masked_phrase_keeps_its_spaces_and_loses_what_cannot_be_seen():
    assert Reply(MASKING).feed("I kill my\u200bself.").whole == f"I {MASK * 4} {MASK * 6}."
    assert Reply(MASKING).feed("đi\u0323t!").whole == f"{MASK * 3}!"


def test_the_mask_is_no_markdown():
    from conversations.rendering import render

    assert render(f"{MASK * 3}\n\n{MASK * 4} and {MASK * 4}").count("<p>") == 2
    assert "<strong>" not in render(f"{MASK * 4} and {MASK * 4}")


def test_severity_wins_where_matches_overlap():
    both = Automaton([Rule(1, "oh shit yes", action="flag"), SHIT])
    assert judge(both, "oh shit yes").text == f"oh {MASK * 4} yes"
    refusing = Automaton([Rule(1, "kill", action="flag"), Rule(2, "kill myself", action="refuse")])
    assert judge(refusing, "kill myself").refusal.rule.id == 2


def test_a_match_that_began_in_the_text_that_is_continued_is_not_completed():
    assert Reply(MASKING, "oh sh").feed("it", " no").whole == f"{MASK * 2} no"
    stopped = Reply(ALL, "the secret pl").feed("an b")
    assert (stopped.whole, bool(stopped.guard.refusal)) == ("", True)


def test_what_stands_in_the_text_that_is_continued_is_not_judged_again():
    reply = Reply(ALL, "the secret plan").feed(" goes on")
    assert (reply.whole, reply.noted) == (" goes on", [])


def test_a_word_that_goes_on_in_the_new_text_is_no_match():
    assert Reply(MASKING, "shit").feed("ake").whole == "ake"


def test_each_entry_is_noted_once_in_a_reply():
    reply = Reply(MASKING).feed("shit shit", " shit. 1234", " shit 567")
    assert reply.whole.count(MASK) == 4 * 5 + 3
    assert [text for text, _around in reply.noted] == ["shit", "1234"]


def test_the_text_around_a_hit_is_kept_only_where_it_is_wanted():
    kept = Reply(MASKING, "Before. ", keeps_text=True).feed("And then ", "sh", "it", " happened")
    assert (kept.whole and kept.noted == [("shit", "Before. And then shit happened")]) or kept.noted[0][1].endswith(
        "shit"
    )
    assert Reply(MASKING).feed("shit ").noted == [("shit", "")]


def test_what_might_become_a_match_for_ever_is_held_only_as_long_as_a_match_may_be():
    reply = Reply(Automaton([Rule(1, "x.*y", "en", "pattern")]))
    assert reply.feed("x", "a" * (LONGEST_MATCH - 2), "bb", " and so on").shown[1:] == [
        "",
        f"x{'a' * (LONGEST_MATCH - 2)}bb",
        " and so on",
    ]


def test_any_number_of_invisible_characters_is_no_way_around():
    hidden = "\u200b".join("shit") + "\u200b" * 1_000
    spread = ("\u200b" * 1_000).join("shit")
    assert Reply(MASKING).feed(*f"{hidden} {spread}.").whole.count(MASK) == 8
