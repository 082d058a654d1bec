"""What people tune reaches the model, within what its entry in the catalogue allows."""

from __future__ import annotations

import pytest

from conversations import services, streaming
from conversations.backends import get_backend
from conversations.backends.scripted import ScriptedBackend
from conversations.errors import BackendError, InputError
from conversations.models import Conversation, ModelFallback, ModelSetting, Persona
from conversations.streaming.executors import in_database
from conversations.types import NOTHING, Delta, Setting
from tests.helpers import branch, finished, say


class Toned(ScriptedBackend):
    """A model with inputs of its own."""

    settings = (
        *ScriptedBackend.settings,
        Setting("tone", "Tone", "choice", "plain", choices=(("plain", "Plain"), ("merry", "Merry"))),
        Setting("place", "Place", "text", "", most=20),
        Setting("rhymes", "Rhymes", "flag", False),
        Setting("verses", "Verses", "integer", least=1, most=9),
    )


@pytest.fixture
def toned(settings, transactional_db):
    settings.CHAT_BACKENDS = {
        "toned": {"BACKEND": "tests.test_tuning.Toned"},
        "guide": settings.CHAT_BACKENDS["guide"],
    }
    services.seed_catalogue()
    return next(model for model in services.available_models() if model.backend == "toned")


@pytest.fixture
def chat(alice):
    return services.start_conversation(alice)


def names(model) -> list[str]:
    return [setting.name for setting in services.settings_of(model)]


def one(model, name: str) -> Setting:
    return next(setting for setting in services.settings_of(model) if setting.name == name)


def change(model, name: str, **fields) -> None:
    ModelSetting.objects.update_or_create(model=model, name=name, defaults=fields)


def wished(model, said, before=NOTHING) -> dict:
    """What a conversation keeps when its owner says this."""
    chat = Conversation(options=dict(before))
    services.take(chat, model, services.Wish(said))
    return chat.options


def asked(backend):
    return [request for request in backend.requests if request.options.get("purpose") != "title"][-1]


def test_a_model_is_tuned_by_what_its_connection_knows_and_rules_by_nothing(catalogue):
    assert names(catalogue["scripted"]) == ["temperature", "max_tokens", "memory", "top_p"]
    assert names(catalogue["guide"]) == []


def test_defaults_are_temperature_07_512_tokens_and_3_turns(catalogue, chat):
    assert services.options_for(chat, catalogue["scripted"]) == {"temperature": 0.7, "max_tokens": 512, "memory": 3}
    assert services.options_for(chat, catalogue["guide"]) == {}


def test_the_site_says_other_defaults(catalogue, chat, settings):
    settings.CHAT_DEFAULT_OPTIONS = {"temperature": 0.2, "max_tokens": 700, "seed": 4}
    options = services.options_for(chat, catalogue["scripted"])
    assert options == {"temperature": 0.2, "max_tokens": 700, "memory": 3, "seed": 4}
    assert 700 in [value for value, _label in one(catalogue["scripted"], "max_tokens").choices]


def test_an_entry_gives_its_own_default_narrows_and_hides(catalogue, chat):
    model = catalogue["scripted"]
    change(model, "temperature", default="0.3", most=0.5)
    change(model, "max_tokens", most=1024)
    change(model, "memory", is_hidden=True, default="5")
    assert names(model) == ["temperature", "max_tokens", "top_p"]
    assert (one(model, "temperature").least, one(model, "temperature").most) == (0, 0.5)
    assert [value for value, _label in one(model, "max_tokens").choices] == [256, 512, 1024]
    assert services.options_for(chat, model) == {"temperature": 0.3, "max_tokens": 512, "memory": 5}
    chat.options = {"memory": 9}
    assert services.options_for(chat, model, {"memory": 9})["memory"] == 5, "hidden means fixed"


@pytest.mark.parametrize(
    ("name", "wish", "bounds", "effective"),
    [
        ("temperature", 0.9, {"most": 0.5}, 0.5),
        ("temperature", 0.1, {"least": 0.4}, 0.4),
        ("temperature", "hot", {}, 0.7),
        ("temperature", True, {}, 0.7),
        ("temperature", float("nan"), {}, 0.7),
        ("max_tokens", 8192, {"most": 1024}, 1024),
        ("max_tokens", 256, {"least": 512}, 512),
        ("max_tokens", 700, {}, 512),
        ("memory", 0, {"most": 5}, 5),
        ("memory", 0, {}, 0),
        ("memory", 9, {"most": 5}, 5),
        ("top_p", 0.001, {}, 0.05),
    ],
)
def test_what_was_said_to_one_model_is_brought_within_the_bounds_of_another(
    catalogue, chat, name, wish, bounds, effective
):
    change(catalogue["scripted"], name, **bounds)
    chat.options = {name: wish}
    assert services.options_for(chat, catalogue["scripted"])[name] == effective
    assert chat.options == {name: wish} or wish != wish, "it is kept for the next change"


def test_bounds_and_defaults_that_make_no_sense_are_passed_over(catalogue, chat):
    change(catalogue["scripted"], "temperature", least=0.9, most=0.1, default="warm")
    change(catalogue["scripted"], "max_tokens", most=3)
    assert services.options_for(chat, catalogue["scripted"])["temperature"] == 0.7
    assert services.options_for(chat, catalogue["scripted"])["max_tokens"] == 512


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("temperature", 1.5, "Temperature"),
        ("temperature", "warm", "Temperature"),
        ("temperature", "nan", "Temperature"),
        ("max_tokens", 300, "Longest answer"),
        ("max_tokens", 10**9, "Longest answer"),
        ("memory", 11, "Memory"),
        ("memory", -1, "Memory"),
        ("top_p", 0, "Top p"),
        ("tone", "rude", "Tone"),
        ("place", "x" * 21, "Place"),
        ("place", 7, "Place"),
        ("rhymes", "perhaps", "Rhymes"),
        ("verses", 2.5, "Verses"),
        ("verses", 10, "Verses"),
        ("volume", 11, "volume"),
    ],
)
def test_what_no_model_takes_is_refused_by_name(toned, chat, name, value, word):
    with pytest.raises(InputError, match=word):
        services.options_for(chat, toned, {name: value})


def test_values_come_as_text_from_forms_and_as_values_from_elsewhere(toned, chat):
    said = {"temperature": "0.2", "memory": "0", "tone": "merry", "place": "Huế", "rhymes": "true", "verses": "3"}
    kept = wished(toned, said)
    assert kept == {"temperature": 0.2, "memory": 0, "tone": "merry", "place": "Huế", "rhymes": True, "verses": 3}
    assert services.options_for(chat, toned, kept)["verses"] == 3


def test_only_what_differs_from_the_defaults_is_kept(toned):
    kept = wished(toned, {"temperature": "0.7", "memory": "4", "verses": "", "rhymes": ""}, {"verses": 2})
    assert kept == {"memory": 4}


def test_wishes_for_another_model_are_kept_when_this_one_is_tuned(toned):
    assert wished(toned, {"memory": "4"}, {"loudness": 3, "top_p": 0.5}) == {
        "loudness": 3,
        "top_p": 0.5,
        "memory": 4,
    }


def test_a_wish_beyond_the_bounds_of_the_entry_bends_and_one_beyond_all_is_refused(toned):
    change(toned, "temperature", most=0.5)
    assert wished(toned, {"temperature": "0.9"}) == {}, "0.5 is now the default as well"
    assert wished(toned, {"temperature": "0.2"}) == {"temperature": 0.2}
    with pytest.raises(InputError, match="from 0 to 1"):
        wished(toned, {"temperature": "1.1"})


def test_a_new_chat_keeps_usual_wishes_that_its_first_model_does_not_know(toned):
    guide = next(model for model in services.available_models() if model.backend == "guide")
    assert wished(guide, {"temperature": "0.2", "memory": "3", "max_tokens": "", "tone": "merry"}) == {
        "temperature": 0.2,
        "memory": 3,
    }
    change(toned, "temperature", is_hidden=True)
    assert wished(toned, {"temperature": "0.2", "tone": "merry"}) == {"temperature": 0.2, "tone": "merry"}
    with pytest.raises(InputError, match="Temperature"):
        wished(guide, {"temperature": "9"})


def test_what_is_saved_as_a_narrower_model_shows_it_stays_as_it_was_said(toned):
    change(toned, "temperature", most=0.5)
    change(toned, "max_tokens", most=1024)
    said = {"temperature": 0.9, "max_tokens": 8192}
    assert wished(toned, {"temperature": "0.5", "max_tokens": "1024", "memory": "5"}, said) == said | {"memory": 5}
    assert wished(toned, {"temperature": "0.4", "max_tokens": "256"}, said) == {"temperature": 0.4, "max_tokens": 256}
    assert wished(toned, {"temperature": None, "max_tokens": None}, said) == {}, "a reset"


async def test_a_chat_that_began_with_rules_answers_as_wished_with_a_model(engine, alice, catalogue, scripted):
    chat, wish = services.start_conversation(alice), services.Wish({"temperature": "0.2"})
    row = await services.send_message(chat, "Hi", parent_id="", model=catalogue["guide"].pk, wish=wish)
    row = await finished(row)
    await finished(await services.send_message(row.conversation, "And now?", model=catalogue["scripted"].pk))
    assert asked(scripted).options["temperature"] == 0.2


async def test_settings_of_a_conversation_reach_the_model_and_the_message_remembers_them(engine, alice, scripted):
    chat = services.start_conversation(alice)
    chat.options = {"temperature": 0.1, "max_tokens": 1024, "top_p": 0.5}
    chat.system_prompt = "Answer like a pirate."
    row = await finished(await services.send_message(chat, "Hi", parent_id=""))
    request = asked(scripted)
    assert dict(request.options) == {"temperature": 0.1, "max_tokens": 1024, "top_p": 0.5, "memory": 3}
    assert (request.messages[0].role, request.messages[0].content) == ("system", "Answer like a pirate.")
    reply = (await branch(row.conversation))[-1]
    assert reply.metadata["options"] == {"temperature": 0.1, "max_tokens": 1024, "top_p": 0.5, "memory": 3}
    assert "pirate" not in "".join(message.content for message in await branch(row.conversation))


async def test_an_answer_asked_for_again_and_a_continued_one_are_tuned_alike(engine, alice, scripted):
    scripted.enqueue(Delta("Half an ans", finish_reason="length"))
    chat = services.start_conversation(alice)
    chat.options = {"temperature": 0.4}
    row = await finished(await services.send_message(chat, "Hi", parent_id=""))
    again = await finished(await services.regenerate(row.conversation, row.reply_id))
    assert again.options["temperature"] == 0.4
    assert asked(scripted).options["temperature"] == 0.4
    longer = await finished(await services.continue_reply(row.conversation, row.reply_id))
    assert longer.options["temperature"] == 0.4


async def test_a_persona_speaks_before_the_own_text_and_the_site_without_both(engine, alice, scripted, settings):
    persona = await in_database(lambda: Persona.objects.create(name="Cook", prompt="You cook."))
    chat = services.start_conversation(alice)
    chat.persona, chat.system_prompt = persona, "Mine."
    row = await finished(await services.send_message(chat, "Hi", parent_id=""))
    assert asked(scripted).messages[0].content == "You cook."
    # As a page obtains it: the persona comes with the conversation.
    found = await in_database(services.by_id, alice, row.conversation_id)
    await finished(await services.send_message(found, "And now?"))
    assert asked(scripted).messages[0].content == "You cook."
    await in_database(lambda: Conversation.objects.update(persona=None))
    found = await in_database(services.by_id, alice, row.conversation_id)
    await finished(await services.send_message(found, "Now mine"))
    assert asked(scripted).messages[0].content == "Mine."
    found.system_prompt = "  "
    assert services.system_prompt_of(found) == settings.CHAT_SYSTEM_PROMPT


async def test_a_message_may_be_sent_with_settings_of_its_own(engine, alice, scripted):
    await finished(await say(alice, "Hi", options={"temperature": 0.0}))
    assert asked(scripted).options["temperature"] == 0.0
    with pytest.raises(InputError, match="Temperature"):
        await say(alice, "Hi", options={"temperature": 7})


async def test_the_inputs_that_a_backend_declares_reach_it(toned, alice):
    try:
        chat = services.start_conversation(alice)
        chat.options = {"tone": "merry", "rhymes": True}
        await finished(await services.send_message(chat, "Hi", parent_id=""))
        options = asked(get_backend("toned")).options
        assert (options["tone"], options["rhymes"], options["place"]) == ("merry", True, "")
    finally:
        await streaming.shutdown()


async def test_a_substitute_is_asked_within_bounds_of_its_own(engine, alice, scripted, catalogue, settings):
    settings.CHAT_BACKENDS = {**settings.CHAT_BACKENDS, "toned": {"BACKEND": "tests.test_tuning.Toned"}}
    scripted = get_backend("scripted")

    def connect():
        services.seed_catalogue()
        stand_in = next(model for model in services.available_models() if model.backend == "toned")
        ModelFallback.objects.create(model=catalogue["scripted"], substitute=stand_in)
        change(stand_in, "max_tokens", most=512)
        change(stand_in, "memory", is_hidden=True, default="9")
        change(stand_in, "top_p", default="0.5")

    await in_database(connect)
    scripted.enqueue(BackendError("No."))
    chat = services.start_conversation(alice)
    chat.model, chat.options = catalogue["scripted"], {"temperature": 0.2, "max_tokens": 4096, "memory": 4}
    row = await finished(await services.send_message(chat, "Hi", parent_id=""))
    assert row.status == "completed"
    assert dict(asked(get_backend("toned")).options) == {
        "temperature": 0.2,
        "max_tokens": 512,
        "memory": 9,
        "top_p": 0.5,
        "tone": "plain",
        "place": "",
        "rhymes": False,
    }
