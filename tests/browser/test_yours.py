"""The site as its owner wants it, and as each person prefers it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from chatsite.branding.models import Announcement, Example, Site, SiteText
from conversations import services
from conversations.types import Message
from tests.conftest import PASSWORD

FIELD = "textarea[name=content]"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="4" fill="#7c3aed"/></svg>'
ARABIC = "هذه فقرة باللغة العربية مع الشفرة `x = f(1)` في وسطها."
# Where the text of the first match begins and ends, in pixels from the left of the column.
EDGES = """selector => {
  const element = document.querySelector(selector), range = document.createRange();
  range.selectNodeContents(element);
  const text = range.getBoundingClientRect(), box = element.closest(".message, .bubble").getBoundingClientRect();
  return [text.left - box.left, box.right - text.right];
}"""


@pytest.fixture
def page(visits, site, alice, cookies_of):
    return cookies_of(visits.window(site), site, alice)


def choose_dark(page):
    page.locator("[popovertarget=person-menu]").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_theme_chosen_here_is_in_the_page_on_another_device(page, visits, site, alice, cookies_of):
    page.goto("/")
    with page.expect_response("**/accounts/theme/"):
        choose_dark(page)
    other = cookies_of(visits.window(site, javascript=False), site, alice)
    other.goto("/c/")
    assert other.locator("html").get_attribute("data-theme") == "dark"
    other.locator("[popovertarget=person-menu]").click()
    other.get_by_role("button", name="System").click()
    expect(other).to_have_url(f"{site}/c/")
    assert other.locator("html").get_attribute("data-theme") is None
    page.reload()
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


def test_what_is_chosen_among_stands_in_line_with_what_it_is_called(page):
    page.goto("/accounts/preferences/")
    lefts = page.locator("fieldset.choices").evaluate_all(
        "all => all.map(e => ['legend', 'input'].map(name => e.querySelector(name).getBoundingClientRect().x))"
    )
    assert len(lefts) == 3
    assert all(legend == radio for legend, radio in lefts)


def test_a_theme_that_the_network_lost_is_kept_and_told_later(page, alice):
    page.goto("/")
    page.route("**/accounts/theme/", lambda route: route.abort())
    choose_dark(page)
    page.unroute("**/accounts/theme/")
    with page.expect_response("**/accounts/theme/"):
        page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    alice.refresh_from_db()
    assert alice.theme == "dark"


def test_a_person_sets_language_size_and_send_key_and_writes_so(page, scripted):
    page.goto("/")
    page.locator("[popovertarget=person-menu]").click()
    page.get_by_role("link", name="Preferences").click()
    page.get_by_label("Language").select_option("vi")
    page.get_by_label("Large", exact=True).check()
    page.get_by_label("Ctrl + Enter").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    page.goto("/")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "18px"
    scripted.enqueue("Chào bạn!")
    page.locator(FIELD).fill("Một")
    page.keyboard.press("Enter")
    page.keyboard.type("Hai")
    assert page.locator(FIELD).input_value() == "Một\nHai"
    page.keyboard.press("Control+Enter")
    expect(page.locator(".message.assistant .prose")).to_have_text("Chào bạn!")


def test_an_owner_gives_the_site_a_face_and_people_see_it(visits, site, admin, alice, cookies_of):
    owner = cookies_of(visits.window(site), site, admin)
    owner.goto("/admin/branding/site/")
    owner.locator("#id_name").fill("Bamboo")
    owner.locator("#id_accent").fill("#7c3aed")
    owner.locator("input[name=picture]").set_input_files(
        {"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": SVG}
    )
    owner.locator("#id_css").fill(".greeting { letter-spacing: 3px }")
    owner.get_by_text("Add another Button").click()
    owner.locator("#id_buttons-0-name").select_option("models")
    owner.locator("#id_buttons-0-label").fill("Brains")
    owner.get_by_role("button", name="Save", exact=True).click()
    expect(owner.locator(".success")).to_be_visible()
    page = cookies_of(visits.window(site), site, alice)
    page.goto("/")
    expect(page).to_have_title("Bamboo")
    assert page.locator(".greeting").evaluate("e => getComputedStyle(e).letterSpacing") == "3px"
    accent = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')")
    assert "293" in accent  # its hue
    assert page.locator(".site-logo").evaluate("e => e.complete && e.naturalWidth > 0")
    page.locator("[popovertarget=person-menu]").click()
    expect(page.get_by_role("link", name="Brains")).to_be_visible()


def test_an_announcement_is_read_and_put_away(page):
    Announcement.objects.create(text="Closed on **Friday**. [More](https://example.org)")
    page.goto("/")
    region = page.get_by_role("region", name="Announcement")
    expect(region.locator("strong")).to_have_text("Friday")
    page.locator(FIELD).fill("A draft that stays")
    page.get_by_role("button", name="Dismiss the announcement").click()
    expect(region).to_have_count(0)
    expect(page.locator(FIELD)).to_have_value("A draft that stays")
    page.goto("/c/")
    expect(region).to_have_count(0)


def test_an_example_with_a_prepared_answer_is_answered_at_once(page, scripted):
    Example.objects.create(text="Why are there tides?", answer="The **moon** pulls.")
    page.goto("/")
    page.get_by_role("button", name="Why are there tides?").click()
    reply = page.locator("article.assistant[data-status=completed]")
    expect(reply.locator(".prose strong")).to_have_text("moon")
    expect(reply).to_contain_text("This answer was prepared beforehand")
    assert scripted.requests == []


def test_whoever_must_agree_reads_the_terms_and_goes_on(visits, site, alice, catalogue):
    SiteText.objects.create(site=Site.objects.create(must_agree=True), kind="terms", text="Be **kind**.")
    page = visits.window(site)
    page.goto("/")
    page.locator("input[name=login]").fill("alice")
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Terms of use")).to_be_visible()
    page.get_by_role("button", name="I agree").click()
    expect(page.locator(FIELD)).to_be_visible()


def test_right_to_left_is_read_from_the_right_and_code_from_the_left(page, alice):
    conversation = services.create(alice, title="عنوان")
    question = Message("user", f"{ARABIC}\nA line in English")
    lists = "- بند أول\n- بند ثان\n\nBetween:\n\n- An English item"
    text = f"# العنوان\n\n{ARABIC}\n\nAn English paragraph between.\n\n{lists}\n\n```\nprint(1)\n```\n"
    services.store(conversation, question, Message("assistant", text, parent_id=question.id))
    page.goto(f"/c/{conversation.pk}/")
    column = page.locator(".message.assistant").bounding_box()["width"]
    left, right = page.evaluate(EDGES, ".message.assistant .prose h1")
    assert left > column / 2
    assert right < 20
    left, right = page.evaluate(EDGES, ".message.assistant .prose p:nth-of-type(2)")
    assert left < 20
    left, right = page.evaluate(EDGES, ".message.assistant .prose li")
    assert right < 60 < left
    left, right = page.evaluate(EDGES, ".message.assistant .prose pre code")
    assert left < 40
    assert page.locator(".prose ul").evaluate_all("all => all.map(e => getComputedStyle(e).direction)") == [
        "rtl",
        "ltr",
    ]
    code = page.locator(".message.assistant .prose p code")
    bidi = "e => [getComputedStyle(e).direction, getComputedStyle(e).unicodeBidi]"
    assert code.evaluate(bidi) == ["ltr", "isolate"]
    expect(page.locator(FIELD)).to_have_attribute("dir", "auto")
