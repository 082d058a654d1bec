"""What a person tunes beside the chat, and what the model is then asked: on the wire, by a real server."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import ChatModel, Conversation, ModelSetting, Persona
from tests.live import serve
from tests.upstream import Upstream

FIELD = "textarea[name=content]"
OPEN = "[data-settings-open]"


@pytest.fixture
def upstream(settings, transactional_db):
    """A model server, connected as an operator connects one."""
    settings.CHAT_TITLES = False
    settings.CHAT_DEFAULT_MODEL = "echo"
    with Upstream() as server:
        options = {"base_url": server.url, "models": ["echo"], "knows_top_k": True}
        settings.CHAT_BACKENDS = {
            "server": {
                "BACKEND": "conversations.backends.chat_completions.ChatCompletionsBackend",
                "OPTIONS": options,
            },
            "toned": {"BACKEND": "tests.test_tuning.Toned"},
            "guide": settings.CHAT_BACKENDS["guide"],
        }
        services.seed_catalogue()
        yield server


@pytest.fixture
def tuned_site(upstream):
    with serve() as address:
        yield address


@pytest.fixture
def page(visits, tuned_site, alice, cookies_of):
    window = cookies_of(visits.window(tuned_site), tuned_site, alice)
    window.goto("/")
    return window


@pytest.fixture
def phone(visits, tuned_site, alice, cookies_of):
    small = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
    window = cookies_of(visits.window(tuned_site, **small), tuned_site, alice)
    window.goto("/")
    return window


def send(page, text: str, *, count: int = 1) -> None:
    page.fill(FIELD, text)
    page.locator("[data-send]").click()
    expect(page.locator("article.assistant[data-status=completed]")).to_have_count(count)


def open_panel(page) -> None:
    page.locator(OPEN).click()
    expect(page.locator("[data-settings-form]")).to_be_visible()


def control(page, label: str):
    """By its whole label: the buttons that reset it are named after it, too."""
    return page.get_by_label(label, exact=True)


def slide(page, label: str, *, to: str) -> None:
    slider = control(page, label)
    slider.focus()
    for _ in range(20):
        value = slider.input_value()
        if value == to:
            return
        slider.press("ArrowRight" if float(value) < float(to) else "ArrowLeft")
    raise AssertionError(f"{label} stands at {slider.input_value()}")


def until(page, holds) -> None:
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("It never came to be.")


def saved(page) -> None:
    expect(page.locator("[data-settings-status]")).to_have_text("Saved")


def the_chat() -> Conversation:
    return Conversation.objects.select_related("persona").get()


# Streamlit's sidebar: personality, temperature, max tokens, memory


def test_temperature_length_and_personality_of_a_new_chat_reach_the_server(page, upstream):
    open_panel(page)
    expect(page.locator("dialog[data-settings]")).to_contain_text("echo")
    slide(page, "Temperature", to="0.2")
    expect(page.locator("output[for=setting-temperature]")).to_have_text("0.2")
    control(page, "Longest answer, in tokens").select_option("1024")
    control(page, "Memory").select_option("5")
    control(page, "Personality").select_option("My own text")
    control(page, "What the model is told first").fill("You are a pirate.")
    expect(page.locator("[data-settings-status]")).to_have_text("Goes with your first message")
    expect(page.get_by_role("button", name="Settings (changed)")).to_be_visible()
    send(page, "Hello")
    asked = upstream.exchanges[-1].body
    assert (asked["temperature"], asked["max_tokens"]) == (0.2, 1024)
    assert asked["messages"][0] == {"role": "system", "content": "You are a pirate."}
    assert "memory" not in asked
    chat = the_chat()
    assert chat.options == {"temperature": 0.2, "max_tokens": 1024, "memory": 5}
    assert services.read(chat).branch()[-1].metadata["options"]["temperature"] == 0.2
    expect(page.locator("[data-messages]")).not_to_contain_text("pirate")


def test_what_is_changed_in_the_middle_holds_from_the_next_message_on(page, upstream):
    send(page, "Hello")
    assert upstream.exchanges[-1].body["temperature"] == 0.7
    open_panel(page)
    slide(page, "Temperature", to="0")
    saved(page)
    send(page, "Again", count=2)
    assert upstream.exchanges[-1].body["temperature"] == 0
    page.reload()
    expect(page.locator(OPEN)).to_have_attribute("data-tuned", "")
    open_panel(page)
    expect(control(page, "Temperature")).to_have_value("0")


def test_a_message_waits_for_what_is_being_saved(page, upstream):
    send(page, "Hello")
    open_panel(page)
    held = []
    page.route("**/settings/", lambda route: held.append(route))
    control(page, "Longest answer, in tokens").select_option("256")
    until(page, lambda: held)
    page.fill(FIELD, "Again")
    page.locator("[data-send]").click()
    expect(page.locator("article.is-pending").first).to_be_visible()
    page.wait_for_timeout(500)
    assert len(upstream.exchanges) == 1
    held[0].continue_()
    expect(page.locator("article.assistant[data-status=completed]")).to_have_count(2)
    assert upstream.exchanges[-1].body["max_tokens"] == 256


def test_the_panel_goes_on_with_the_chat_that_its_first_message_made(page, upstream):
    open_panel(page)
    slide(page, "Temperature", to="0.6")
    send(page, "Hello")
    expect(page.locator("[data-settings-form]")).to_have_attribute("action", re.compile("/c/.*/settings/"))
    expect(control(page, "Temperature")).to_have_value("0.6")
    slide(page, "Temperature", to="0.5")
    saved(page)
    assert the_chat().options == {"temperature": 0.5}
    expect(page.get_by_role("link", name="All personas")).to_have_attribute("href", re.compile("chat="))


def test_what_is_changed_while_the_first_message_is_on_its_way_is_not_lost(page, upstream):
    open_panel(page)
    held = []
    page.route("**/send/", lambda route: held.append(route))
    page.fill(FIELD, "Hello")
    page.locator("[data-send]").click()
    expect(page.locator("article.is-pending").first).to_be_visible()
    control(page, "Memory").select_option("8")
    held[0].continue_()
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    saved(page)
    assert the_chat().options == {"memory": 8}


def test_a_persona_is_written_once_and_chosen_in_any_chat(page, upstream):
    page.locator("[popovertarget=person-menu]").click()
    page.get_by_role("link", name="Personas").click()
    page.get_by_role("link", name="New persona").click()
    control(page, "Name").fill("Cook")
    control(page, "Description").fill("Soups of the south.")
    control(page, "System prompt").fill("You cook.")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="New chat with Cook").click()
    open_panel(page)
    expect(control(page, "Personality")).to_have_value(str(Persona.objects.get().pk))
    expect(page.locator("[data-persona-note]")).to_have_text("Soups of the south.")
    send(page, "Hello")
    assert upstream.exchanges[-1].body["messages"][0]["content"] == "You cook."
    control(page, "Personality").select_option("Standard")
    saved(page)
    send(page, "And now?", count=2)
    assert upstream.exchanges[-1].body["messages"][0]["content"].startswith("You are a helpful AI assistant.")


def test_a_chat_takes_a_persona_from_the_library(page, upstream):
    Persona.objects.create(name="Judge", prompt="You judge.")
    send(page, "Hello")
    open_panel(page)
    page.get_by_role("link", name="All personas").click()
    page.get_by_role("button", name="Use Judge in the chat").click()
    send(page, "Guilty?", count=2)
    assert upstream.exchanges[-1].body["messages"][0]["content"] == "You judge."


def test_what_new_chats_begin_with_is_set_once_and_counts_though_no_panel_was_opened(page, upstream):
    page.locator("[popovertarget=person-menu]").click()
    page.get_by_role("link", name="Chat settings").click()
    control(page, "Temperature").fill("0.3")
    control(page, "Personality").select_option("My own text")
    control(page, "What the model is told first").fill("You are brief.")
    page.get_by_role("button", name="Save").last.click()
    page.goto("/")
    send(page, "Hello")
    asked = upstream.exchanges[-1].body
    assert (asked["temperature"], asked["messages"][0]["content"]) == (0.3, "You are brief.")


# Gradio's accordion: additional inputs


def test_additional_inputs_stand_in_an_accordion_and_reach_their_backend(page, upstream):
    from conversations.backends import get_backend

    page.locator("select[name=model]").select_option(str(ChatModel.objects.get(backend="toned").pk))
    open_panel(page)
    expect(control(page, "Tone")).to_be_hidden()
    page.get_by_text("Additional inputs").click()
    control(page, "Tone").select_option("Merry")
    control(page, "Place").fill("Huế")
    control(page, "Rhymes").check()
    control(page, "Verses").fill("3")
    send(page, "Hello")
    options = get_backend("toned").requests[-1].options
    assert [options[name] for name in ("tone", "place", "rhymes", "verses")] == ["merry", "Huế", True, 3]


def test_top_p_and_top_k_are_there_where_the_server_knows_them(page, upstream):
    open_panel(page)
    page.get_by_text("Choice of words").click()
    control(page, "Top p").fill("0.9")
    control(page, "Top k").fill("40")
    send(page, "Hello")
    asked = upstream.exchanges[-1].body
    assert (asked["top_p"], asked["top_k"]) == (0.9, 40)


# The model


def test_another_model_brings_its_own_settings_and_bounds_and_the_wish_is_not_forgotten(page, upstream):
    guide = ChatModel.objects.get(backend="guide")
    poet = ChatModel.objects.get(backend="toned")
    ModelSetting.objects.create(model=poet, name="temperature", most=0.5)
    open_panel(page)
    slide(page, "Temperature", to="0.9")
    page.locator("select[name=model]").select_option(str(poet.pk))
    expect(control(page, "Temperature")).to_have_value("0.5")
    page.locator("select[name=model]").select_option(str(guide.pk))
    expect(page.locator("[data-settings-body]")).to_contain_text("nothing to set")
    page.locator("select[name=model]").select_option(label="echo")
    expect(control(page, "Temperature")).to_have_value("0.9")
    send(page, "Hello")
    assert upstream.exchanges[-1].body["temperature"] == 0.9


# Its controls


def test_one_setting_or_all_go_back_to_the_default(page):
    send(page, "Hello")
    open_panel(page)
    expect(page.get_by_role("button", name="Reset: Temperature")).to_be_hidden()
    slide(page, "Temperature", to="0.1")
    control(page, "Memory").select_option("All that fits")
    saved(page)
    assert the_chat().options == {"temperature": 0.1, "memory": 0}
    page.get_by_role("button", name="Reset: Temperature").click()
    expect(page.locator("output[for=setting-temperature]")).to_have_text("0.7")
    expect(control(page, "Temperature")).to_be_focused()
    expect(page.get_by_role("button", name="Reset: Temperature")).to_be_hidden()
    expect(page.locator(OPEN)).to_have_attribute("data-tuned", "")
    page.get_by_role("button", name="Reset all").click()
    expect(page.locator(OPEN)).not_to_have_attribute("data-tuned", "")
    expect(page.get_by_role("button", name="Reset all")).to_be_hidden()
    page.reload()
    open_panel(page)
    expect(control(page, "Memory")).to_have_value("3")
    assert the_chat().options == {}


def test_the_keyboard_opens_it_leaves_it_and_comes_back_to_where_it_was(page):
    button = page.get_by_role("button", name="Settings", exact=False).first
    button.focus()
    page.keyboard.press("Space")
    expect(page.locator("dialog[data-settings]")).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("button", name="Close the settings")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[data-settings]")).to_be_hidden()
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(page.locator("dialog[data-settings]")).to_be_visible()


def test_enter_in_a_field_saves_and_neither_sends_nor_resets(page):
    send(page, "Hello")
    open_panel(page)
    page.get_by_text("Choice of words").click()
    control(page, "Top p").fill("0.5")
    control(page, "Top p").press("Enter")
    saved(page)
    assert the_chat().options == {"top_p": 0.5}
    expect(page.locator("article.user")).to_have_count(1)


def test_beside_the_chat_one_goes_on_writing_while_it_is_open(page):
    open_panel(page)
    panel = page.locator("dialog[data-settings]").bounding_box()
    composer = page.locator(".composer-box").bounding_box()
    assert composer["x"] + composer["width"] <= panel["x"]
    send(page, "Hello")
    expect(page.locator("dialog[data-settings]")).to_be_visible()


def test_on_a_phone_it_is_a_sheet_that_keeps_the_focus_and_goes_on_escape(phone):
    open_panel(phone)
    panel = phone.locator("dialog[data-settings]")
    assert panel.evaluate("panel => panel.matches(':modal')")
    bottom = "panel => Math.round(panel.getBoundingClientRect().bottom)"
    until(phone, lambda: panel.evaluate(bottom) == 844)  # it slides in
    assert round(panel.bounding_box()["width"]) == 390
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    slide(phone, "Temperature", to="0.4")
    phone.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    send(phone, "Hello")
    assert the_chat().options == {"temperature": 0.4}


def test_when_the_site_does_not_answer_it_is_said_and_the_next_change_saves_all(page):
    send(page, "Hello")
    open_panel(page)
    page.route("**/settings/", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    slide(page, "Temperature", to="0.6")
    expect(page.locator("[data-settings-error]")).to_contain_text("could not be saved")
    page.unroute("**/settings/")
    control(page, "Memory").select_option("9")
    saved(page)
    expect(page.locator("[data-settings-error]")).to_be_empty()
    assert the_chat().options == {"temperature": 0.6, "memory": 9}


def test_what_is_typed_last_is_saved_though_the_page_is_left_at_once(page):
    send(page, "Hello")
    open_panel(page)
    control(page, "Personality").select_option("My own text")
    saved(page)
    control(page, "What the model is told first").fill("You are quick.")
    page.goto("/")
    until(page, lambda: the_chat().system_prompt == "You are quick.")


def test_without_javascript_a_page_of_its_own_does_the_same(visits, tuned_site, alice, cookies_of, upstream):
    page = cookies_of(visits.window(tuned_site, javascript=False), tuned_site, alice)
    page.goto("/")
    page.get_by_role("link", name="Settings").click()
    control(page, "Temperature").fill("0.1")
    control(page, "Personality").select_option("My own text")
    control(page, "What the model is told first").fill("You are plain.")
    page.get_by_role("button", name="Begin the chat").click()
    page.fill(FIELD, "Hello")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("article.assistant")).to_have_count(1)
    asked = upstream.exchanges[-1].body
    assert (asked["temperature"], asked["messages"][0]["content"]) == (0.1, "You are plain.")
    page.goto(f"/c/{the_chat().pk}/")
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Reset: Temperature").click()
    expect(page.get_by_text("The settings of this chat are saved.")).to_be_visible()
    assert the_chat().options == {}
    assert the_chat().system_prompt == "You are plain."
