"""The same message to several models, as a person does it: pick, watch side by side, stop one, keep one, go on."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest
from playwright.sync_api import expect

from conversations import services
from conversations.models import ChatModel, Conversation, Generation
from tests.browser.test_tired import ask, field
from tests.upstream import Upstream

PICTURES = os.environ.get("PICTURES")
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
NAMES = ["Alpha", "Beta", "Gamma"]
TABLE = """Here is how they compare:

| Method | Time |
|---|---|
| Loop | O(n) |
| Recursion | O(2ⁿ) |

```python
def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
```

"""


class Models:
    """A real model server behind three connections. Each reply waits for its model's gate."""

    def __init__(self, settings) -> None:
        self.gates = {name.lower(): threading.Event() for name in NAMES}
        self.upstream = Upstream(self._answer)
        self.texts = {
            "alpha": ("Alpha says ", "yes."),
            "beta": (TABLE, "Beta is done."),
            "gamma": ("Gamma ", "thinks."),
        }
        settings.CHAT_TITLES = False

    def _answer(self, body):
        name = str(body["model"])
        if name not in self.texts:
            return ("Me too.",)
        first, second = self.texts[name]
        return (first, self.gates[name], second)

    def open(self, *names: str) -> None:
        for name in names or self.gates:
            self.gates[name.lower()].set()


@pytest.fixture
def models(settings, transactional_db):
    served = Models(settings)
    with served.upstream as upstream:
        entries = [{"model_id": name.lower(), "label": name, "use_case": f"What {name} is for"} for name in NAMES]
        options = {"base_url": upstream.url, "models": [entry["model_id"] for entry in entries]}
        settings.CHAT_BACKENDS = {
            "server": {"BACKEND": "conversations.backends.chat_completions.ChatCompletionsBackend", "OPTIONS": options}
        }
        services.seed_catalogue()
        for entry in entries:
            services.available_models()
            rows = [model for model in services.available_models() if model.model_id == entry["model_id"]]
            for row in rows:
                row.label, row.use_case = entry["label"], entry["use_case"]
                row.save()
        yield served
        served.open()


@pytest.fixture
def page(visits, models, site_only, alice, cookies_of):
    page = cookies_of(visits.window(site_only), site_only, alice)
    page.goto("/")
    return page


@pytest.fixture
def site_only(models):
    from tests.live import serve

    with serve() as address:
        yield address


def opened(page):
    """The picker, once its script has come and ticked what it offers."""
    page.get_by_role("button", name="Compare models").click()
    expect(page.locator("[data-compare][data-ready]:popover-open")).to_be_visible()
    return page.get_by_role("group", name="Compare models")


def choose(page, *names: str) -> None:
    picker = opened(page)
    for name in NAMES:
        picker.get_by_role("checkbox", name=name).set_checked(name in names)
    picker.get_by_role("button", name="Done").click()


def column(page, name: str):
    return page.get_by_role("region", name=name, exact=True)


def columns(page):
    return page.locator(".lane")


def picture(page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(350)
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def test_three_models_answer_side_by_side_one_is_stopped_one_kept_and_the_chat_goes_on(page, models):
    choose(page, *NAMES)
    expect(page.locator("[data-compare-count]")).to_have_text("3")
    ask(page, "Which is best?")
    for name, text in zip(NAMES, ["Alpha says", "Here is how they compare", "Gamma"], strict=True):
        expect(column(page, name)).to_contain_text(text)
    picture(page, "comparing")
    column(page, "Alpha").get_by_role("button", name="Stop").click()
    expect(column(page, "Alpha")).to_contain_text("You stopped this answer.")
    expect(column(page, "Beta")).to_have_attribute("data-status", "in_progress")
    expect(page.get_by_role("button", name="Stop all")).to_be_visible()
    models.open("beta", "gamma")
    expect(column(page, "Beta")).to_have_attribute("data-status", "completed")
    for measure in ("begins after", "takes", "2 tokens", "tokens/s"):
        expect(column(page, "Gamma")).to_contain_text(measure)
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    picture(page, "compared")
    column(page, "Beta").get_by_role("button", name="Keep this one").click()
    expect(columns(page)).to_have_count(0)
    expect(page.locator("article.assistant")).to_have_count(1)
    expect(page.locator("article.assistant")).to_contain_text("Beta is done.")
    expect(page.locator(".versions").last).to_contain_text("2/3")
    models.texts["beta"] = ("Of course", ".")
    ask(page, "Are you sure?")
    expect(page.locator("article.assistant").last).to_contain_text("Of course.")
    asked = models.upstream.exchanges[-1].body
    assert asked["model"] == "beta"
    said = [message["content"] for message in asked["messages"] if message["role"] != "system"]
    assert (said[0], said[-1]) == ("Which is best?", "Are you sure?")
    assert "Beta is done." in said[1]
    page.reload()
    expect(page.locator("article.assistant")).to_have_count(2)
    page.get_by_role("button", name="Previous version").click()  # the undo: what Alpha had said
    expect(page.locator("article.assistant")).to_contain_text("Alpha says")


def test_a_reload_and_a_second_tab_show_all_columns_live(page, models):
    choose(page, *NAMES)
    ask(page, "Which is best?")
    expect(column(page, "Gamma")).to_contain_text("Gamma")
    page.reload()
    second = page.context.new_page()
    second.goto(page.url)
    for tab in (page, second):
        tab.bring_to_front()
        expect(columns(tab)).to_have_count(3)
        expect(column(tab, "Beta")).to_contain_text("Here is how they compare")
    models.open()
    for tab in (page, second):
        tab.bring_to_front()
        expect(column(tab, "Beta")).to_contain_text("Beta is done.")
        expect(tab.get_by_role("button", name="Send")).to_be_visible()


def test_stop_all_stops_all(page, models):
    choose(page, "Alpha", "Beta")
    ask(page, "Which is best?")
    expect(column(page, "Alpha")).to_contain_text("Alpha says")
    expect(column(page, "Beta")).to_contain_text("Here is how they compare")
    page.get_by_role("button", name="Stop all").click()
    for name in ("Alpha", "Beta"):
        expect(column(page, name)).to_contain_text("You stopped this answer.")
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_one_column_is_asked_again_while_the_others_go_on(page, models):
    choose(page, "Alpha", "Beta")
    ask(page, "Which is best?")
    column(page, "Alpha").get_by_role("button", name="Stop").click()
    expect(column(page, "Alpha")).to_contain_text("You stopped this answer.")
    models.texts["alpha"] = ("Second try", ".")
    models.open("alpha")
    column(page, "Alpha").get_by_role("button", name="Retry").click()
    expect(column(page, "Alpha")).to_contain_text("Second try.")
    expect(columns(page)).to_have_count(2)
    expect(columns(page).first).to_contain_text("Second try.")
    expect(column(page, "Beta")).to_have_attribute("data-status", "in_progress")
    expect(page.get_by_role("button", name="Stop all")).to_be_visible()
    models.open()
    expect(column(page, "Beta")).to_contain_text("Beta is done.")
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_who_just_writes_on_goes_on_with_the_first_column(page, models):
    models.open()
    choose(page, "Gamma", "Alpha")
    ask(page, "Which is best?")
    expect(column(page, "Gamma")).to_contain_text("thinks.")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    ask(page, "And then?")
    expect(columns(page)).to_have_count(0)
    expect(page.locator("article.assistant[data-status=completed]")).to_have_count(2)
    texts = page.locator("article.assistant .prose").all_inner_texts()
    page.reload()
    assert page.locator("article.assistant .prose").all_inner_texts() == texts
    assert texts[0] == "Alpha says yes."


def test_the_last_choice_is_offered_again_and_can_be_dropped(page, models):
    models.open()
    choose(page, "Beta", "Gamma")
    ask(page, "Which is best?")
    expect(columns(page)).to_have_count(2)
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(page.locator("[data-compare-count]")).to_be_empty()
    page.goto("/")
    picker = opened(page)
    expect(picker.get_by_role("checkbox", name="Gamma")).to_be_checked()
    expect(picker.get_by_role("checkbox", name="Alpha")).not_to_be_checked()
    picture(page, "picker")
    picker.get_by_role("button", name="Do not compare").click()
    ask(page, "Only one")
    expect(page.locator("article.assistant")).to_have_count(1)
    expect(columns(page)).to_have_count(0)


def test_the_keyboard_is_enough(page, models):
    models.open()
    button = page.get_by_role("button", name="Compare models")
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    picker = page.get_by_role("group", name="Compare models")
    expect(picker.get_by_role("checkbox", name="Alpha")).to_be_focused()
    expect(picker.get_by_role("checkbox", name="Alpha")).to_be_checked()  # the one that is chosen now
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    ask(page, "Which is best?")
    keep = column(page, "Beta").get_by_role("button", name="Keep this one")
    expect(keep).to_be_visible()
    keep.focus()
    page.keyboard.press("Enter")
    expect(page.locator("article.assistant")).to_have_count(1)
    expect(page.locator("article.assistant")).to_contain_text("Beta is done.")


def test_it_is_said_once_that_they_write_and_once_that_they_have_ended(page, models):
    page.evaluate("""() => {
      window.said = [];
      const announcer = document.querySelector('[data-announcer]');
      new MutationObserver(() => window.said.push(announcer.textContent))
        .observe(announcer, { childList: true, characterData: true, subtree: true });
    }""")
    choose(page, *NAMES)
    ask(page, "Which is best?")
    expect(column(page, "Gamma")).to_contain_text("Gamma")
    models.open()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert page.evaluate("said") == ["The answers are being written, side by side.", "All answers have ended."]


def test_a_lost_network_brings_all_columns_back(page, models):
    choose(page, *NAMES)
    ask(page, "Which is best?")
    expect(column(page, "Gamma")).to_contain_text("Gamma")
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    models.open()
    page.wait_for_timeout(300)
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    for name, text in zip(NAMES, ["Alpha says yes.", "Beta is done.", "Gamma thinks."], strict=True):
        expect(column(page, name)).to_contain_text(text)


def test_it_works_without_javascript(visits, site_only, alice, cookies_of, models):
    page = cookies_of(visits.window(site_only, javascript=False), site_only, alice)
    page.goto("/")
    page.get_by_role("button", name="Compare models").click()
    picker = page.get_by_role("group", name="Compare models")
    picker.get_by_role("checkbox", name="Alpha").check()
    picker.get_by_role("button", name="Done").click()
    field(page).fill("Which is best?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Choose 2 to 4 models")).to_be_visible()
    expect(field(page)).to_have_value("Which is best?")
    page.get_by_role("button", name="Compare models").click()
    expect(picker.get_by_role("checkbox", name="Alpha")).to_be_checked()
    picker.get_by_role("checkbox", name="Beta").check()
    picker.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Send").click()
    expect(columns(page)).to_have_count(2)
    column(page, "Alpha").get_by_role("button", name="Stop").click()
    expect(column(page, "Alpha")).to_contain_text("You stopped this answer.")
    models.open()
    expect(column(page, "Beta")).to_contain_text("Beta is done.")  # the page loads itself anew meanwhile
    column(page, "Beta").get_by_role("button", name="Keep this one").click()
    expect(columns(page)).to_have_count(0)
    expect(page.locator("article.assistant")).to_contain_text("Beta is done.")
    page.get_by_role("button", name="Side by side again").click()
    expect(columns(page)).to_have_count(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_how_it_looks(visits, site_only, alice, cookies_of, models, size, scheme):
    """Nothing scrolls sideways but the columns themselves; with PICTURES set, also pictures for eyes."""
    window = visits.window(site_only, color_scheme=scheme, **(PHONE if size == "phone" else {}))
    page = cookies_of(window, site_only, alice)
    page.goto("/")
    opened(page)
    picture(page, f"picker-{size}-{scheme}")
    page.keyboard.press("Escape")
    choose(page, *NAMES)
    models.open("beta")
    field(page).fill("Which is best?")
    picture(page, f"ready-{size}-{scheme}")
    page.get_by_role("button", name="Send").click()
    expect(column(page, "Beta")).to_contain_text("Beta is done.")
    expect(column(page, "Gamma")).to_contain_text("Gamma")
    picture(page, f"comparing-{size}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    column(page, "Alpha").get_by_role("button", name="Stop").click()
    models.open()
    expect(column(page, "Gamma")).to_contain_text("takes")
    picture(page, f"compared-{size}-{scheme}")
    column(page, "Beta").get_by_role("button", name="Keep this one").click()
    expect(page.locator("article.assistant")).to_have_count(1)
    picture(page, f"kept-{size}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_a_phone_nothing_lies_over_what_is_said_under_the_columns(visits, site_only, alice, cookies_of, models):
    page = cookies_of(visits.window(site_only, **PHONE | {"viewport": {"width": 390, "height": 600}}), site_only, alice)
    page.goto("/")
    choose(page, *NAMES)
    models.open()
    field(page).fill("Which is best?")
    page.get_by_role("button", name="Send").click()
    expect(column(page, "Gamma")).to_contain_text("takes")
    buttons, hint = page.get_by_role("group", name="Questions"), page.locator(".comparison-hint")
    expect(buttons).to_be_visible()
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    text = "e => { const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect().bottom }"
    assert hint.evaluate(text) <= buttons.evaluate("e => e.getBoundingClientRect().top")


def test_what_was_sent_is_stored_once_with_its_answers(page, models, alice):
    models.open()
    choose(page, "Alpha", "Beta")
    ask(page, "Which is best?")
    expect(column(page, "Beta")).to_contain_text("Beta is done.")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    chat = Conversation.objects.get()
    assert re.search(str(chat.pk), page.url)
    assert Generation.objects.filter(conversation=chat).count() == 2
    roles = [message.role for message in services.read(chat).messages]
    assert sorted(roles) == ["assistant", "assistant", "user"]


def test_one_of_many_models_is_found_by_a_search(page, models):
    for number in range(20):
        ChatModel.objects.create(backend="server", model_id=f"other-{number}", label=f"Ôther {number}", order=9000)
    page.reload()
    picker = opened(page)
    picker.get_by_role("textbox", name="Search models").fill("other 17")
    expect(picker.get_by_role("checkbox")).to_have_count(1)
    picker.get_by_role("checkbox", name="Ôther 17").check()
    picker.get_by_role("textbox", name="Search models").fill("")
    picker.get_by_role("button", name="Done").click()
    expect(page.locator("[data-compare-count]")).to_have_text("2")
    ask(page, "Which is best?")
    expect(column(page, "Ôther 17")).to_be_visible()
