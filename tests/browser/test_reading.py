"""An answer as it is read: mathematics, tables, notes, links, code, right to left; and the way through a long chat."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from conversations.types import Delta
from tests.browser.test_accessible import found
from tests.browser.test_page import HTML_OF, ask, at_end, conversation_of

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
MATHEMATICS = r"""It costs $5 and $6, and `$x$` is code.

The solutions of $ax^2 + bx + c = 0$ are
$$
x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
$$
and \(a \neq 0\).

\[
\begin{aligned}
a &= b \\
- c &= d
\end{aligned}
\]

Not known: $\unknown{x}$[^1].

[^1]: A *note*, with $y$
"""
COLUMNS = 14
ROW = "|" + "|".join(f" a cell in column {number} " for number in range(COLUMNS)) + "|\n"
TABLE = ROW + "|---" * COLUMNS + "|\n" + ROW * 60
LONG = "\n\n".join(f"Paragraph {number} of an answer that is longer than the window." for number in range(40))


@pytest.fixture
def page(visits, site, alice, cookies_of):
    return cookies_of(visits.window(site), site, alice)


@pytest.fixture
def phone(visits, site, alice, cookies_of):
    return cookies_of(visits.window(site, **PHONE), site, alice)


def answered(page, alice, answer):
    """A chat with this answer, open."""
    page.goto(f"/c/{conversation_of(alice, 'Question', answer).pk}/")
    return page.locator("article.assistant .prose")


def test_mathematics_is_drawn_live_and_after_a_reload_alike(page, scripted):
    scripted.enqueue(*[MATHEMATICS[start : start + 5] for start in range(0, len(MATHEMATICS), 5)])
    page.goto("/")
    ask(page, "Solve it")
    prose = page.locator("article.assistant[data-status=completed] .prose")
    expect(prose.locator("math")).to_have_count(5)
    live = prose.evaluate(HTML_OF)
    page.reload()
    assert prose.evaluate(HTML_OF) == live
    expect(prose).to_contain_text("It costs $5 and $6, and $x$ is code.")
    expect(prose.locator("code.tex")).to_have_text("$\\unknown{x}$")
    fraction = prose.locator("mfrac").bounding_box()
    assert fraction["height"] > prose.locator("mi").first.bounding_box()["height"]
    lefts = prose.locator("mtd mo", has_text="=").evaluate_all(
        "all => all.map(e => Math.round(e.getBoundingClientRect().left))"
    )
    assert len(lefts) == 2
    assert lefts[0] == lefts[1]  # aligned, without a style in an attribute


def test_what_is_wider_than_a_phone_scrolls_in_its_own_box(phone, alice):
    wide = " + ".join(f"a_{{{number}}}" for number in range(40))
    prose = answered(phone, alice, f"{TABLE}\n\n$${wide}$$\n\nAnd ${wide}$ too.")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    for box in (".table", ".math.displayed", ".math.long"):
        assert prose.locator(box).evaluate("e => e.scrollWidth > e.clientWidth + 100"), box


def test_the_head_of_a_long_table_stays_while_its_rows_scroll(page, alice):
    table = answered(page, alice, TABLE).locator(".table")
    table.evaluate("e => e.scrollTop = 400")
    head, box = table.locator("th").first.bounding_box(), table.bounding_box()
    assert abs(head["y"] - box["y"]) < 2
    assert table.evaluate("e => e.scrollTop") == 400


def test_notes_are_folded_and_a_number_leads_there_and_back(page, alice):
    notes = "\n".join(f"[^{number}]: Note {number}, https://example.com/{number}" for number in range(1, 4))
    prose = answered(page, alice, f"First[^1], second[^2], first again[^1].\n\n{LONG}\n\n{notes}")
    expect(prose.get_by_text("Note 2")).to_be_hidden()
    prose.locator(".footnote-ref a", has_text="2").click()
    expect(prose.get_by_text("Note 2")).to_be_in_viewport()
    prose.locator("li", has_text="Note 1").locator(".footnote-back").click()
    expect(prose.locator("p").first).to_be_in_viewport()
    prose.get_by_text("Notes and sources").click()
    expect(prose.get_by_text("Note 2")).to_be_hidden()


def test_what_a_server_says_an_answer_rests_on_is_folded_under_it_live_and_after_a_reload(page, scripted):
    rivers = {"title": "Rivers of Asia: length, basin and discharge", "url": "https://www.example.org/rivers"}
    unnamed = {"url": "https://delta.example/" + "a-long-address-" * 20}
    claims = {"title": "google.com", "url": "https://evil.example/"}
    scripted.enqueue("It is 4,350 km long [1].", Delta(metadata={"sources": [rivers, unnamed, claims]}))
    page.goto("/")
    ask(page, "How long is the Mekong?")
    answer = page.locator("article.assistant[data-status=completed]")
    for _ in range(2):
        sources = answer.locator("details.sources")
        expect(sources.locator("summary")).to_have_text("3 sources")
        expect(sources.get_by_role("link").first).to_be_hidden()
        sources.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(sources.get_by_role("listitem")).to_have_text(
            ["Rivers of Asia: length, basin and discharge example.org", "delta.example", "google.com evil.example"]
        )
        link = sources.get_by_role("link").first
        assert link.get_attribute("rel") == "noopener noreferrer nofollow"
        assert answer.locator(".message-actions").bounding_box()["y"] > link.bounding_box()["y"]
        page.reload()
    page.set_viewport_size({"width": 390, "height": 844})
    answer.locator("details.sources > summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert found(page) == []


def test_two_answers_with_one_text_have_notes_of_their_own(page, alice):
    text = "See[^1].\n\n[^1]: The note"
    page.goto(f"/c/{conversation_of(alice, 'a', text, 'b', text).pk}/")
    ids = page.evaluate("[...document.querySelectorAll('[id^=fn]')].map(e => e.id)")
    assert len(ids) == len(set(ids)) == 4
    page.locator("article.assistant").last.locator(".footnote-ref a").click()
    expect(page.locator("article.assistant").last.get_by_text("The note")).to_be_visible()
    expect(page.locator("article.assistant").first.get_by_text("The note")).to_be_hidden()


def test_a_link_says_where_it_leads_unless_its_text_does(page, alice):
    prose = answered(page, alice, "[the bank](https://evil.example/) and [example.org](https://www.example.org/a)")
    expect(prose.locator("a").first).to_have_text("the bank evil.example")
    expect(prose.locator("a").last).to_have_text("example.org")
    for link in prose.locator("a").all():
        assert link.get_attribute("target") == "_blank"
        assert link.get_attribute("rel") == "noopener noreferrer nofollow"


def test_long_lines_of_code_are_wrapped_and_unwrapped(page, alice):
    code = answered(page, alice, f"```python\nx = '{'word ' * 100}'\n```").locator(".code")
    expect(code.locator(".code-lang")).to_have_text("python")
    wrap = code.get_by_role("button", name="Wrap long lines")
    is_wide = "e => e.scrollWidth > e.clientWidth"
    assert code.locator("pre").evaluate(is_wide)
    wrap.click()
    expect(wrap).to_have_attribute("aria-pressed", "true")
    assert not code.locator("pre").evaluate(is_wide)
    wrap.click()
    assert code.locator("pre").evaluate(is_wide)


def test_text_from_right_to_left_stands_on_the_right_and_formulas_and_code_in_it_do_not_turn(page, alice):
    prose = answered(page, alice, "مرحبا $a < b$ و `x = 1`.\n\n- عنصر\n- An item in English\n\n```js\nlet x;\n```")
    column = prose.bounding_box()
    right_of = """e => { const range = document.createRange(); range.selectNodeContents(e);
        return range.getBoundingClientRect().right }"""
    for line in (prose.locator("p").first, *prose.locator("li").all()):
        assert column["x"] + column["width"] - line.evaluate(right_of) < 60
    a, b = (prose.locator("math mi", has_text=name).bounding_box()["x"] for name in "ab")
    assert a < b
    assert prose.locator("pre").evaluate("e => getComputedStyle(e).direction") == "ltr"


def test_buttons_lead_from_question_to_question(page, alice):
    said = [text for number in range(4) for text in (f"Question {number}", LONG)]
    page.goto(f"/c/{conversation_of(alice, *said).pk}/")
    assert at_end(page)
    previous, following = (page.get_by_role("button", name=f"{name} question") for name in ("Previous", "Next"))
    expect(following).to_have_attribute("aria-disabled", "true")
    for number in (3, 2):
        previous.click()
        expect(page.get_by_text(f"Question {number}", exact=True)).to_be_in_viewport()
        expect(following).to_have_attribute("aria-disabled", str(number == 3).lower())
    following.press("Enter")
    expect(page.get_by_text("Question 3", exact=True)).to_be_in_viewport()
    expect(following).to_be_focused()
    for number in (2, 1, 0):
        previous.click()
        expect(page.get_by_text(f"Question {number}", exact=True)).to_be_in_viewport()
    expect(previous).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="To the end").click()
    expect(page.get_by_text("Question 3", exact=True)).not_to_be_in_viewport()
    expect(previous).to_have_attribute("aria-disabled", "false")


def test_a_chat_that_fits_the_window_has_no_such_buttons(page, alice):
    answered(page, alice, "Short.")
    expect(page.get_by_role("button", name="Previous question")).to_be_hidden()
