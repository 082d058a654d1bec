"""Connections to models as whoever runs the site writes them: variables of the environment."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chatsite import connections, ollama
from conversations.backends import get_backend
from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.huggingface import HuggingFaceBackend
from conversations.backends.ollama import OllamaBackend
from tests.backends.test_ollama import listening
from tests.serving import ROOT, environment
from tests.test_checks import found, manage


@pytest.fixture
def read(monkeypatch, settings):
    """The connections that these variables make, as the site would have them."""

    def given(**variables: str) -> connections.Connections:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        made = connections.read(find_ollama=False)
        settings.CONNECTIONS, settings.CHAT_BACKENDS = made, made.backends
        return made

    return given


def test_an_ollama_on_this_machine_is_connected_unless_another_one_is_named(read, monkeypatch):
    read()
    with listening(200) as port:
        monkeypatch.setattr(ollama, "PORT", port)
        assert "ollama" in connections.read(find_ollama=True).backends
        assert "ollama" not in connections.read(find_ollama=False).backends
        monkeypatch.setenv("OLLAMA_HOST", "gpu-box:1")
        options = connections.read(find_ollama=True).backends["ollama"]["OPTIONS"]
        assert options["base_url"] == "http://gpu-box:1/v1"


@pytest.mark.parametrize(("debug", "looks"), [("1", "True"), ("0", "False")])
def test_only_a_development_site_looks_for_one(debug, looks):
    program = (
        "from chatsite import connections; read = connections.read; found = []\n"
        "connections.read = lambda *, find_ollama: (found.append(find_ollama), read(find_ollama=False))[1]\n"
        "import chatsite.settings; print(found[0])"
    )
    env = {name: value for name, value in environment(DEBUG=debug).items() if name != "CHAT_FIND_OLLAMA"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == looks, done.stderr


def test_without_any_variable_there_is_the_guide_alone(read):
    assert list(read().backends) == ["guide"]


def test_all_stand_side_by_side_in_the_order_in_which_people_choose(read):
    made = read(
        HF_TOKEN="hf_x",
        OPENAI_API_KEY="sk-x",
        OLLAMA_HOST="gpu-box",
        LOCAL_MODEL="acme/tiny",
        CHAT_CONNECTIONS="work=https://llm.example.com/v1, lab = http://10.0.0.5:8000/v1",
    )
    assert list(made.backends) == ["huggingface", "server", "work", "lab", "ollama", "local", "guide"]
    assert made.problems == []


def test_each_has_its_own_secret_models_and_patience(read):
    read(
        CHAT_CONNECTIONS="work=https://llm.example.com/v1,my-lab=http://10.0.0.5:8000/v1",
        CHAT_CONNECTION_WORK_KEY="secret",
        CHAT_CONNECTION_WORK_MODELS="a, b",
        CHAT_CONNECTION_WORK_LABEL="Our own",
        CHAT_CONNECTION_MY_LAB_CAN_CONTINUE="1",
        CHAT_CONNECTION_MY_LAB_KNOWS_TOP_K="1",
        CHAT_CONNECTION_MY_LAB_FIRST_TOKEN_TIMEOUT="300",
    )
    work, lab = get_backend("work"), get_backend("my-lab")
    assert (work.api_key, work.label, [entry["model_id"] for entry in work.models()]) == (
        "secret",
        "Our own",
        ["a", "b"],
    )
    assert (lab.api_key, lab.label, lab.supports_continue, lab.limits.first) == ("", "10.0.0.5", True, 300)
    assert work.limits.first == 60
    assert [[one.name for one in backend.settings][-1] for backend in (work, lab)] == ["top_p", "top_k"]


def test_hugging_face_takes_a_provider_and_an_organization_that_pays(read):
    read(HF_TOKEN="hf_x", HF_PROVIDER="groq", HF_BILL_TO="acme")
    backend = get_backend("huggingface")
    assert (backend.provider, backend.bill_to) == ("groq", "acme")
    read(HF_PROVIDER="auto")
    assert get_backend("huggingface").provider == ""


def test_a_second_account_at_hugging_face_is_one_of_the_named(read):
    read(
        CHAT_CONNECTIONS="hub2=https://router.huggingface.co/v1",
        CHAT_CONNECTION_HUB2_KEY="hf_y",
        CHAT_CONNECTION_HUB2_BILL_TO="acme",
        CHAT_CONNECTION_HUB2_PROVIDER="cheapest",
    )
    backend = get_backend("hub2")
    assert isinstance(backend, HuggingFaceBackend)
    assert (backend.bill_to, backend.provider, backend.label) == ("acme", "cheapest", "Hugging Face (hub2)")


@pytest.mark.parametrize(
    ("address", "kind", "expected"),
    [
        ("http://gpu-box:11434/v1", "", OllamaBackend),
        ("http://gpu-box:80/v1", "ollama", OllamaBackend),
        ("http://gpu-box:8000/v1", "", ChatCompletionsBackend),
        ("http://gpu-box:11434/v1", "openai", ChatCompletionsBackend),
        ("http://[bad", "", ChatCompletionsBackend),
    ],
)
def test_the_address_tells_what_kind_of_server_it_is_unless_that_is_said(read, address, kind, expected):
    read(CHAT_CONNECTIONS=f"one={address}", CHAT_CONNECTION_ONE_KIND=kind)
    assert type(get_backend("one")) is expected


PROBLEMS = [
    ({"CHAT_CONNECTIONS": "https://me:secret@llm.example.com/v1"}, "Entry 1 of CHAT_CONNECTIONS is no connection."),
    ({"CHAT_CONNECTIONS": "a=http://h/v1, Big=http://h/v1"}, "Entry 2 of CHAT_CONNECTIONS is no connection."),
    ({"CHAT_CONNECTIONS": "work="}, "Entry 1 of CHAT_CONNECTIONS is no connection."),
    ({"CHAT_CONNECTIONS": "guide=http://h/v1"}, "CHAT_CONNECTIONS names “guide”, which is taken."),
    ({"CHAT_CONNECTIONS": "a-b=http://h/v1,a_b=http://h/v1"}, "CHAT_CONNECTIONS names “a_b”, which is taken."),
    ({"CHAT_CONNECTION_WORK_KEY": "secret"}, "CHAT_CONNECTION_WORK_KEY belongs to “work”, which"),
    ({"CHAT_CONNECTION_WORK_TOKEN": "secret"}, "CHAT_CONNECTION_WORK_TOKEN is no setting of a connection."),
    (
        {"CHAT_CONNECTIONS": "a=http://h/v1", "CHAT_CONNECTION_A_KIND": "gemini"},
        "CHAT_CONNECTION_A_KIND is “gemini”, which is unknown.",
    ),
]


@pytest.mark.parametrize(("variables", "sentence"), PROBLEMS)
def test_what_is_wrong_is_a_sentence_at_start_that_repeats_no_secret(read, variables, sentence):
    read(**variables)
    told = found()["chatsite.E010"]
    assert told.startswith(sentence)
    assert "secret" not in told


def test_a_site_with_wrong_connections_tells_all_of_them_and_how_to_mend_them():
    env = environment(CHAT_CONNECTIONS="work=nowhere,Big=http://h/v1", CHAT_CONNECTION_LAB_KEY="k")
    status, output = manage(env, "check")
    assert status == 1
    assert "Traceback" not in output
    assert "Entry 2 of CHAT_CONNECTIONS" in output
    assert "Add it: CHAT_CONNECTIONS=lab=https://" in output
    assert "HINT: Set CHAT_CONNECTIONS (work) to the address of the server" in output


@pytest.mark.parametrize(
    ("variables", "alias", "option", "name"),
    [
        ({"HF_TOKEN": "hf_x"}, "huggingface", "api_key", "HF_TOKEN"),
        ({"OPENAI_API_KEY": "x"}, "server", "api_key", "OPENAI_API_KEY"),
        ({"OPENAI_API_KEY": "x"}, "server", "base_url", "OPENAI_BASE_URL"),
        ({"OLLAMA_HOST": "gpu-box"}, "ollama", "base_url", "OLLAMA_HOST"),
        ({"CHAT_CONNECTIONS": "a-b=http://h/v1"}, "a-b", "api_key", "CHAT_CONNECTION_A_B_KEY"),
    ],
)
def test_sentences_name_the_variable_to_correct(read, variables, alias, option, name):
    read(**variables)
    sentences = get_backend(alias).sentences
    fault = sentences.not_a_chat_server() if option == "base_url" else sentences._by_status(_refused(401))
    assert name in fault.message


def _refused(status: int):
    from conversations.backends.servers.refusal import Refusal

    return Refusal(status)


def test_the_readme_and_the_docs_name_every_part_of_a_named_connection():
    from tests.test_readme import README, ROOT

    guide = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for part in connections.PARTS:
        assert f"`_{part}`" in README, part
        assert f"_{part}" in guide, part
