"""The catalogue for people: every model on a card, found and sorted, and a chat begun with it."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conversations import browsing, composing, services
from conversations.models import ChatDefaults, ChatModel, Conversation, Generation
from conversations.services.speed import forget_speeds

ADDRESSES = ["conversations:models", "conversations:model_choices"]


@pytest.fixture(autouse=True)
def _only_our_models(db):
    ChatModel.objects.all().delete()
    services.forget_catalogue()
    forget_speeds()
    yield
    forget_speeds()


@pytest.fixture
def browser(alice):
    client = Client()
    client.force_login(alice)
    return client


def model(label, **fields) -> ChatModel:
    return ChatModel.objects.create(**{"backend": "scripted", "model_id": label.lower(), "label": label} | fields)


def many_models(count, **fields):
    names = [f"Model {number}" for number in range(count)]
    rows = [ChatModel(**{"backend": "scripted", "model_id": name, "label": name} | fields) for name in names]
    ChatModel.objects.bulk_create(rows)
    services.forget_catalogue()


def replied(user, chosen, *, first_token_ms, tokens_per_second=None, times=1):
    """So many completed replies of this model, just now."""
    conversation = Conversation.objects.create(user=user, title="Speed", model=chosen)
    for _ in range(times):
        Generation.objects.create(
            user=user,
            conversation=conversation,
            model=chosen,
            status=Generation.Status.COMPLETED,
            idempotency_key=uuid4().hex,
            first_token_ms=first_token_ms,
            tokens_per_second=tokens_per_second,
            finished_at=timezone.now(),
        )


def text_of(response) -> str:
    """What people read, on one line."""
    main = response.content.decode().split("<main", 1)[1]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main))


def labels(browser, **query) -> list[str]:
    page = browser.get(reverse("conversations:models"), query).content.decode()
    return re.findall(r'<li class="model-card">\s*<h2[^>]*>([^<]*?)\s*<', page)


def test_a_card_tells_all_that_is_known_of_a_model(browser, alice):
    known = model(
        "Gemma",
        description="Small and quick.",
        use_case="Everyday questions",
        context_size=8192,
        memory="6 GB",
        price="$0.10 per million tokens",
        licence="Gemma licence",
        is_default=True,
    )
    replied(alice, known, first_token_ms=420, tokens_per_second=38.4, times=50)
    text = text_of(browser.get(reverse("conversations:models")))
    for expected in (
        "Gemma Default",
        "Small and quick.",
        "Use case Everyday questions",
        "Speed First words after 0.4 s, 38 tokens/s, from 50 recent replies",
        "Context 8,192 tokens",
        "Memory 6 GB",
        "Price $0.10 per million tokens",
        "Licence Gemma licence",
        "Connection Scripted",
    ):
        assert expected in text


def test_a_model_that_nobody_asked_yet_says_so_and_what_is_unknown_is_left_out(browser, db):
    model("Bare")
    text = text_of(browser.get(reverse("conversations:models")))
    assert "Speed Not measured yet" in text
    for unknown in ("Context", "Memory", "Price", "Licence", "Use case "):
        assert f" {unknown} " not in text.split("Bare", 1)[1]


def test_one_reply_of_which_only_the_beginning_was_measured_is_told_as_such(browser, alice):
    replied(alice, model("Sudden"), first_token_ms=3)
    assert "First words after 0.1 s, from 1 recent reply" in text_of(browser.get(reverse("conversations:models")))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "gemma"}, ["Gemma"]),
        ({"q": "tieng viet"}, ["Vistral"]),
        ({"q": "TIẾNG việt"}, ["Vistral"]),
        ({"q": "google gem"}, ["Gemma"]),
        ({"q": "doi thoai"}, ["Vistral"]),
        ({"use_case": "Code"}, ["Qwen"]),
        ({"connection": "guide"}, ["Guide"]),
        ({"connection": "guide", "q": "gemma"}, []),
        ({"connection": "gone"}, []),
        ({"sort": "nonsense", "page": "zero"}, ["Qwen", "Vistral", "Gemma", "Guide"]),
        ({"sort": "name"}, ["Gemma", "Guide", "Qwen", "Vistral"]),
    ],
)
def test_models_are_found_by_words_use_case_and_connection(browser, db, query, found):
    model("Gemma", model_id="google/gemma-2", order=3)
    model("Vistral", use_case="Tiếng Việt", description="Đối thoại", order=2)
    model("Qwen", use_case="Code", order=1)
    model("Guide", backend="guide", order=4)
    assert labels(browser, **query) == found


def test_a_search_looks_once_at_each_model_however_many_words_it_has(browser, db):
    looks = []

    class Card(browsing.ModelCard):
        @property
        def searched(self) -> str:
            looks.append(self)
            return "gemma two"

    card = Card(ChatModel(label="Gemma"), "")
    assert browsing.Wanted("gemma two " * 10).found_in([card]) == [card]
    assert looks == [card]


def test_a_search_ends_after_two_hundred_characters(browser, db):
    model("Gemma")
    long = "gemma " * 33 + "ma nothing"
    assert labels(browser, q=long) == ["Gemma"]
    page = browser.get(reverse("conversations:models"), {"q": long}).content.decode()
    assert f'name="q" value="{long[:200]}"' in page


def test_models_are_sorted_by_what_was_measured_and_the_others_come_last(browser, alice):
    model("Unknown", order=1)
    replied(alice, model("Fluent", order=2), first_token_ms=900, tokens_per_second=80.0)
    replied(alice, model("Prompt", order=3), first_token_ms=200, tokens_per_second=20.0)
    replied(alice, model("Sudden", order=4), first_token_ms=100)
    assert labels(browser, sort="begins") == ["Sudden", "Prompt", "Fluent", "Unknown"]
    assert labels(browser, sort="writes") == ["Fluent", "Prompt", "Sudden", "Unknown"]


def test_only_what_can_be_chosen_is_shown(browser, db):
    model("Shown")
    model("Hidden", enabled=False)
    model("Cut off", backend="gone")
    assert labels(browser) == ["Shown"]


def test_what_was_searched_stays_in_the_form_and_on_the_next_page(browser, db):
    many_models(60, use_case="Code")
    page = browser.get(
        reverse("conversations:models"), {"q": "model", "use_case": "Code", "sort": "name"}
    ).content.decode()
    assert 'name="q" value="model"' in page
    assert '<option value="Code" selected>Code</option>' in page
    assert '<option value="name" selected>' in page
    assert re.search(r'rel="next" href="\?q=model&amp;use_case=Code&amp;sort=name&amp;page=2"', page)
    assert len(labels(browser, q="model")) == 50
    assert len(labels(browser, q="model", page="2")) == 10


def test_an_empty_catalogue_and_an_empty_search_say_what_to_do(browser, admin):
    assert "Ask the administrator" in text_of(browser.get(reverse("conversations:models")))
    model("Gemma")
    assert "Try fewer words" in text_of(browser.get(reverse("conversations:models"), {"q": "nothing"}))


def test_only_staff_are_led_to_the_administration(browser, admin):
    known = model("Gemma")
    edit = reverse("admin:conversations_chatmodel_change", args=[known.pk])
    everything, connections = reverse("admin:conversations_chatmodel_changelist"), reverse("admin:connect")
    member = browser.get(reverse("conversations:models")).content.decode()
    assert not any(address in member for address in (edit, everything, connections))
    browser.force_login(admin)
    staff = browser.get(reverse("conversations:models")).content.decode()
    assert all(address in staff for address in (edit, everything, connections))
    known.delete()
    services.forget_catalogue()
    empty = browser.get(reverse("conversations:models")).content.decode()
    assert connections in empty.split("<main", 1)[1]


@pytest.mark.parametrize("address", ADDRESSES)
def test_strangers_are_asked_to_log_in(db, address):
    response = Client().get(reverse(address))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_wrong_verb_is_405(browser, address):
    assert browser.post(reverse(address)).status_code == 405


@pytest.mark.parametrize("address", [*ADDRESSES, "conversations:home"])
def test_three_hundred_models_cost_no_more_queries_than_three(browser, alice, address):
    def queries():
        forget_speeds()
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(reverse(address)).status_code == 200
        return len(captured)

    for number in range(3):
        replied(alice, model(f"Measured {number}"), first_token_ms=500)
    queries()
    few = queries()
    many_models(300)
    assert queries() == few


def test_a_chat_begins_with_the_model_of_the_card(browser, db):
    model("First", is_default=True)
    wanted = model("Wanted")
    page = browser.get(reverse("conversations:models")).content.decode()
    address = f"{reverse('conversations:home')}?model={wanted.pk}"
    assert f'href="{address}"' in page
    assert re.search(rf'<option value="{wanted.pk}" selected', browser.get(address).content.decode())


def test_the_default_is_the_person_s_own_where_it_can_be_had(browser, alice):
    model("Site", is_default=True)
    own = model("Own")
    ChatDefaults.objects.create(user=alice, model=own)
    assert "Own Default" in text_of(browser.get(reverse("conversations:models")))
    own.enabled = False
    own.save()
    assert "Site Default" in text_of(browser.get(reverse("conversations:models")))


@pytest.mark.parametrize("wanted", ["0", "-1", "x", "1e3", "", "9" * 40])
def test_a_model_that_is_not_there_begins_nothing_but_the_default_does(browser, db, wanted):
    default = model("First", is_default=True)
    model("Second")
    page = browser.get(reverse("conversations:home"), {"model": wanted}).content.decode()
    assert re.search(rf'<option value="{default.pk}" selected', page)


def test_few_models_stay_a_plain_select_with_their_use_cases(browser, db):
    many_models(composing.FEW_MODELS, use_case="Code")
    page = browser.get(reverse("conversations:home")).content.decode()
    assert "data-picker" not in page
    assert page.count("Code</span></option>") == composing.FEW_MODELS


def test_many_models_are_names_alone_in_the_composer_and_told_in_the_panel(browser, alice):
    many_models(300, use_case="Code")
    model("<b>Bold</b>", use_case="Tiếng Việt", is_default=True)
    page = browser.get(reverse("conversations:home")).content.decode()
    options = re.findall(r"<option.*?</option>", page)
    assert len(options) == 301
    form = page[page.index("data-composer") :]
    assert len(dict(re.findall(r'<option\s+value="(\d+)"[^>]*>([^<]*)', form))) == 301  # as bench/adapter.mjs reads it
    assert max(map(len, options)) < 80
    assert "selected>&lt;b&gt;Bold&lt;/b&gt;</option>" in page
    assert page.count(" selected>") == 1
    panel = browser.get(reverse("conversations:model_choices")).content.decode()
    assert panel.count('role="option"') == 301
    assert "tieng viet" in panel
    assert panel.count(">Default<") == 1
