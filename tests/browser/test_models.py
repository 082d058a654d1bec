"""Choosing among many models: by search, by keys, by touch, without a script; and what the page then shows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import ChatModel, Generation
from conversations.services.speed import forget_speeds

FIELD = "textarea[name=content]"
SELECT = "select[name=model]"
CHOICES = "**/models/choices/"
PHONE = {"viewport": {"width": 320, "height": 700}, "is_mobile": True, "has_touch": True}
VIETNAMESE = "Vistral 7B"
LONG = "A-model-whose-name-has-no-place-to-break-and-does-not-end-before-the-page-does" * 2


@pytest.fixture(autouse=True)
def _many(catalogue):
    """Three hundred models, three of which are unlike the others."""
    ChatModel.objects.filter(backend="scripted").update(is_default=True)
    rows = [
        ChatModel(label=VIETNAMESE, use_case="Tiếng Việt, đối thoại"),
        ChatModel(label="Qwen Coder", use_case="Code"),
    ]
    rows += [ChatModel(label=LONG)] + [ChatModel(label=f"Model {number:03}") for number in range(297)]
    for place, row in enumerate(rows):
        row.backend, row.model_id, row.order = "scripted", row.label[:100], 200 + place
    ChatModel.objects.bulk_create(rows)
    services.forget_catalogue()
    forget_speeds()


@pytest.fixture
def page(visits, site, alice, cookies_of):
    window = cookies_of(visits.window(site), site, alice)
    window.goto("/")
    return window


@pytest.fixture
def phone(visits, site, alice, cookies_of):
    window = cookies_of(visits.window(site, **PHONE), site, alice)
    window.goto("/")
    return window


def pk_of(label: str) -> str:
    return str(ChatModel.objects.get(label=label).pk)


def button(page):
    return page.get_by_role("button", name="Model:")


def search(page):
    return page.get_by_role("combobox", name="Search models")


def shown(page):
    return page.locator("#model-list [role=option]:visible")


def opened(page):
    button(page).click()
    expect(search(page)).to_be_focused()
    return page


def active(page):
    """The option that assistive technology is told of."""
    return page.locator(f"#{search(page).get_attribute('aria-activedescendant')}")


def ask(page, text):
    page.fill(FIELD, text)
    page.press(FIELD, "Enter")


def answered(page, times=1):
    expect(page.locator("article.assistant[data-status=completed]")).to_have_count(times)


def test_a_search_without_marks_finds_the_model_which_then_answers(page):
    opened(page)
    search(page).fill("tieng viet")
    expect(shown(page)).to_have_count(1)
    expect(shown(page)).to_contain_text("Tiếng Việt")
    search(page).press("Enter")
    expect(search(page)).to_be_hidden()
    expect(button(page)).to_be_focused()
    expect(button(page)).to_have_accessible_name(f"Model: {VIETNAMESE}")
    ask(page, "Chào bạn")
    answered(page)
    assert Generation.objects.get().model.label == VIETNAMESE
    expect(button(page)).to_have_accessible_name(f"Model: {VIETNAMESE}")  # the composer is another one now


@pytest.mark.parametrize("query", ["qwen", "CODE", "coder qwen"])
def test_label_use_case_and_every_word_are_searched(page, query):
    opened(page)
    search(page).fill(query)
    expect(shown(page)).to_have_count(1)
    expect(shown(page)).to_contain_text("Qwen Coder")


def test_all_of_a_connection_is_found_by_its_name(page):
    opened(page)
    search(page).fill("guide")
    expect(shown(page)).to_have_count(1)


def test_arrows_home_and_end_lead_through_the_list_and_enter_chooses(page):
    opened(page)
    expect(active(page)).to_contain_text("Scripted")  # the one that is chosen
    search(page).press("Home")
    expect(active(page)).to_have_attribute("data-model", shown(page).first.get_attribute("data-model"))
    search(page).press("ArrowDown")
    expect(active(page)).to_contain_text(VIETNAMESE)
    search(page).press("ArrowUp")
    search(page).press("ArrowUp")  # goes round
    last = active(page).get_attribute("data-model")
    assert last == shown(page).last.get_attribute("data-model")
    search(page).press("Home")
    search(page).press("End")
    expect(active(page)).to_be_in_viewport()
    assert active(page).get_attribute("data-model") == last
    search(page).press("Enter")
    expect(page.locator(SELECT)).to_have_value(last)


def test_a_letter_or_an_arrow_on_the_button_opens_the_list(page):
    button(page).focus()
    page.keyboard.press("q")
    expect(search(page)).to_have_value("q")
    expect(search(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(button(page)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(search(page)).to_have_value("")
    expect(search(page)).to_be_focused()


def test_escape_a_click_elsewhere_and_the_button_itself_close_it_and_change_nothing(page):
    before = page.locator(SELECT).input_value()
    opened(page).keyboard.press("ArrowDown")
    expect(button(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(search(page)).to_be_hidden()
    expect(button(page)).to_have_attribute("aria-expanded", "false")
    opened(page).mouse.click(600, 60)
    expect(search(page)).to_be_hidden()
    opened(page)
    button(page).click()
    expect(search(page)).to_be_hidden()
    expect(page.locator(SELECT)).to_have_value(before)


def test_current_default_and_recent_models_are_marked(page):
    opened(page)
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(1)
    expect(page.locator("[role=option]", has_text="Default")).to_contain_text("Scripted")
    expect(page.get_by_role("group", name="Recent")).to_have_count(0)
    search(page).fill("qwen")
    shown(page).click()
    page.reload()
    expect(button(page)).to_be_visible()
    opened(page)
    expect(page.get_by_role("group", name="Recent").get_by_role("option")).to_contain_text("Qwen Coder")
    expect(shown(page)).to_have_count(302)  # nobody stands there twice
    search(page).fill("model")
    expect(page.get_by_role("group", name="Recent")).to_have_count(0)


def test_a_screen_reader_hears_how_many_were_found(page):
    opened(page)
    expect(page.locator("#model-panel [role=status]")).to_have_text("Models found: 302")
    search(page).fill("viet")
    expect(page.locator("#model-panel [role=status]")).to_have_text("Models found: 1")
    search(page).fill("nothing at all")
    expect(page.locator("#model-panel [role=status]")).to_have_text("Models found: 0")
    expect(page.get_by_text("No model fits. Try fewer words.")).to_be_visible()
    assert search(page).get_attribute("aria-activedescendant") is None
    search(page).press("Enter")  # chooses nothing
    expect(search(page)).to_be_visible()


def test_the_panel_obeys_the_rules_of_its_roles(page):
    """What axe would ask: names, references that lead somewhere, no id twice, one option selected."""
    opened(page)
    search(page).press("End")
    wrong = page.evaluate(
        """() => {
            const wrong = [], panel = document.querySelector("#model-panel");
            const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
            for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push("twice: " + id);
            for (const name of ["aria-controls", "aria-activedescendant", "aria-labelledby"])
                for (const e of document.querySelectorAll(`[${name}]`))
                    for (const id of e.getAttribute(name).split(" "))
                        if (!document.getElementById(id)) wrong.push(`${name}: ${id}`);
            for (const e of panel.querySelectorAll("[role=listbox] > *"))
                if (!["group", "option"].includes(e.getAttribute("role"))) wrong.push(e.outerHTML.slice(0, 99));
            for (const e of panel.querySelectorAll("[role=option] *"))
                if (e.matches("a, button, input, [tabindex]")) wrong.push("inside an option: " + e.outerHTML);
            const missing = [...panel.querySelectorAll("[role=option]")].filter(e => !e.hasAttribute("aria-selected"));
            return wrong.concat(missing.map(e => e.id));
        }"""
    )
    assert wrong == []


def test_what_is_chosen_while_a_message_is_on_its_way_stays(page):
    held = []
    page.route("**/send/", lambda route: held.append(route), times=1)
    ask(page, "first")
    expect(page.locator(".message.user.is-pending")).to_be_visible()
    opened(page)
    search(page).fill("qwen")
    search(page).press("Enter")
    held[0].continue_()
    answered(page)
    expect(page.locator(SELECT)).to_have_value(pk_of("Qwen Coder"))
    expect(button(page)).to_have_accessible_name("Model: Qwen Coder")
    assert Generation.objects.get().model.label == "Scripted"


def test_a_choice_that_the_browser_brings_back_is_named(page):
    opened(page)
    search(page).fill("qwen")
    search(page).press("Enter")
    page.goto("/c/")
    page.go_back()
    expect(page.locator(SELECT)).to_have_value(pk_of("Qwen Coder"))
    expect(button(page)).to_have_accessible_name("Model: Qwen Coder")


def test_the_list_comes_with_its_first_use_and_once(page):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    opened(page)
    asked = [url for url in requests if "choices" in url or "picker" in url or "models.css" in url]
    assert len(asked) == 4  # two scripts, the list, its style
    page.keyboard.press("Escape")
    ask(page, "Hi")
    answered(page)
    requests.clear()
    opened(page)
    assert [url for url in requests if "choices" in url] == []


def test_a_model_that_came_later_is_in_the_list_and_one_that_is_gone_is_not(page):
    opened(page).keyboard.press("Escape")
    ChatModel.objects.create(backend="scripted", model_id="new", label="Brand new")
    ChatModel.objects.get(label="Qwen Coder").delete()
    ask(page, "Hi")
    answered(page)
    opened(page)
    search(page).fill("brand")
    expect(shown(page)).to_have_count(1)
    search(page).fill("qwen")
    expect(shown(page)).to_have_count(0)


def test_where_the_list_cannot_be_had_the_select_stands_in(page):
    page.route(CHOICES, lambda route: route.abort())
    button(page).click()
    expect(page.locator(SELECT)).to_be_visible()
    expect(page.locator(SELECT)).to_be_focused()
    expect(button(page)).to_be_hidden()
    page.select_option(SELECT, label="Qwen Coder")
    ask(page, "Hi")
    answered(page)
    assert Generation.objects.get().model.label == "Qwen Coder"


def test_without_a_script_it_is_a_select_and_the_catalogue_a_form(visits, site, alice, cookies_of):
    page = cookies_of(visits.window(site, javascript=False), site, alice)
    page.goto("/")
    expect(button(page)).to_be_hidden()
    page.select_option(SELECT, label="Qwen Coder")
    page.fill(FIELD, "Hi")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/c/**")
    assert Generation.objects.get().model.label == "Qwen Coder"
    page.goto("/models/")
    page.get_by_role("searchbox", name="Search models").fill("doi thoai")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".model-card")).to_have_count(1)
    page.get_by_role("link", name="Chat with this model").click()
    expect(page.locator(SELECT)).to_have_value(pk_of(VIETNAMESE))


def test_the_person_s_menu_leads_to_all_models_and_a_card_to_a_chat(page):
    page.locator("[popovertarget=person-menu]").click()
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    page.get_by_label("Use case").select_option("Code")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name=re.compile("^Chat with this model.*Qwen Coder")).click()
    expect(button(page)).to_have_accessible_name("Model: Qwen Coder")
    ask(page, "Hi")
    answered(page)
    assert Generation.objects.get().model.label == "Qwen Coder"


def test_on_a_phone_the_list_is_a_sheet_with_room_for_fingers(phone):
    button(phone).tap()
    expect(shown(phone).first).to_be_visible()
    expect(search(phone)).not_to_be_focused()  # or the keyboard would cover the list
    assert phone.evaluate("document.documentElement.scrollWidth") == 320
    sheet = phone.locator("#model-panel").bounding_box()
    assert (sheet["x"], sheet["width"], sheet["y"] + sheet["height"]) == (0, 320, 700)
    small = phone.evaluate(
        "[...document.querySelectorAll('#model-panel :is(input, a, [role=option])')]"
        ".filter(e => e.checkVisibility() && e.offsetHeight < 44).map(e => e.outerHTML)"
    )
    assert small == []
    shown(phone).filter(has_text="Qwen Coder").tap()
    expect(button(phone)).to_have_accessible_name("Model: Qwen Coder")


def test_no_model_s_name_makes_a_small_page_scroll_sideways(phone):
    button(phone).tap()
    shown(phone).filter(has_text=LONG).tap()
    expect(button(phone)).to_have_accessible_name(f"Model: {LONG}")
    for address in (None, "/models/", f"/models/?q={LONG}"):
        if address:
            phone.goto(address)
        assert phone.evaluate("document.documentElement.scrollWidth") == 320, address


def test_another_model_in_mid_conversation_is_named_above_its_answer_live_and_later(page):
    ask(page, "First")
    answered(page)
    expect(page.locator(".model-label")).to_have_count(0)
    opened(page)
    search(page).fill("qwen")
    search(page).press("Enter")
    ask(page, "Second")
    answered(page, 2)
    expect(page.locator("article.assistant").last.locator(".model-label")).to_have_text("Qwen Coder")
    ask(page, "Third")
    answered(page, 3)
    page.reload()
    expect(page.locator(".model-label")).to_have_text(["Qwen Coder"])
    expect(button(page)).to_have_accessible_name("Model: Qwen Coder")
