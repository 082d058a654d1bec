"""An administrator connects a model: from the start page to an answer, as a person would; and tests it."""

from __future__ import annotations

import re
import threading

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import ChatModel
from tests.conftest import PASSWORD
from tests.serving import environment, free_port, manage, served
from tests.upstream import Upstream

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
OFFERS = "/admin/conversations/chatmodel/offers/acme/"


@pytest.fixture
def upstream():
    with Upstream() as server:
        server.models = {"data": [{"id": "acme/first", "max_model_len": 8192}, {"id": "acme/second"}]}
        yield server


@pytest.fixture
def acme(settings, scripted, upstream, transactional_db):
    """One connection beside the Guide, with nothing in the catalogue yet."""
    kind = "conversations.backends.chat_completions.ChatCompletionsBackend"
    options = {"base_url": upstream.url, "label": "Acme", "models": ["acme/first"]}
    settings.CHAT_BACKENDS = {"acme": {"BACKEND": kind, "OPTIONS": options}, "guide": settings.CHAT_BACKENDS["guide"]}
    services.seed_catalogue()
    return upstream


def test_from_a_fresh_site_to_a_connected_model_in_four_clicks_and_one_restart(visits, upstream, tmp_path):
    env_file, port = tmp_path / ".env", free_port()
    env = environment(DATABASE_URL=f"sqlite:///{tmp_path / 'site.sqlite3'}") | {"ENV_FILE": str(env_file)}
    manage(env, "migrate")
    owner = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD, "DJANGO_SUPERUSER_EMAIL": "admin@example.com"}
    manage(env | owner, "createsuperuser", "--noinput", "--username", "admin")
    page, clicks = visits.window(f"http://127.0.0.1:{port}"), []

    def click(locator):
        clicks.append(locator)
        locator.click()

    with served(env, tmp_path, port):
        page.goto("/accounts/login/")
        page.locator("input[name=login]").fill("admin")
        page.locator("input[type=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_text("No language model is connected yet")).to_be_visible()
        click(page.get_by_role("link", name="Connect a model"))
        expect(page.get_by_text(str(env_file))).to_be_visible()
        lines = page.locator("pre", has_text="CHAT_CONNECTION_WORK_KEY").inner_text()
        env_file.write_text(lines.replace("https://llm.example.com/v1", upstream.url), encoding="utf-8")

    with served(env, tmp_path, port):
        page.reload()
        expect(page.get_by_text("Answers.")).to_be_visible()
        click(page.get_by_role("link", name="Choose models"))
        click(page.get_by_label("second"))
        click(page.get_by_role("button", name="Add the ticked models"))
        expect(page.get_by_text("Added: second.")).to_be_visible()
        assert len(clicks) <= 4

        page.get_by_role("link", name="start a chat").click()
        expect(page).to_have_url(f"http://127.0.0.1:{port}/")
        page.wait_for_load_state()  # before its scripts, Enter breaks the line
        expect(page.get_by_text("No language model is connected yet")).to_have_count(0)
        page.locator("textarea[name=content]").fill("Hello there")
        page.keyboard.press("Enter")
        expect(page.locator(".message").last).to_contain_text("Hello there")
    answers = [exchange for exchange in upstream.exchanges if "max_tokens" in exchange.body]
    assert answers[0].body["model"] == "acme/second"
    assert answers[0].headers["Authorization"] == "Bearer your-key"


def test_what_is_ticked_stays_ticked_while_a_long_list_is_searched(visits, site, acme, admin, cookies_of):
    acme.models = {"data": [{"id": f"acme/model-{number}"} for number in range(60)]}
    page = cookies_of(visits.window(site), site, admin)
    page.goto(OFFERS)
    page.get_by_label("model-7 ").check()
    page.get_by_role("searchbox", name="Search").fill("MODEL-42")
    expect(page.get_by_label("model-7 ")).to_be_hidden()
    page.get_by_label("model-42").check()
    page.get_by_role("searchbox", name="Search").press("Enter")  # sends nothing
    page.get_by_role("searchbox", name="Search").fill("nothing like it")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()
    page.get_by_role("button", name="Add the ticked models").click()
    expect(page.get_by_text("Added: model-7, model-42.")).to_be_visible()


def test_the_list_works_without_javascript(visits, site, acme, admin, cookies_of):
    acme.models = {"data": [{"id": f"acme/model-{number}"} for number in range(60)]}
    page = cookies_of(visits.window(site, javascript=False), site, admin)
    page.goto(OFFERS)
    page.locator("#offer-search").fill("model-42")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("input[name=add]")).to_have_count(1)
    page.locator("input[name=add]").check()
    page.get_by_role("button", name="Add the ticked models").click()
    assert ChatModel.objects.filter(model_id="acme/model-42").exists()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_test_says_what_it_waits_for_and_then_what_it_found(visits, site, acme, admin, cookies_of, javascript):
    gate = threading.Event()
    acme.enqueue(gate, "one ", 0.2, "two ", 0.2, "three")
    page = cookies_of(visits.window(site, javascript=javascript), site, admin)
    page.goto(f"/admin/conversations/chatmodel/{ChatModel.objects.get(backend='acme').pk}/change/")
    page.get_by_role("button", name="Test this model").click(no_wait_after=True)
    expect(page.get_by_text("Waiting for first, for").last).to_be_visible()
    expect(page.get_by_text("Waiting for: first")).to_be_hidden()  # the last word is enough
    gate.set()
    found = page.get_by_text("“first” works: Acme can be reached, asks for no key and streams its answers.")
    expect(found).to_be_visible()
    expect(page.get_by_text("Done.")).to_be_visible()
    expect(page.get_by_text("Waiting for").filter(visible=True)).to_have_count(0)


def test_whoever_leaves_the_page_ends_the_test(visits, site, acme, admin, cookies_of):
    acme.enqueue("one ", threading.Event())
    page = cookies_of(visits.window(site), site, admin)
    page.goto(f"/admin/conversations/chatmodel/{ChatModel.objects.get(backend='acme').pk}/change/")
    page.get_by_role("button", name="Test this model").click(no_wait_after=True)
    expect(page.get_by_text("Waiting for", exact=False).first).to_be_visible()
    page.goto("/")
    assert acme.exchanges[-1].was_abandoned(10)


@pytest.mark.parametrize("path", ["/admin/connect/", OFFERS, "/admin/conversations/chatmodel/"])
def test_nothing_scrolls_sideways_on_a_phone(visits, site, acme, admin, cookies_of, path):
    page = cookies_of(visits.window(site, **PHONE), site, admin)
    page.goto(path)
    width = page.evaluate("document.querySelector('#content').getBoundingClientRect().width")
    assert width <= 390
    if re.search("connect|offers", path):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_people_who_may_not_connect_are_not_sent_there(visits, site, settings, cookies_of, django_user_model):
    settings.CHAT_BACKENDS = {"guide": settings.CHAT_BACKENDS["guide"]}
    carol = django_user_model.objects.create_user("carol", "carol@example.com", is_staff=True)
    page = cookies_of(visits.window(site), site, carol)
    page.goto("/")
    expect(page.get_by_text("No language model is connected yet")).to_be_visible()
    expect(page.get_by_role("link", name="Connect a model")).to_have_count(0)
