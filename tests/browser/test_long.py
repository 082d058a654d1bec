"""A conversation of a thousand messages, as somebody reads it: its end at once, the rest on the way up."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import Conversation
from conversations.types import Message
from tests.browser.test_memory import resize
from tests.browser.test_page import PHONE, at_end, conversation_of, held

FIRST = "The very first question"


def long_conversation(user, count: int = 200) -> Conversation:
    texts = [f"Message number {number}. " * (1 + number % 7) for number in range(count)]
    return conversation_of(user, FIRST, *texts[1:])


@pytest.fixture
def long_chat(alice) -> Conversation:
    return long_conversation(alice)


@pytest.fixture
def page(visits, site, alice, cookies_of):
    return cookies_of(visits.window(site), site, alice)


def articles(page):
    return page.locator("article:not(.is-pending)")


def shown_numbers(page) -> list[str]:
    return page.locator("article [data-text], article .prose").evaluate_all(
        "all => all.map(e => e.innerText.slice(0, 20))"
    )


def go_up(page, pixels: int = 700) -> None:
    page.mouse.move(700, 300)
    page.mouse.wheel(0, -pixels)


def go_up_until(page, count: int) -> None:
    for _ in range(60):
        if articles(page).count() >= count:
            return
        go_up(page, 3000)
        page.wait_for_timeout(50)
    raise AssertionError(f"only {articles(page).count()} messages came")


def top_of(page, message_id: str) -> float:
    return page.evaluate("id => document.getElementById(`m-${id}`).getBoundingClientRect().top", message_id)


def place(page) -> tuple[str, float]:
    """The message that is looked at, and where it stands."""
    return page.evaluate(
        """() => {
            const seen = [...document.querySelectorAll("article")].find(e => e.getBoundingClientRect().bottom > 200);
            return [seen.dataset.id, seen.getBoundingClientRect().top];
        }"""
    )


def test_it_opens_with_its_end_and_the_rest_comes_as_one_scrolls_up(page, long_chat):
    page.goto(f"/c/{long_chat.pk}/")
    expect(articles(page).last).to_be_in_viewport()
    assert at_end(page)
    assert articles(page).count() < 60
    go_up_until(page, 200)
    go_up(page, 30_000)
    expect(page.get_by_text(FIRST)).to_be_in_viewport()
    expect(page.get_by_role("navigation", name="Earlier messages")).to_have_count(0)
    expected = [message.id for message in services.read(long_chat).branch()]
    assert articles(page).evaluate_all("all => all.map(e => e.dataset.id)") == expected


class Held:
    """Answers to requests for earlier messages wait here until the test lets them through."""

    def __init__(self, page):
        self.waiting = []
        page.route("**/part/**", lambda route: self.waiting.append(route))
        self._page = page

    def wait(self):
        self._page.wait_for_function("document.querySelector('[aria-busy=true]')")

    def let_through(self):
        for route in self.waiting:
            route.continue_()
        self.waiting.clear()


@pytest.mark.parametrize("anchoring", ["auto", "none"], ids=["the browser keeps places", "it does not"])
def test_nothing_jumps_when_earlier_messages_come(page, long_chat, anchoring):
    page.goto(f"/c/{long_chat.pk}/")
    page.evaluate("anchoring => document.documentElement.style.overflowAnchor = anchoring", anchoring)
    held = Held(page)
    for _ in range(2):
        known = articles(page).count()
        while not page.locator("[aria-busy=true]").count():
            go_up(page, 400)
            page.wait_for_timeout(50)
        page.wait_for_timeout(200)
        looked_at, at = place(page)
        held.let_through()
        page.wait_for_function("known => document.querySelectorAll('article').length > known", arg=known)
        assert abs(top_of(page, looked_at) - at) <= 1
        page.wait_for_timeout(300)
        assert abs(top_of(page, looked_at) - at) <= 1


def test_without_a_script_links_lead_to_the_first_message_and_keep_the_place(
    visits, site, alice, cookies_of, long_chat
):
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    page.goto(f"/c/{long_chat.pk}/")
    first = articles(page).first.get_attribute("data-id")
    page.get_by_role("link", name="Show earlier messages").click()
    expect(page.locator(f"#m-{first}")).to_be_in_viewport()
    assert articles(page).first.get_attribute("data-id") != first
    for _ in range(20):
        if page.get_by_text(FIRST).count():
            break
        page.get_by_role("link", name="Show earlier messages").first.click()
    expect(page.get_by_text(FIRST)).to_be_visible()
    assert articles(page).count() < 100
    page.get_by_role("link", name="Read on from above").click()
    page.get_by_role("link", name="Show all").first.click()
    expect(articles(page)).to_have_count(200)


def test_a_link_to_a_message_leads_there_however_far_up_it_stands(page, long_chat):
    message = services.read(long_chat).branch()[60]
    page.goto(f"/c/{long_chat.pk}/#m-{message.id}")
    expect(page.locator(f"#m-{message.id}")).to_be_in_viewport()
    assert 0 < top_of(page, message.id) < 200
    assert articles(page).count() < 100
    # What is said next goes on from the end, which is there; and reading on fills what lies between.
    for _ in range(60):
        if not page.get_by_role("navigation", name="Messages in between").count():
            break
        go_up(page, -400)
        page.wait_for_timeout(50)
    ids = [one.id for one in services.read(long_chat).branch()]
    shown = articles(page).evaluate_all("all => all.map(e => e.dataset.id)")
    assert shown == ids[ids.index(shown[0]) :]


def test_the_arrows_of_a_version_lead_to_it_although_it_stands_far_up(page, long_chat):
    branch = services.read(long_chat).branch()
    question, first = branch[40], branch[41]
    second = Message("assistant", "Said otherwise", parent_id=question.id)
    end = Message("user", "And the end of that", parent_id=second.id)
    services.store(long_chat, second, end)
    page.goto(f"/c/{long_chat.pk}/?at={first.id}#m-{first.id}")
    page.locator(f"#m-{first.id}").get_by_role("button", name="Next version").click()
    expect(page.get_by_text("And the end of that")).to_be_visible()
    page.locator(f"#m-{second.id}").get_by_role("button", name="Previous version").click()
    expect(page.locator(f"#m-{first.id}")).to_be_in_viewport()
    expect(articles(page).last).to_have_attribute("data-id", branch[-1].id)


def test_a_link_to_a_message_of_another_version_shows_that_one_and_chooses_nothing(page, long_chat):
    branch = services.read(long_chat).branch()
    other = Message("assistant", "Said otherwise", parent_id=branch[40].id)
    services.store(long_chat, other)
    page.goto(f"/c/{long_chat.pk}/#m-{other.id}")
    expect(page.get_by_text("Said otherwise")).to_be_in_viewport()
    expect(articles(page).last).to_have_attribute("data-id", other.id)
    assert services.read(long_chat).leaf == branch[-1].id


def test_an_answer_is_written_on_while_earlier_messages_come(page, long_chat, scripted):
    wait, go_on = held()
    scripted.enqueue("One.\n\nTwo ", wait, "and more.")
    page.goto(f"/c/{long_chat.pk}/")
    page.fill("textarea[name=content]", "Count")
    page.press("textarea[name=content]", "Enter")
    expect(page.locator("article.assistant").last.locator(".prose")).to_contain_text("Two")
    go_up_until(page, 120)
    looked_at, at = place(page)
    go_on()
    last = page.locator("article.assistant").last
    expect(last).to_have_attribute("data-status", "completed")
    expect(last.locator(".prose p")).to_have_text(["One.", "Two and more."])
    assert abs(top_of(page, looked_at) - at) <= 1
    page.reload()
    expect(page.locator("article.assistant").last.locator(".prose p")).to_have_text(["One.", "Two and more."])


def test_the_line_of_the_memory_stands_where_it_belongs_once_that_is_there(page, long_chat):
    Conversation.objects.update(options={"memory": 0})  # all that fits
    resize(3_000)
    page.goto(f"/c/{long_chat.pk}/")
    expect(page.locator("[data-memory-begins]")).to_have_count(0)
    remembered = page.locator("template[data-memory-line]").get_attribute("data-before")
    go_up_until(page, 190)
    expect(page.locator("[data-memory-begins] + article")).to_have_attribute("data-id", remembered)


def test_the_search_of_the_browser_and_its_printer_get_the_whole(page, long_chat):
    for take in (lambda: page.keyboard.press("Control+f"), page.pdf):
        page.goto(f"/c/{long_chat.pk}/")
        page.wait_for_load_state("networkidle")
        expect(page.get_by_text(FIRST)).to_have_count(0)
        take()
        expect(page.get_by_text(FIRST)).to_have_count(1)
        assert articles(page).count() == 200
        assert at_end(page)


@pytest.mark.parametrize("back", [False, True], ids=["loaded again", "gone back to"])
@pytest.mark.parametrize("count", [30, 200])
def test_a_page_stands_where_it_stood_when_it_is(page, alice, count, back):
    chat = long_conversation(alice, count)
    page.goto(f"/c/{chat.pk}/")
    go_up(page, 700)
    go_up_until(page, min(count, 150))
    page.wait_for_timeout(400)
    looked_at, at = place(page)
    if back:
        page.goto("/")
        page.go_back()
    else:
        page.reload()
    page.wait_for_function("id => document.getElementById(`m-${id}`)", arg=looked_at)
    page.wait_for_timeout(500)
    assert abs(top_of(page, looked_at) - at) <= 1


def test_what_could_not_be_loaded_says_so_and_is_loaded_once_that_is_possible(page, long_chat):
    page.goto(f"/c/{long_chat.pk}/")
    page.route("**/part/**", lambda route: route.abort())
    known = articles(page).count()
    for _ in range(20):
        go_up(page, 3000)
    expect(page.get_by_text("They could not be loaded. Try again.")).to_be_visible()
    assert articles(page).count() == known
    page.unroute("**/part/**")
    page.get_by_role("link", name="Show earlier messages").click()
    page.wait_for_function("known => document.querySelectorAll('article').length > known", arg=known)
    expect(page.get_by_text("They could not be loaded. Try again.")).to_be_hidden()


def test_the_keyboard_goes_on_from_where_the_messages_came(page, long_chat):
    page.goto(f"/c/{long_chat.pk}/")
    for rest in (True, False):
        link = page.get_by_role("link", name="Show earlier messages" if rest else "Show all")
        known = articles(page).count()
        link.evaluate("e => e.focus({ preventScroll: true })")
        page.keyboard.press("Enter")
        page.wait_for_function("known => document.querySelectorAll('article').length > known", arg=known)
        focused = page.evaluate("document.activeElement.closest('[data-gap], article')?.tagName ?? ''")
        assert focused == ("NAV" if rest else "ARTICLE")


def test_on_a_phone_everything_fits_and_can_be_touched(visits, site, alice, cookies_of, long_chat):
    phone = cookies_of(visits.window(site, javascript=False, **PHONE), site, alice)
    phone.goto(f"/c/{long_chat.pk}/?at={services.read(long_chat).branch()[60].id}")
    assert phone.evaluate("document.documentElement.scrollWidth") == 320
    heights = phone.locator(".gap a").evaluate_all("all => all.map(e => e.offsetHeight)")
    assert len(heights) == 5
    assert min(heights) >= 44
