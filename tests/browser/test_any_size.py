"""Small windows, large type, thumbs, the keyboard of a phone, and the colours of the system: nothing is lost in any."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from conversations import services
from tests.browser.test_page import FIELD, conversation_of

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
ANSWER = "# A heading\n\nSome words.\n\n```python\nprint('hello')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end."
PAGES = [
    *("/", "/c/", "/models/", "/search/?q=heading", "/settings/", "/personas/new/", "/prompts/new/", "/transfer/"),
    *("/accounts/preferences/", "/accounts/profile/", "/keys/", "/shared/", "/folders/new/", "/c/trash/"),
]
OF_A_CHAT = ["", "share/", "rename/", "export/", "delete/", "settings/"]
# WCAG 1.4.12: nothing is cut off when a reader spaces text so.
SPACED = """() => {
    const style = new CSSStyleSheet();
    style.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important }
        * { word-spacing: 0.16em !important }
        p { margin-block-end: 2em !important }`);
    document.adoptedStyleSheets = [style];
}"""
CUT = """() => [...document.querySelectorAll('button, a, label, h1, h2, h3, p, summary, legend, dd')]
    .filter(one => one.checkVisibility() && !one.closest('.visually-hidden'))
    .filter(one => one.scrollHeight > one.clientHeight + 3)
    .filter(one => ['hidden', 'clip'].includes(getComputedStyle(one).overflowY))
    .map(one => one.outerHTML.slice(0, 120))"""
# Links within a text are excepted, and what only shows once it has the focus.
SMALLER_THAN = """least => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.matches('.visually-hidden'))
    .filter(one => getComputedStyle(one).display !== 'inline')
    .filter(one => {
        const target = one.matches('[type=checkbox], [type=radio]') && one.closest('label') || one;
        const box = target.getBoundingClientRect();
        const isRange = one.matches('[type=range], [type=checkbox]');
        return Math.min(box.width, box.height) < (isRange ? 24 : least) - 0.5;
    }).map(one => one.outerHTML.slice(0, 120))"""
ZOOMED_BY_A_PHONE = """() => [...document.querySelectorAll('input, select, textarea')]
    .filter(one => one.checkVisibility() && !['checkbox', 'radio', 'range', 'file'].includes(one.type))
    .filter(one => parseFloat(getComputedStyle(one).fontSize) < 16).map(one => one.outerHTML.slice(0, 120))"""
# iOS lays its keyboard over the page: the window stays as it is, and only this says how much of it is seen.
IOS = """() => {
    const view = new EventTarget();
    Object.assign(view, { height: innerHeight, width: innerWidth, offsetTop: 0, offsetLeft: 0, scale: 1 });
    Object.defineProperty(window, 'visualViewport', { value: view });
}"""


@pytest.fixture
def chat(alice):
    services.create(alice, title="Averyveryverylongtitlewithoutanyspaceatallthatmustnotbreakthesidebar")
    return conversation_of(alice, "A question", ANSWER, "Another", ANSWER)


@pytest.fixture
def phone(visits, site, alice, cookies_of):
    alice.text_size = "small"
    alice.save()
    return cookies_of(visits.window(site, **PHONE), site, alice)


def addresses(chat) -> list[str]:
    return [*PAGES, *(f"/c/{chat.pk}/{one}" for one in OF_A_CHAT)]


def test_enlarged_four_times_with_the_largest_type_and_spaced_out_everything_is_there(
    visits, site, alice, cookies_of, chat
):
    alice.text_size = "largest"
    alice.save()
    page = cookies_of(visits.window(site, viewport={"width": 320, "height": 256}), site, alice)
    problems = []
    for address in addresses(chat):
        page.goto(address)
        wide = [page.evaluate("document.documentElement.scrollWidth")]
        page.evaluate(SPACED)
        wide.append(page.evaluate("document.documentElement.scrollWidth"))
        problems += [f"{address}: {wide}"] if max(wide) > 320 else []
        problems += [f"{address}: {one}" for one in page.evaluate(CUT)]
    assert problems == []


def test_on_a_page_of_a_few_lines_the_answer_can_be_read(visits, site, alice, cookies_of, chat):
    page = cookies_of(visits.window(site, viewport={"width": 320, "height": 256}), site, alice)
    page.goto(f"/c/{chat.pk}/")
    page.locator("article.assistant .prose p").last.evaluate("e => e.scrollIntoView({ block: 'center' })")
    heights = page.evaluate(
        "() => [...document.querySelectorAll('.header, .dock')].map(e => e.getBoundingClientRect())"
        ".map(box => Math.max(0, Math.min(box.bottom, innerHeight) - Math.max(box.top, 0)))"
    )
    assert 256 - sum(heights) > 150


def test_on_a_phone_targets_fit_a_thumb_and_no_field_makes_it_zoom(phone, chat):
    problems = []
    for address in [
        *addresses(chat),
        "open:[data-settings-open]",
        "open:.header [popovertarget=sidebar]",
        "open:search",
    ]:
        if address.startswith("open:"):
            open_over(phone, f"/c/{chat.pk}/", address.removeprefix("open:"))
        else:
            phone.goto(address)
        problems += [f"{address} is small: {one}" for one in phone.evaluate(SMALLER_THAN, 44)]
        problems += [f"{address} zooms: {one}" for one in phone.evaluate(ZOOMED_BY_A_PHONE)]
    assert problems == []


def open_over(phone, url: str, what: str) -> None:
    phone.goto(url)
    phone.wait_for_load_state()
    if what == "search":
        phone.locator(".header [popovertarget=sidebar]").tap()
        phone.locator("[data-search-open]").tap()
        phone.locator("dialog[data-search] [role=combobox]").wait_for()
        return
    phone.locator(what).first.tap()
    phone.locator("[data-settings-form], #sidebar:popover-open").first.wait_for()


def test_with_a_mouse_every_target_is_large_enough(visits, site, alice, cookies_of, chat):
    page = cookies_of(visits.window(site), site, alice)
    problems = []
    for address in addresses(chat):
        page.goto(address)
        problems += [f"{address}: {one}" for one in page.evaluate(SMALLER_THAN, 24)]
    assert problems == []


def seen_above_the_keyboard(phone, height: int) -> bool:
    """Whether the composer is within the `height` px that are left, and the end of the last answer above it."""
    return phone.evaluate(
        """height => {
            const box = document.querySelector('.composer-box').getBoundingClientRect();
            const end = [...document.querySelectorAll('.prose')].pop().getBoundingClientRect();
            return box.bottom <= height && box.top > 0 && end.bottom <= box.top + 1 && end.bottom > 52;
        }""",
        height,
    )


def test_the_keyboard_of_a_phone_that_makes_room_covers_nothing(phone, chat):
    phone.goto(f"/c/{chat.pk}/")
    assert "interactive-widget=resizes-content" in phone.locator("meta[name=viewport]").get_attribute("content")
    phone.locator(FIELD).tap()
    phone.set_viewport_size({"width": 390, "height": 400})
    expect(phone.locator(FIELD)).to_be_focused()
    phone.wait_for_function("innerHeight === 400 && scrollY + innerHeight >= document.documentElement.scrollHeight - 2")
    assert seen_above_the_keyboard(phone, 400)


def test_the_keyboard_of_an_iphone_lies_over_the_page_and_covers_nothing(phone, chat):
    phone.add_init_script(f"({IOS})()")
    phone.goto(f"/c/{chat.pk}/")
    phone.wait_for_load_state()
    phone.locator(FIELD).tap()
    phone.evaluate("visualViewport.height = 500; visualViewport.dispatchEvent(new Event('resize'))")
    assert seen_above_the_keyboard(phone, 500)
    phone.evaluate("scrollTo(0, 0)")
    assert phone.locator(".dock").evaluate("dock => dock.getBoundingClientRect().bottom") == 500
    phone.evaluate("visualViewport.height = innerHeight; visualViewport.dispatchEvent(new Event('resize'))")
    assert phone.evaluate("innerHeight - document.querySelector('.dock').getBoundingClientRect().bottom") == 0


def test_in_the_systems_own_colours_what_is_chosen_and_what_lies_above_can_be_told(
    visits, site, alice, cookies_of, chat
):
    page = cookies_of(visits.window(site, forced_colors="active"), site, alice)
    page.goto(f"/c/{chat.pk}/")
    page.locator("body[data-listens]").wait_for()
    outline = "e => getComputedStyle(e).outlineStyle"
    border = "e => getComputedStyle(e).borderTopStyle"
    assert page.locator("#sidebar .row:has([aria-current])").evaluate(outline) == "solid"
    assert page.locator(".bubble").first.evaluate(border) == "solid"
    page.keyboard.press("Control+k")
    expect(page.locator("[data-palette] [aria-selected=true]")).to_be_visible()
    assert page.locator("[data-palette] [aria-selected=true]").evaluate(outline) == "solid"
    assert page.locator("[data-palette] [aria-selected=false]").first.evaluate(outline) == "none"
    assert page.locator("[data-palette]").evaluate(border) == "solid"


def test_who_wants_no_motion_sees_none(visits, site, alice, cookies_of, chat, scripted):
    page = cookies_of(visits.window(site, reduced_motion="reduce"), site, alice)
    page.goto("/")
    page.evaluate(
        """() => {
            window.moved = [];
            const note = ({ target, propertyName, animationName, pseudoElement }) => {
                const all = target.getAnimations({ subtree: true });
                const length = Math.max(...all.map(one => one.effect.getComputedTiming().duration), 0);
                if (!length || ['appear', 'leave'].includes(animationName)) return; // they fade
                moved.push([target.className, propertyName ?? animationName]);
            };
            for (const type of ['transitionrun', 'animationstart']) addEventListener(type, note, true);
        }"""
    )
    page.fill(FIELD, "Go")
    page.press(FIELD, "Enter")
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    page.locator("[data-settings-open]").click()
    page.locator("[data-settings-form]").wait_for()
    page.locator("#sidebar .row[data-conversation]").first.hover()
    assert page.evaluate("moved") == []
