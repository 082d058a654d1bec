"""From what a connection offers to the catalogue: on the command line. In the admin: test_admin_models.py."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from conversations import services
from conversations.models import ChatModel
from conversations.services.catalogue import available_models
from tests.upstream import HANG, Answer, Upstream

pytestmark = pytest.mark.django_db(transaction=True)
ENTRIES = [
    {"id": "big", "max_model_len": 8192, "pricing": {"input": 1, "output": 2}},
    {"id": "small"},
    {"id": "old/one"},
]


@pytest.fixture
def upstream():
    with Upstream() as server:
        server.models = {"data": ENTRIES}
        yield server


@pytest.fixture
def acme(settings, upstream):
    """Connections to the upstream, under these names; the first has a model "small" in the catalogue."""

    def connect(*names: str, **options) -> None:
        kind = "conversations.backends.chat_completions.ChatCompletionsBackend"
        given = {"base_url": upstream.url, "label": "Acme", "models": ["small"], **options}
        settings.CHAT_BACKENDS = {name: {"BACKEND": kind, "OPTIONS": given} for name in names}
        services.seed_catalogue()

    connect("acme")
    return connect


def sync(*arguments: str) -> str:
    out = StringIO()
    call_command("sync_models", *arguments, stdout=out)
    return out.getvalue()


def names() -> list[str]:
    return [model.model_id for model in available_models()]


def test_by_itself_it_only_lists(acme):
    assert sync() == (
        "Acme (acme) offers 3:\n    big  8,192 tokens  $1.00 in, $2.00 out per million tokens\n  + small\n    old/one\n"
    )
    assert names() == ["small"]


def test_what_is_hidden_is_marked_and_a_search_narrows_the_list(acme):
    ChatModel.objects.update(enabled=False)
    assert sync("--search", "SMALL") == "Acme (acme) offers 1:\n  - small\n"


def test_what_is_named_is_added_with_all_that_the_list_tells(acme):
    assert sync("--add", "big", "--add", "small") == "big: added from acme\n"
    big = ChatModel.objects.get(model_id="big")
    assert (big.label, big.context_size, big.price) == ("big", 8192, "$1.00 in, $2.00 out per million tokens")
    assert names() == ["small", "big"]


def test_all_are_added_once(acme):
    sync("--all")
    assert sync("--all") == ""
    assert names() == ["small", "big", "old/one"]


def test_what_was_hidden_is_shown_again_when_it_is_added(acme):
    ChatModel.objects.update(enabled=False)
    assert sync("--add", "small") == "small: added from acme\n"
    assert names() == ["small"]


def test_a_model_by_a_named_provider_is_added_under_its_full_name(acme, upstream):
    upstream.models = {"data": [{"id": "a/b", "providers": [{"provider": "groq", "context_length": 99}]}]}
    sync("--add", "a/b:groq")
    added = ChatModel.objects.get(model_id="a/b:groq")
    assert (added.label, added.context_size) == ("b (groq)", 99)


def test_the_entry_for_whatever_is_listed_first_gives_way_to_what_somebody_chose(acme, settings):
    ChatModel.objects.all().delete()
    acme("acme", models=[])
    assert names() == [""]
    sync("--add", "big")
    assert names() == ["big"]


def test_that_entry_stays_where_it_was_made_the_default(acme):
    ChatModel.objects.all().delete()
    acme("acme", models=[])
    ChatModel.objects.update(is_default=True)
    sync("--add", "big")
    assert names() == ["", "big"]


def test_what_is_gone_is_hidden_and_nothing_else(acme, upstream):
    sync("--all")
    upstream.models = {"data": [{"id": "big"}, {"id": "old/one"}]}
    assert sync("--disable-missing") == "small: hidden, acme does not offer it\n"
    assert names() == ["big", "old/one"]


def test_a_provider_of_a_model_that_is_still_offered_is_not_gone(acme):
    ChatModel.objects.create(backend="acme", model_id="big:fastest", label="Fast")
    ChatModel.objects.create(backend="acme", model_id="", label="Whatever")
    assert sync("--disable-missing") == ""


def test_entries_of_a_connection_that_has_no_list_are_never_gone(settings, scripted):
    ChatModel.objects.create(backend="scripted", model_id="with-an-adapter", label="Ours")
    assert sync("scripted", "--disable-missing") == ""


def test_sizes_and_prices_are_brought_up_to_date_and_texts_left_alone(acme, upstream):
    sync("--add", "big")
    ChatModel.objects.filter(model_id="big").update(label="Our big one", context_size=1)
    assert sync("--refresh") == "big: now context_size 8192\n"
    assert ChatModel.objects.get(model_id="big").label == "Our big one"


@pytest.mark.parametrize("action", [["--all"], ["--add", "big"], ["--disable-missing"], ["--refresh"]])
def test_a_dry_run_changes_nothing_and_says_what_would_be_done(acme, upstream, action):
    sync("--all")
    ChatModel.objects.filter(model_id="big").update(enabled=False, context_size=1)
    upstream.models = {"data": [entry for entry in ENTRIES if entry["id"] != "small"]}
    before = list(ChatModel.objects.order_by("pk").values())
    output = sync(*action, "--dry-run")
    assert output.startswith("(dry run) ")
    assert list(ChatModel.objects.order_by("pk").values()) == before


def test_a_name_that_nobody_offers_is_told(acme):
    with pytest.raises(CommandError, match="No connection offers “nothing”"):
        sync("--add", "big", "--add", "nothing")
    assert "big" in names()


def test_a_connection_that_is_not_configured_is_told(acme):
    with pytest.raises(CommandError, match=r"no connection “nowhere”\. Configured are: acme"):
        sync("nowhere")


def test_one_connection_that_fails_keeps_nothing_from_the_others(acme, settings):
    acme("acme", "broken")
    backends = dict(settings.CHAT_BACKENDS)
    backends["broken"] = {**backends["broken"], "OPTIONS": {**backends["broken"]["OPTIONS"], "base_url": "nowhere"}}
    settings.CHAT_BACKENDS = backends
    with pytest.raises(CommandError, match="The address of the connection “broken” is not valid"):
        sync("--add", "big")
    assert "big" in names()


FAULTS = {
    "wrong key": (Answer(401), "does not accept the site's API key"),
    "not allowed": (Answer(403), "does not allow this with the site's API key"),
    "quota": (Answer(402), "credit of this site at “Acme” is used up"),
    "too many": (Answer(429, headers={"Retry-After": "7"}), "Try again in 7 seconds"),
    "overloaded": (Answer(503), "is overloaded"),
    "failed": (Answer(500), r"failed \(error 500\)"),
    "not found": (Answer(404, b"nothing here"), "no chat server, or not at this path"),
    "redirect": (Answer(302, b"", {"Location": "/login"}), "no chat server, or not at this path"),
    "web page": (Answer(200, b"<html>", {"Content-Type": "text/html"}), "no chat server, or not at this path"),
    "no list": (Answer(200, {"hello": "world"}), "no chat server, or not at this path"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_does_not_list_is_told_with_what_to_do(acme, upstream, fault):
    answer, sentence = FAULTS[fault]
    acme("acme", api_key="a-very-secret-key")
    upstream.models = answer
    with pytest.raises(CommandError, match=sentence) as caught:
        sync("--all", "--disable-missing")
    assert "a-very-secret-key" not in str(caught.value)
    assert names() == ["small"]  # a server that is away takes nothing from the catalogue


def test_a_server_that_hangs_is_not_waited_for(acme, upstream, monkeypatch):
    monkeypatch.setattr(services.offering, "COMMAND_PATIENCE", 0.3)
    acme("acme", first_token_timeout=5)  # would be told otherwise
    upstream.models = HANG
    with pytest.raises(CommandError, match=r"“Acme” did not list its models within 1 second\. See whether it is busy"):
        sync()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://127.0.0.1:1/v1", "cannot be reached at 127.0.0.1:1"),
        ("http://no-such-host.invalid/v1", "no-such-host.invalid.* cannot be found"),
        ("ftp://example.org", "The address of the connection “acme” is not valid"),
    ],
)
def test_a_server_that_is_not_there_is_told(acme, address, sentence):
    acme("acme", base_url=address)
    with pytest.raises(CommandError, match=sentence):
        sync()


def test_a_server_without_encryption_behind_an_https_address_is_told(acme, upstream):
    acme("acme", base_url=upstream.url.replace("http:", "https:"))
    with pytest.raises(CommandError, match="No secure connection to “Acme”"):
        sync()
