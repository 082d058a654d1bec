"""What a listed word is found in, and what it is not: the Scunthorpe problem, Vietnamese marks, disguises."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatsite.moderation.matching import Automaton, Rule, Scanner, automaton, problem_of


def found(text: str, *rules: Rule) -> list[str]:
    """The matched texts, each entry's longest ones."""
    scanner = Scanner(Automaton(rules))
    matches = (*scanner.feed(text), *scanner.finish())
    longest = {(match.rule.id, match.start): match.text for match in matches}
    assert [match.text for match in matches] == [text[match.start : match.end] for match in matches]
    return list(longest.values())


def word(text: str, language: str = "en") -> Rule:
    return Rule(1, text, language)


def pattern(text: str, language: str = "en") -> Rule:
    return Rule(1, text, language, "pattern")


@pytest.mark.parametrize(
    "text",
    [
        "shit", "Shit!", "“SHIT”", "(shit)", "_shit_", "**shit**", "shit-storm", "oh,shit.", "shit\nhappens",
    ],
)  # fmt: skip
def test_a_word_is_found_whole_in_any_case_and_whatever_stands_around_it(text):
    assert [match.lower() for match in found(text, word("shit"))] == ["shit"]


@pytest.mark.parametrize("text", ["shitake", "Scunthorpe", "mishit", "shit2go", "Shitij", "shi t", "s-h-i-t"])
def test_a_word_inside_another_is_none(text):
    assert found(text, word("shit"), Rule(2, "cunt")) == []


@pytest.mark.parametrize(
    "text",
    [
        "shíţ", "ŝhît", "s\u0301h\u0301i\u0301t\u0301", "shit\u0336",  # accents and strokes
        "ѕһіт", "shıt", "SНIТ", "shιτ",  # Cyrillic and Greek
        "ｓｈｉｔ", "𝓼𝓱𝓲𝓽", "ⓢⓗⓘⓣ", "🅢🅗🅘🅣", "ꜱʜɪᴛ", "sh𝚰t",  # width and style
        "sh1t", "$h!t", "5hit", "sh|t", "shi+",  # digits and signs
        "s\u200bh\u200ci\u200dt", "s\u00adhit", "\ufeffshit", "s\u2060hi\u034ft", "shi\ufe0ft",  # invisible
        "s\u202ehit",
    ],
)  # fmt: skip
def test_no_disguise_hides_an_english_word(text):
    assert len(found(f"oh {text} no", word("shit"))) == 1


@pytest.mark.parametrize("text", ["A55", "455", "the 5417 bus", "4 55", "155"])
def test_a_number_is_no_word_in_disguise(text):
    assert found(text, word("ass"), Rule(2, "shit")) == []


def test_a_listed_number_is_one():
    assert found("call 1488 now", word("1488")) == ["1488"]


@pytest.mark.parametrize("text", ["kill myself", "Kill\nmyself", "kill  *myself*", "kill-myself", "ｋｉｌｌ myself"])
def test_a_phrase_is_found_with_whatever_joins_its_words(text):
    assert len(found(text, word("kill myself"))) == 1


@pytest.mark.parametrize("text", ["to kill. Myself, I would not", "killmyself", "kill him myself"])
def test_a_phrase_does_not_reach_over_a_full_stop_or_another_word(text):
    assert found(text, word("kill myself")) == []


@pytest.mark.parametrize("others", ["dịt đit dit đít đỉt đìt địch địtt dit̀", "Đít ĐIT"])
def test_a_vietnamese_word_with_marks_is_no_word_without_them_or_with_others(others):
    assert found(others, word("địt", "vi")) == []


def test_a_vietnamese_word_without_marks_is_no_word_with_them():
    assert found("dù dủ dư đu dứ dử", word("du", "vi")) == []
    assert found("lớn lòn lôn lốn lon", word("lồn", "vi")) == []
    assert found("buổi bưởi buôi bùi", word("buồi", "vi")) == []


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("listed", ["lồn", "địt", "ngộ nghĩnh", "cặc", "ưỡn ẹo"])
def test_composed_and_decomposed_vietnamese_are_the_same(form, listed):
    for listed_form in ("NFC", "NFD"):
        rule = word(unicodedata.normalize(listed_form, listed), "vi")
        assert len(found(unicodedata.normalize(form, listed.upper()), rule)) == 1


def test_marks_may_come_in_either_order():
    assert found("lo\u0302\u0300n lo\u0300\u0302n", word("lồn", "vi")) == ["lo\u0302\u0300n", "lo\u0300\u0302n"]


@pytest.mark.parametrize(("old", "new"), [("hòa", "hoà"), ("khỏe", "khoẻ"), ("thúy", "thuý"), ("hóa học", "hoá học")])
def test_a_tone_on_either_vowel_is_the_same_word(old, new):
    for listed in (old, new):
        assert found(f"{old} {new}", word(listed, "vi")) == [old, new]


def test_another_tone_on_either_vowel_is_another_word():
    assert found("hóa hoá hoa hỏa họa hòan", word("hòa", "vi")) == []


@pytest.mark.parametrize("text", ["đ\u200bịt", "ðịt", "ĐỊТ", "đi\u0323t", "địẗ", "đị\u0308t", "ɖịt", "đ1\u0323t"])
def test_no_disguise_hides_a_vietnamese_word(text):
    assert len(found(text, word("địt", "vi"))) == 1


def test_in_other_languages_a_word_is_found_as_it_is_written():
    assert found("schön schon SCHÖN scho\u0308n", word("schön", "other")) == ["schön", "SCHÖN", "scho\u0308n"]
    assert found("Вор вор ворон", word("вор", "other")) == ["Вор", "вор"]


def test_each_language_keeps_its_own_rules_in_one_automaton():
    rules = [Rule(1, "du", "vi"), Rule(2, "damn", "en"), Rule(3, "schön", "other")]
    assert found("dù du dámn schon schön", *rules) == ["du", "dámn", "schön"]


@pytest.mark.parametrize(
    ("expression", "text", "matches"),
    [
        (r"\b\d{4}[- ]?\d{4}\b", "at 1234-5678, 12345678 or 123456789", ["1234-5678", "12345678"]),
        (r"colou?r", "Color colour coulor", ["Color", "colour"]),
        (r"\bgr(e|a)y\b", "gray grey groy greyish", ["gray", "grey"]),
        (r"[a-c]x+", "bxxx dx", ["bxxx"]),
        (r"[A-C]y", "ay Cy dy", ["ay", "Cy"]),
        (r"x[^a-z]y", "xay x-y x1y", ["x-y", "x1y"]),
        (r"a.c", "abc a\nc aéc", ["abc", "aéc"]),
        (r"\b(ab){2,3}", "ab abab ababab", ["abab", "ababab"]),
        (r"n[oô]i", "nói noi", ["nói", "noi"]),
        (r"\w+@\w+\.com", "me@example.com", ["me@example.com"]),
    ],
)
def test_patterns_mean_what_regular_expressions_mean(expression, text, matches):
    assert found(text, pattern(expression)) == matches


def test_vietnamese_patterns_keep_marks_apart():
    assert found("nói noi nôi nối", pattern(r"\bn[oô]i\b", "vi")) == ["noi", "nôi"]


def test_a_pattern_has_no_disguise_of_digits():
    assert found("l33t leet", pattern(r"\bleet\b")) == ["leet"]


@pytest.mark.parametrize(
    "expression",
    [
        r"(a)\1",
        r"x(?=y)",
        r"(?<!x)y",
        "^a",
        "a$",
        "a*",
        "(a?)(b?)",
        "[",
        "(",
        "a{300}",
        "(a{20}){20}",
        "((a|b|c|d|e){1,40}){5}",
        r"(a|b)*a(a|b){14}",
    ],
)
def test_a_pattern_that_an_automaton_cannot_do_is_told_in_a_sentence(expression):
    assert problem_of(pattern(expression)).endswith(".")


@pytest.mark.parametrize("text", ["!!!", "  ", "\u200b", "a|b", "#tag", "/x", "a" * 101])
def test_a_word_that_cannot_be_found_is_told_in_a_sentence(text):
    assert problem_of(word(text)).endswith(".")


@pytest.mark.parametrize("expression", [r"(a+)+b", r"(\w+\s?)*!", r"(a|aa)+c", r"([a-z]+)*\d"])
def test_patterns_that_hang_other_engines_are_matched_in_a_straight_line(expression):
    """Doubling the text doubles the steps; the states stay few. With backtracking, forty letters would take years."""
    assert problem_of(pattern(expression)) == ""
    automaton = Automaton([pattern(expression)])
    scanner = Scanner(automaton)
    scanner.feed("a" * 20_000)
    assert len(automaton._states) < 50


def test_no_text_fills_the_memory(monkeypatch):
    rules = [word("shit"), Rule(2, r"[a-z]{1,30}x\w{1,20}y", "en", "pattern")]
    text = "".join(map(chr, range(0x4E00, 0x9FFF))) + "ax" * 500 + "y shit " + "".join(map(chr, range(0x400, 0x500)))
    roomy = Scanner(Automaton(rules))
    expected = (*roomy.feed(text), *roomy.finish())
    monkeypatch.setattr(automaton, "MOST_STATES", 20)
    monkeypatch.setattr(automaton, "MOST_CHARACTERS", 100)
    bounded = Automaton(rules)
    scanner = Scanner(bounded)
    for place in range(0, len(text), 50):
        scanner.feed(text[place : place + 50])
        assert len(bounded._states) <= 21
        assert len(bounded) <= 101
    assert len(bounded._symbols) < 100
    again = Scanner(Automaton(rules))
    assert (*again.feed(text), *again.finish()) == expected


def test_states_of_long_lists_are_kept_from_one_message_to_the_next(monkeypatch):
    monkeypatch.setattr(automaton, "MOST_STATES", 100)
    words = ["".join(letters) for letters in itertools.product("bdfgk", "aeou", "lmnr", "aeou")]
    made = Automaton([word(each) for each in words])
    nearly = " ".join(each[:-1] for each in words)
    before = made.starts
    for _message in range(2):
        scanner = Scanner(made)
        assert (*scanner.feed(nearly), *scanner.finish()) == ()
    assert made.starts is before
    assert len(made._states) > 100, "or this says nothing"


WORDS = [
    Rule(1, "shit"),
    Rule(2, "kill myself"),
    Rule(3, "địt", "vi"),
    Rule(4, "hòa", "vi"),
    Rule(5, r"\b\d{3,5}\b", "en", "pattern"),
]
PIECES = [
    "shit",
    "sh",
    "it",
    "kill",
    " ",
    "myself",
    "địt",
    "đi",
    "\u0323",
    "t",
    "hoà",
    "123",
    "45",
    "\u200b",
    ".",
    "x",
    "\n",
]
ONE_FOR_ALL = Automaton(WORDS)


@settings(deadline=None)  # no timed tests
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30))
def test_wherever_a_text_is_cut_the_same_is_found(pieces):
    whole = Scanner(ONE_FOR_ALL)
    expected = (*whole.feed("".join(pieces)), *whole.finish())
    cut, seen = Scanner(ONE_FOR_ALL), ()
    for piece in pieces:
        seen += cut.feed(piece)
    assert (*seen, *cut.finish()) == expected
