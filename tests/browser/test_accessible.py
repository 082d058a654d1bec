"""axe looks at every kind of page, in both themes, for what keeps somebody out: WCAG 2.2 A and AA, serious or worse."""

from __future__ import annotations

import asyncio

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from chatsite.sharing.links import share
from conversations import services
from conversations.models import Feedback, Folder
from tests.browser.test_page import conversation_of

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
GRAVE = {"serious", "critical"}
ANSWER = (
    "# A heading\n\nSome *words* and a [link](https://example.org/).\n\n- [x] done\n- [ ] to do\n\n"
    "```python\nprint('hello')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end."
)
PUBLIC = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/offline/", "/no-such-page/"]
MEMBERS = [
    *("/", "/c/", "/c/archive/", "/c/trash/", "/models/", "/settings/", "/personas/", "/personas/new/", "/prompts/"),
    *("/prompts/new/", "/keys/", "/transfer/", "/accounts/password/change/", "/accounts/logout/", "/shared/"),
    *("/accounts/preferences/", "/accounts/profile/", "/search/?q=Trips", "/search/?q=nowhere", "/folders/new/"),
]
OF_A_CHAT = ["", "rename/", "delete/", "settings/", "share/", "export/", "export/print/"]
OF_A_TURN = ["again/?message={answer}", "edit/?message={question}", "feedback/?message={answer}"]


def found(page) -> list[str]:
    """What axe holds against the page as it stands, each with where."""
    page.wait_for_timeout(300)  # colours in transition have other contrasts
    violations = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{page.url} {one['id']}: {node['target']} {node['html'][:160]}"
        for one in violations
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


@pytest.fixture(params=["light", "dark"])
def window(request, visits, site):
    return visits.window(site, color_scheme=request.param)


@pytest.fixture
def page(window, site, alice, cookies_of):
    Folder.objects.create(user=alice, name="Work")
    services.create(alice, title="Trips to Đà Nẵng")
    return cookies_of(window, site, alice)


def test_pages_for_everybody_shut_nobody_out(window):
    problems = []
    for address in PUBLIC:
        window.goto(address)
        problems += found(window)
    assert problems == []


def found_at(page, addresses: list[str]) -> list[str]:
    problems = []
    for address in addresses:
        response = page.goto(address)
        problems += found(page) if response.status == 200 else [f"{address}: {response.status}"]
    return problems


def test_pages_of_members_shut_nobody_out(page):
    assert found_at(page, MEMBERS) == []


def test_pages_about_a_chat_shut_nobody_out(page, alice):
    chat = conversation_of(alice, "A question", ANSWER, "Another", ANSWER)
    question, answer = services.read(chat).messages[-2:]
    services.rate(chat, answer.id, Feedback.Value.DOWN)
    inner = [one.format(question=question.id, answer=answer.id) for one in [*OF_A_CHAT, *OF_A_TURN]]
    assert found_at(page, [f"/c/{chat.pk}/{address}" for address in inner]) == []


def test_shared_chats_shut_nobody_out(page, visits, site, alice, request):
    chat = conversation_of(alice, "A question", ANSWER)
    links = [share(chat, days=7), share(chat, password="open sesame")]
    assert found_at(page, ["/shared/"]) == []
    stranger = visits.window(site, color_scheme=request.node.callspec.params["window"])
    assert found_at(stranger, [f"/s/{link.token}/" for link in links]) == []


def test_a_chat_shuts_nobody_out_while_it_is_written_when_it_ended_and_with_its_settings_open(page, scripted):
    page.goto("/")
    scripted.enqueue(ANSWER)
    page.locator("[data-composer] textarea").fill("Hello")
    page.keyboard.press("Enter")
    expect(page.locator("article.assistant[data-status=completed]")).to_be_visible()
    problems = found(page)
    page.locator("[data-settings-open]").click()
    page.locator("[name=option-temperature]:visible").wait_for()
    problems += found(page)
    page.keyboard.press("Escape")
    scripted.enqueue("Endless ", asyncio.Event().wait)
    page.locator("[data-composer] textarea").fill("Go on")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Endless")).to_be_visible()
    problems += found(page)
    page.locator("[data-stop]").click()
    expect(page.locator("article.assistant[data-status=cancelled]")).to_be_visible()
    assert problems + found(page) == []


def test_menus_and_dialogs_shut_nobody_out(page):
    page.goto("/")
    page.locator("body[data-listens]").wait_for()
    page.locator("[popovertarget=person-menu]").click()
    problems = found(page)
    page.keyboard.press("Escape")
    page.locator(".row [data-menu]").first.focus()
    page.keyboard.press("Enter")
    problems += found(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.locator("[data-palette] input").wait_for()
    problems += found(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+/")
    page.locator("[data-keys-dialog]").wait_for()
    assert problems + found(page) == []
