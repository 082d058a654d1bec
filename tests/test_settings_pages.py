"""The settings of a chat, of a new one and of all new ones, as a browser meets them."""

from __future__ import annotations

import re
import uuid

import pytest
from django.db import connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations import services
from conversations.models import ChatDefaults, ChatModel, Conversation, ModelSetting, Persona
from conversations.services.wishes import chosen_with_options
from conversations.streaming.executors import in_database
from tests.helpers import finished
from tests.test_tuning import asked

pytestmark = pytest.mark.django_db(transaction=True)
FETCH = {"X-Requested-With": "fetch"}
START = "/send/"


@pytest.fixture
def chat(catalogue, alice):
    return services.create(alice, title="Ours", model=catalogue["scripted"])


@pytest.fixture
def alices(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
async def browser(engine, alice):
    client = AsyncClient()
    await client.aforce_login(alice)
    return client


def settings_of(chat) -> str:
    return reverse("conversations:settings", args=[chat.pk])


def html(response) -> str:
    return response.content.decode()


def chosen(page: str, name: str) -> str:
    """The value of a control in a page."""
    select = re.search(rf'<select[^>]*name="{name}".*?</select>', page, re.DOTALL)
    if select:
        return re.search(r'<option value="([^"]*)"[^>]* selected', select[0])[1]
    return re.search(rf'<input[^>]*name="{name}" value="([^"]*)"', page)[1]


# The settings of a chat


def test_the_page_shows_what_is_in_force(alices, chat):
    page = html(alices.get(settings_of(chat)))
    assert (chosen(page, "option-temperature"), chosen(page, "option-max_tokens")) == ("0.7", "512")
    assert (chosen(page, "option-memory"), chosen(page, "personality")) == ("3", "")
    assert "Scripted" in page


def test_a_form_without_javascript_saves_and_leads_back(alices, chat):
    said = {"option-temperature": "0.2", "option-max_tokens": "1024", "option-memory": "0"}
    response = alices.post(settings_of(chat), said | {"personality": "own", "system_prompt": "Be a pirate.\r\n"})
    assert (response.status_code, response["Location"]) == (302, reverse("conversations:show", args=[chat.pk]))
    chat.refresh_from_db()
    assert chat.options == {"temperature": 0.2, "max_tokens": 1024, "memory": 0}
    assert (chat.persona, chat.system_prompt) == (None, "Be a pirate.")
    page = html(alices.get(settings_of(chat)))
    assert (chosen(page, "option-temperature"), chosen(page, "option-memory")) == ("0.2", "0")
    assert "Be a pirate." in page
    shown = html(alices.get(response["Location"]))
    assert "pirate" not in shown, "the system prompt is never shown among the messages"
    assert "data-tuned" in shown


def test_our_script_gets_the_form_alone_and_saves_without_an_answer(alices, chat):
    page = html(alices.get(settings_of(chat), headers=FETCH))
    assert page.startswith("<form")
    assert "<html" not in page
    response = alices.post(settings_of(chat), {"option-temperature": "0.1"}, headers=FETCH)
    assert (response.status_code, response.content) == (204, b"")
    chat.refresh_from_db()
    assert chat.options == {"temperature": 0.1}


def test_of_two_tabs_the_last_writer_wins(alices, chat):
    for value in ("0.1", "0.9"):
        assert alices.post(settings_of(chat), {"option-temperature": value}, headers=FETCH).status_code == 204
    chat.refresh_from_db()
    assert chat.options == {"temperature": 0.9}


def test_a_number_is_written_as_the_reader_writes_numbers_and_sent_as_programs_do(alices, chat):
    page = html(alices.get(settings_of(chat), headers=FETCH | {"Accept-Language": "vi"}))
    assert re.search(r"<output[^>]*>0,7</output>", page)
    assert re.search(r'<input class="slider"[^>]* value="0.7"', page)


@pytest.mark.parametrize("headers", [FETCH, {}])
def test_what_cannot_be_is_refused_by_name_and_nothing_is_saved(alices, chat, headers):
    said = {"option-temperature": "7", "option-memory": "4", "personality": "own", "system_prompt": "<b>Mine</b>"}
    response = alices.post(settings_of(chat), said, headers=headers)
    page = html(response)
    assert response.status_code == 400
    assert "“Temperature” must be a number from 0 to 1." in page
    assert "&lt;b&gt;Mine&lt;/b&gt;" in page, "the text is not lost"
    chat.refresh_from_db()
    assert (chat.options, chat.system_prompt) == ({}, "")


def test_a_system_prompt_has_a_greatest_length(alices, chat):
    response = alices.post(settings_of(chat), {"personality": "own", "system_prompt": "x" * 8001})
    assert response.status_code == 400
    assert "at most 8000 characters" in html(response)


def test_resetting_one_or_all_brings_back_the_defaults(alices, chat):
    Conversation.objects.update(options={"temperature": 0.1, "memory": 5}, system_prompt="Mine.")
    said = {"option-temperature": "0.1", "option-memory": "5", "personality": "own", "system_prompt": "Mine."}
    alices.post(settings_of(chat), said | {"reset": "temperature"})
    chat.refresh_from_db()
    assert (chat.options, chat.system_prompt) == ({"memory": 5}, "Mine.")
    alices.post(settings_of(chat), said | {"reset": "all"})
    chat.refresh_from_db()
    assert (chat.options, chat.system_prompt) == ({}, "")


def test_an_entry_that_hides_a_setting_shows_no_control_and_takes_no_value(alices, chat, catalogue):
    ModelSetting.objects.create(model=catalogue["scripted"], name="temperature", is_hidden=True)
    ModelSetting.objects.create(model=catalogue["scripted"], name="max_tokens", most=512)
    page = html(alices.get(settings_of(chat)))
    assert "option-temperature" not in page
    assert re.findall(r'<option value="(\d+)"', re.search(r'name="option-max_tokens".*?</select>', page, re.S)[0]) == [
        "256",
        "512",
    ]
    alices.post(settings_of(chat), {"option-temperature": "0.1", "option-max_tokens": "8192"})
    chat.refresh_from_db()
    assert services.options_for(chat, catalogue["scripted"]) == {"temperature": 0.7, "max_tokens": 512, "memory": 3}


def test_rules_have_nothing_to_set(alices, chat, catalogue):
    page = html(alices.get(settings_of(chat), {"model": catalogue["guide"].pk}))
    assert "option-" not in page
    assert "personality" not in page
    assert "nothing to set" in page


def test_another_model_in_the_composer_shows_its_own_settings(alices, chat, catalogue):
    other = ChatModel.objects.create(backend="scripted", model_id="cold", label="Cold one")
    ModelSetting.objects.create(model=other, name="temperature", most=0.3)
    Conversation.objects.update(options={"temperature": 0.9})
    page = html(alices.get(settings_of(chat), {"model": other.pk}, headers=FETCH))
    assert "Cold one" in page
    assert 'max="0.3"' in page
    assert chosen(page, "option-temperature") == "0.3"
    for odd in ("x", "-1", "9" * 40, str(10**6)):
        assert alices.get(settings_of(chat), {"model": odd}).status_code == 200


def test_numbers_have_points_whatever_the_language(alices, chat):
    page = html(alices.get(settings_of(chat), headers={"Accept-Language": "de"}))
    assert chosen(page, "option-temperature") == "0.7"


@pytest.mark.parametrize("name", ["settings", "use_persona"])
def test_the_settings_of_somebody_elses_chat_do_not_exist(client, bob, chat, name):
    client.force_login(bob)
    theirs = reverse(f"conversations:{name}", args=[chat.pk])
    nobodys = reverse(f"conversations:{name}", args=[uuid.uuid4()])
    answers = [client.post(url, {"option-temperature": "0", "persona": ""}) for url in (theirs, nobodys)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert client.get(reverse("conversations:settings", args=[chat.pk])).status_code == 404
    chat.refresh_from_db()
    assert chat.options == {}


def test_who_is_not_logged_in_is_asked_to(client, chat):
    for url in (settings_of(chat), "/settings/", "/settings/new-chat/"):
        assert client.get(url).status_code == 302
        assert client.post(url).status_code == 302
        assert client.post(url, headers=FETCH).status_code == 401
    assert client.post(reverse("conversations:use_persona", args=[chat.pk])).status_code == 302


def test_wrong_verbs_are_refused(alices, chat):
    for url in (settings_of(chat), "/settings/", "/settings/new-chat/"):
        assert alices.delete(url).status_code == 405
    assert alices.get(reverse("conversations:use_persona", args=[chat.pk])).status_code == 405


# A new chat


async def test_the_settings_of_a_new_chat_go_with_its_first_message(browser, scripted):
    said = {"option-temperature": "0.3", "option-memory": "7", "personality": "own", "system_prompt": "Be brief."}
    response = await browser.post(START, {"content": "Hi", "key": "k" * 32, **said}, headers=FETCH)
    assert response.status_code == 200
    row = await in_database(lambda: Conversation.objects.get())
    assert (row.options, row.system_prompt) == ({"temperature": 0.3, "memory": 7}, "Be brief.")
    await finished(await in_database(lambda: row.generations.get()))
    request = asked(scripted)
    assert (request.options["temperature"], request.options["memory"]) == (0.3, 7)
    assert request.messages[0].content == "Be brief."
    assert "option-" not in html(response), "they are the chat's own now"
    assert "data-tuned" in html(response)


def test_they_cost_no_further_query(catalogue, alice, settings):
    settings.CHAT_CATALOGUE_AGE = 3600.0
    services.forget_catalogue()
    services.available_models()

    def asked_with(wish) -> tuple[int, dict]:
        chat = services.start_conversation(alice)
        with CaptureQueriesContext(connection) as captured:
            _model, options = chosen_with_options(catalogue["scripted"].pk, chat, {}, wish)
            services.system_prompt_of(chat)
        return len(captured), options

    plain, _defaults = asked_with(None)
    wish = services.Wish({"temperature": "0.3", "memory": "7"}, services.OWN_TEXT, "Be brief.")
    assert asked_with(wish) == (plain, {"temperature": 0.3, "max_tokens": 512, "memory": 7})
    services.forget_catalogue()


def test_the_persona_of_a_saved_chat_comes_with_it(catalogue, alice, chat):
    Conversation.objects.update(persona=Persona.objects.create(name="Cook", prompt="You cook."))
    with CaptureQueriesContext(connection) as captured:
        assert services.system_prompt_of(services.by_id(alice, chat.pk)) == "You cook."
    assert len(captured) == 1


async def test_a_refused_first_message_keeps_its_settings(browser):
    said = {"option-temperature": "0.3", "personality": "own", "system_prompt": 'Say "no".'}
    response = await browser.post(START, {"content": " ", **said}, headers=FETCH)
    page = html(response)
    assert response.status_code == 400
    assert '<input type="hidden" name="option-temperature" value="0.3">' in page
    assert '<input type="hidden" name="system_prompt" value="Say &quot;no&quot;.">' in page


async def test_a_first_message_with_a_setting_that_cannot_be_is_refused_by_name(browser):
    response = await browser.post(START, {"content": "Hi", "option-temperature": "9"}, headers=FETCH)
    assert response.status_code == 400
    assert "“Temperature” must be a number from 0 to 1." in html(response)
    assert ">\nHi</textarea>" in html(response)


async def test_a_first_message_with_another_persons_persona_is_refused(browser, bob):
    persona = await in_database(lambda: Persona.objects.create(name="Mine", prompt="Secret", owner=bob))
    response = await browser.post(START, {"content": "Hi", "personality": str(persona.pk)}, headers=FETCH)
    assert response.status_code == 400
    assert "Secret" not in html(response)
    assert not await in_database(Conversation.objects.exists)


async def test_a_persona_that_no_number_names_is_refused_with_the_text(browser):
    for odd in ("x", "9" * 5000):
        response = await browser.post(START, {"content": "Hi", "personality": odd}, headers=FETCH)
        assert response.status_code == 400
        assert ">\nHi</textarea>" in html(response)


async def test_a_persona_answers_from_the_first_message_on(browser, alice, scripted):
    persona = await in_database(lambda: Persona.objects.create(name="Cook", prompt="You cook.", owner=alice))
    await browser.post(START, {"content": "Hi", "personality": str(persona.pk)}, headers=FETCH)
    row = await in_database(lambda: Conversation.objects.get())
    await finished(await in_database(lambda: row.generations.get()))
    assert row.persona_id == persona.pk
    assert asked(scripted).messages[0].content == "You cook."


def test_without_javascript_a_page_leads_to_a_new_chat_with_these_settings(alices, catalogue):
    page = html(alices.get("/settings/new-chat/"))
    assert chosen(page, "option-temperature") == "0.7"
    said = {"option-temperature": "0.2", "option-memory": "3", "personality": "own", "system_prompt": "Be brief."}
    page = html(alices.post("/settings/new-chat/", said))
    composer = page[page.index('<form class="composer"') :]
    for name, value in {"option-temperature": "0.2", "personality": "own", "system_prompt": "Be brief."}.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in composer
    assert page.count('name="option-temperature"') == 2, "the examples begin so, too"
    assert "option-memory" not in composer, "what is as by default is not said"
    refused = alices.post("/settings/new-chat/", said | {"option-temperature": "3"})
    assert (refused.status_code, "must be a number" in html(refused)) == (400, True)
    assert not Conversation.objects.exists()


def test_our_script_asks_for_the_panel_of_a_new_chat_with_what_is_said_already(alices, catalogue):
    page = html(alices.post("/settings/new-chat/", {"option-temperature": "0.2", "content": "x"}, headers=FETCH))
    assert page.startswith("<form")
    assert chosen(page, "option-temperature") == "0.2"


# What new chats begin with


def test_new_chats_begin_as_their_owner_wishes(alices, alice, catalogue):
    persona = Persona.objects.create(name="Cook", prompt="You cook.")
    said = {"model": catalogue["guide"].pk, "option-temperature": "0.2", "option-memory": "", "option-top_p": "0.9"}
    response = alices.post("/settings/", said | {"personality": str(persona.pk)})
    assert (response.status_code, response["Location"]) == (302, "/settings/")
    kept = ChatDefaults.objects.get()
    assert (kept.user, kept.model, kept.persona) == (alice, catalogue["guide"], persona)
    assert kept.options == {"temperature": 0.2, "top_p": 0.9}
    page = html(alices.get("/settings/"))
    assert (chosen(page, "option-temperature"), chosen(page, "model")) == ("0.2", str(catalogue["guide"].pk))
    page = html(alices.get("/"))
    composer = page[page.index('<form class="composer"') :]
    assert 'name="option-temperature" value="0.2"' in composer
    assert f'name="personality" value="{persona.pk}"' in composer
    assert chosen(composer, "model") == str(catalogue["guide"].pk)


def test_defaults_are_of_one_person(client, alices, bob, catalogue):
    alices.post("/settings/", {"option-temperature": "0.2"})
    client.force_login(bob)
    assert "option-temperature" not in html(client.get("/"))
    assert chosen(html(client.get("/settings/")), "option-temperature") == ""


def test_a_default_equal_to_the_sites_is_kept_because_a_model_may_have_another(alices, alice, catalogue):
    alices.post("/settings/", {"option-temperature": "0.7"})
    ModelSetting.objects.create(model=catalogue["scripted"], name="temperature", default="0.1")
    assert services.options_for(services.begin(alice), catalogue["scripted"])["temperature"] == 0.7


def test_defaults_that_cannot_be_are_refused_by_name(alices, catalogue):
    for said, words in (
        ({"option-temperature": "7"}, "must be a number"),
        ({"option-memory": "70"}, "one of the values"),
        ({"personality": "999"}, "not there any more"),
        ({"model": "999"}, "not available any more"),
    ):
        response = alices.post("/settings/", said)
        assert (response.status_code, words in html(response)) == (400, True), said
    assert not ChatDefaults.objects.exists()


def test_defaults_outlive_their_model_and_persona(alices, alice, catalogue):
    persona = Persona.objects.create(name="Cook", prompt="You cook.", owner=alice)
    model = ChatModel.objects.create(backend="scripted", model_id="x", label="X")
    alices.post("/settings/", {"model": model.pk, "personality": str(persona.pk)})
    model.delete()
    persona.delete()
    begun = services.begin(alice)
    assert (begun.model, services.system_prompt_of(begun)) == (None, "You cook.")
    assert alices.get("/").status_code == 200
