"""The admin's pages of models: connect, tick, edit, test."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from conversations import services
from conversations.models import ChatModel, ModelSetting
from conversations.services import settings_of
from tests.upstream import HANG, Answer, Upstream

pytestmark = pytest.mark.django_db(transaction=True)
CONNECT = "/admin/connect/"
CHANGELIST = "/admin/conversations/chatmodel/"
OFFERS = f"{CHANGELIST}offers/acme/"


@pytest.fixture
def upstream():
    with Upstream() as server:
        server.models = {
            "data": [
                {"id": "small"},
                {"id": "big", "max_model_len": 8192, "providers": [{"provider": "groq"}, {"provider": "novita"}]},
            ]
        }
        yield server


@pytest.fixture
def acme(settings, upstream):
    """One connection, "acme", to the upstream, with "small" in the catalogue; again with other options."""

    def connect(**options) -> ChatModel:
        kind = "conversations.backends.chat_completions.ChatCompletionsBackend"
        given = {"base_url": upstream.url, "label": "Acme", "models": ["small"], **options}
        settings.CHAT_BACKENDS = {
            "acme": {"BACKEND": kind, "OPTIONS": given},
            "guide": settings.CHAT_BACKENDS["guide"],
        }
        services.seed_catalogue()
        return ChatModel.objects.get(backend="acme", model_id="small")

    return connect


@pytest.fixture
def page(client, admin):
    """What the administrator reads."""
    client.force_login(admin)
    return lambda path=OFFERS: client.get(path).content.decode()


@pytest.fixture
def staff(client, django_user_model):
    """Somebody who may enter the admin, with these permissions."""

    def make(*codenames: str):
        user = django_user_model.objects.create_user("carol", "carol@example.com", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return make


def box(html: str, model_id: str) -> str:
    """The checkbox of an offer."""
    return re.search(rf'<input type="checkbox" name="add" value="{re.escape(model_id)}"[^>]*>', html)[0]


def test_offers_are_listed_and_what_is_in_the_catalogue_is_shown_as_such(acme, page):
    acme()
    html = page()
    assert "checked disabled" in box(html, "small")
    assert "checked" not in box(html, "big")
    assert "In the catalogue" in html
    assert "8,192" in html
    assert "checked" not in box(html, "big:groq")
    assert 'name="q"' not in html  # three rows need no search


def test_ticked_models_can_be_chosen_at_once_and_it_is_written_down(acme, page, client):
    acme()
    page()
    answer = client.post(OFFERS, {"add": ["big", "big:groq"]}, follow=True)
    assert "Added: big, big (groq). Test them" in answer.content.decode()
    assert [model.model_id for model in services.available_models()] == ["small", "big", "big:groq", "guide"]
    assert ChatModel.objects.get(model_id="big").context_size == 8192
    assert "Added" in client.get(f"{CHANGELIST}{ChatModel.objects.get(model_id='big').pk}/history/").content.decode()


def test_a_hidden_model_is_told_and_can_be_ticked_again(acme, page, client):
    small = acme()
    ChatModel.objects.filter(pk=small.pk).update(enabled=False)
    html = page()
    assert "Hidden in the catalogue" in html
    assert "disabled" not in box(html, "small")
    client.post(OFFERS, {"add": ["small"]})
    small.refresh_from_db()
    assert small.enabled


def test_adding_without_a_tick_is_told(acme, page, client):
    acme()
    page()
    assert "Tick at least one model." in client.post(OFFERS, {}).content.decode()


def test_what_nobody_offers_is_not_added(acme, page, client):
    acme()
    page()
    client.post(OFFERS, {"add": ["made-up"]})
    assert not ChatModel.objects.filter(model_id="made-up").exists()


def test_a_long_list_has_a_search(acme, page, upstream):
    upstream.models = {"data": [{"id": f"acme/model-{i}"} for i in range(40)]}
    acme()
    assert 'name="q"' in page()
    assert re.findall('name="add" value="([^"]+)"', page(f"{OFFERS}?q=MODEL+17")) == ["acme/model-17"]
    assert "Nothing matches “zzz”" in page(f"{OFFERS}?q=zzz")


def test_what_is_gone_is_told_and_hidden_with_one_click(acme, page, client, upstream):
    acme()
    upstream.models = {"data": [{"id": "big"}]}
    assert "Not offered any more" in page()
    assert "1 model is hidden." in client.post(OFFERS, {"hide": "1"}, follow=True).content.decode()
    assert not ChatModel.objects.get(model_id="small").enabled


def test_a_server_without_models_is_told(acme, page, upstream):
    upstream.models = {"data": []}
    acme()
    assert "“Acme” can be reached, but has no model that chats." in page()


@pytest.mark.parametrize(
    ("listing", "sentence"),
    [
        (Answer(401), "does not accept the site&#x27;s API key"),
        (Answer(200, b"<html>", {"Content-Type": "text/html"}), "is no chat server"),
        (HANG, "did not list its models within 1 second"),
    ],
)
def test_a_server_that_does_not_list_is_told_with_what_to_do(acme, page, upstream, monkeypatch, listing, sentence):
    monkeypatch.setattr(services.offering, "PAGE_PATIENCE", 0.5)
    acme(api_key="a-very-secret-key")
    upstream.models = listing
    for path in (OFFERS, CONNECT):
        html = page(path)
        assert sentence in html
        assert "Ask again" in html
        assert "a-very-secret-key" not in html


def test_a_list_that_fails_at_the_moment_of_adding_adds_nothing_and_says_why(acme, page, client, upstream):
    acme()
    page()
    upstream.models = Answer(500)
    assert "failed (error 500)" in client.post(OFFERS, {"add": ["big"]}).content.decode()
    assert not ChatModel.objects.filter(model_id="big").exists()


def test_a_connection_that_is_not_there_is_not_found(page, client):
    page(CONNECT)
    assert client.get(f"{CHANGELIST}offers/nowhere/").status_code == 404


def test_every_connection_is_one_click_away_from_the_list_of_models(acme, page):
    acme()
    html = page(CHANGELIST)
    assert f'href="{OFFERS}"' in html
    assert f'href="{CONNECT}"' in html


def test_the_page_tells_what_is_connected_and_how_to_connect_more(acme, page):
    acme()
    html = page(CONNECT)
    assert "Answers." in html
    assert re.sub(r"\s+", " ", html).find("It offers 2 models; people can choose 1.") > 0
    assert f'href="{OFFERS}"' in html
    for line in ("HF_TOKEN=", "OPENAI_API_KEY=", "OLLAMA_HOST=", "CHAT_CONNECTION_VLLM_KEY=", "LOCAL_MODEL="):
        assert line in html


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("DYNO", "heroku config:set"),
        ("SPACE_ID", "Variables and secrets"),
        ("", "where the other settings of the site"),
    ],
)
def test_the_page_says_where_variables_are_set_on_this_host(page, monkeypatch, variable, sentence):
    if variable:
        monkeypatch.setenv(variable, "x")
    assert sentence in page(CONNECT)


def test_the_page_of_a_fresh_site_says_so(page, settings):
    settings.CHAT_BACKENDS = {"guide": settings.CHAT_BACKENDS["guide"]}
    assert "No language model yet: the built-in Guide answers." in page(CONNECT)


@pytest.mark.parametrize("path", [CONNECT, OFFERS])
def test_only_those_who_may_add_models_see_the_pages(acme, staff, client, alice, path):
    acme()
    assert client.get(path).status_code == 302
    assert staff().get(path).status_code == 403
    client.force_login(alice)
    assert client.get(path).status_code in (302, 403)


def test_adding_is_enough_to_add_but_not_to_hide(acme, staff, upstream):
    acme()
    client = staff("add_chatmodel", "view_chatmodel")
    assert client.post(OFFERS, {"add": ["big"]}).status_code == 302
    upstream.models = {"data": []}
    assert client.post(OFFERS, {"hide": "1"}).status_code == 403


def test_a_test_needs_the_right_to_change_and_never_starts_by_a_link(acme, staff):
    small = acme()
    path = reverse("admin:conversations_chatmodel_test", args=[small.pk])
    client = staff("view_chatmodel", "add_chatmodel")
    assert client.get(path).status_code == 405
    assert client.post(path).status_code == 403


async def read(async_client, path: str, data: dict | None = None) -> str:
    answer = await async_client.post(path, data or {})
    assert answer.status_code == 200
    return b"".join([frame async for frame in answer.frames]).decode()


async def test_a_model_is_tested_with_one_click(acme, upstream, async_client, admin):
    from asgiref.sync import sync_to_async

    small = await sync_to_async(acme)()
    await async_client.aforce_login(admin)
    html = await read(async_client, reverse("admin:conversations_chatmodel_test", args=[small.pk]))
    assert "“small” works: Acme can be reached" in html
    assert html.rstrip().endswith("</html>")


async def test_several_models_are_tested_by_an_action(acme, upstream, async_client, admin):
    from asgiref.sync import sync_to_async

    small = await sync_to_async(acme)()
    broken = await ChatModel.objects.acreate(backend="acme", model_id="status-500", label="<b>Broken</b>")
    await async_client.aforce_login(admin)
    form = {"action": "test", "_selected_action": [small.pk, broken.pk]}
    html = await read(async_client, CHANGELIST, form)
    assert "“small” works" in html
    assert "“&lt;b&gt;Broken&lt;/b&gt;” does not work: “Acme” failed (error 500)" in html


def test_too_many_at_a_time_are_refused(acme, client, admin):
    acme()
    for i in range(21):
        ChatModel.objects.create(backend="acme", model_id=f"m{i}", label=f"m{i}")
    client.force_login(admin)
    form = {"action": "test", "_selected_action": list(ChatModel.objects.values_list("pk", flat=True))}
    assert "Select at most 20 models" in client.post(CHANGELIST, form, follow=True).content.decode()


@pytest.fixture
def save(acme, client, admin):
    """Saves "small" with these fields and rows of settings; the answer."""
    small = acme()
    client.force_login(admin)
    path = reverse("admin:conversations_chatmodel_change", args=[small.pk])

    def post(*rows: dict, **fields):
        form = {"label": "Small", "backend": "acme", "model_id": "small", "order": 1, "enabled": "on"}
        form |= {"filter_level": "standard", "parameters": "{}"} | fields
        form |= {"fallbacks-TOTAL_FORMS": 0, "fallbacks-INITIAL_FORMS": 0}
        form |= {"settings-TOTAL_FORMS": len(rows), "settings-INITIAL_FORMS": 0}
        for i, row in enumerate(rows):
            form |= {f"settings-{i}-{name}": value for name, value in row.items()}
        return client.post(path, form)

    return post


def test_what_people_read_of_a_model_is_edited(save):
    texts = {"price": "free", "licence": "MIT", "memory": "3 GB", "use_case": "Code", "filter_level": "strict"}
    assert save(**texts, parameters='{"stop": ["###"]}').status_code == 302
    model = ChatModel.objects.get(model_id="small")
    assert {name: getattr(model, name) for name in texts} == texts
    assert model.parameters == {"stop": ["###"]}
    refused = save(**texts, parameters='{"reasoning": "sometimes"}')
    assert "one of tags, opened, off" in refused.content.decode()
    assert save(**texts, parameters='{"reasoning": "opened"}').status_code == 302


@pytest.mark.parametrize("parameters", ['["a"]', "3", '"text"', "{oops"])
def test_parameters_are_an_object(save, parameters):
    answer = save(parameters=parameters)
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()


@pytest.mark.parametrize("parameters", ["", "{}", "null"])
def test_no_parameters_are_none(save, parameters):
    assert save(parameters=parameters).status_code == 302
    assert ChatModel.objects.get(model_id="small").parameters == {}


def test_a_setting_is_narrowed_and_hidden(save):
    rows = [
        {"name": "temperature", "default": "0.2", "least": "0", "most": "0.5"},
        {"name": "memory", "default": "10"},
        {"name": "top_p", "is_hidden": "on"},
    ]
    assert save(*rows).status_code == 302
    found = {setting.name: setting for setting in settings_of(ChatModel.objects.get(model_id="small"))}
    assert (found["temperature"].default, found["temperature"].most) == (0.2, 0.5)
    assert found["memory"].default == 10
    assert "top_p" not in found


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"name": "temperature", "least": "0.8", "most": "0.2"}, "This is below the least."),
        ({"name": "temperature", "most": "5"}, "must be a number from 0 to 1"),
        ({"name": "temperature", "default": "5"}, "must be a number from 0 to 1"),
        ({"name": "temperature", "default": "hot"}, "must be a number from 0 to 1"),
        ({"name": "temperature", "default": "0.9", "most": "0.5"}, "must be a number from 0 to 0.5"),
        ({"name": "memory", "default": "many"}, "must be one of the values offered"),
        ({"name": "memory", "default": "8", "most": "4"}, "must be one of the values offered"),
        ({"name": "colour"}, "Select a valid choice"),
        ({"name": ""}, "required"),
    ],
)
def test_a_setting_that_the_connection_does_not_take_is_refused_with_a_sentence(save, row, sentence):
    answer = save({"default": "", "is_hidden": "", **row})
    html = answer.content.decode()
    if row["name"] == "" and answer.status_code == 302:  # an empty row is no row
        assert not ModelSetting.objects.exists()
        return
    assert answer.status_code == 200
    assert sentence in html
    assert not ModelSetting.objects.exists()


def test_what_parameters_mean_is_asked_of_their_connection(save, settings):
    local = {"BACKEND": "conversations.backends.local.LocalBackend", "OPTIONS": {"model": "some/model"}}
    settings.CHAT_BACKENDS = {**settings.CHAT_BACKENDS, "local": local}
    answer = save(backend="local", parameters='{"prompt_format": "chatml"}')
    assert answer.status_code == 200
    assert "must be one of “template”, “dialogpt” and “labels”" in answer.content.decode()
    assert save(backend="local", parameters='{"prompt_format": "dialogpt"}').status_code == 302
