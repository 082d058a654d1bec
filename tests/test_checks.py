"""Wrong settings are sentences with an id and a hint; the production example is clean."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core.checks import Error, run_checks
from django.core.management import CommandError, call_command

from chatsite.environment import mail_server
from conversations.backends.scripted import ScriptedBackend
from tests.serving import PATIENCE, ROOT, environment

SECRET_KEY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Unhappy(ScriptedBackend):
    def check(self):
        return [Error("It is broken.", hint="Mend it.", id="mine.E001")]


def found() -> dict[str, str]:
    """What the site's own checks say about the settings of this test: id → sentence."""
    messages = [message for message in run_checks() if message.id.startswith("chatsite.")]
    assert all(message.hint for message in messages)
    return {message.id: message.msg for message in messages}


def manage(env: dict[str, str], *arguments: str) -> tuple[int, str]:
    """A management command in a process of its own, with these settings only: exit status and output."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_tests_settings_are_clean():
    assert found() == {}


def test_the_production_example_is_clean():
    env = environment(SECRET_KEY=SECRET_KEY, ENV_FILE=str(ROOT / "chatsite" / "production.env.example"))
    status, output = manage(env, "check", "--deploy", "--fail-level", "WARNING")
    assert status == 0, output
    assert "no issues" in output


def test_production_without_settings_is_told_everything_at_once():
    status, output = manage(environment(DEBUG="0"), "check")
    assert status == 1
    assert "Traceback" not in output
    for sentence in ("SECRET_KEY is not set.", "ALLOWED_HOSTS is not set", "no mail server is configured"):
        assert sentence in output


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DEBUG", "maybe", "DEBUG is “maybe”. Say 1 or 0."),
        ("CHAT_MAX_MESSAGE_LENGTH", "many", "CHAT_MAX_MESSAGE_LENGTH is “many”. It must be a number."),
        ("HSTS_SECONDS", "inf", "HSTS_SECONDS is “inf”. It must be a number."),
        ("EMAIL_URL", "http://user:secret@host", "EMAIL_URL cannot be read."),
    ],
)
def test_a_value_that_cannot_be_read_is_a_sentence_without_a_traceback(name, value, sentence):
    env = environment(**{"DEBUG": "0", name: value})
    status, output = manage(env, "check")
    assert status == 1
    assert sentence in output
    assert "Traceback" not in output
    assert "secret" not in output


def test_a_development_server_needs_no_settings():
    assert manage(environment(), "check") == (0, "System check identified no issues (0 silenced).\n")


def test_a_host_that_loses_its_disk_refuses_sqlite_unless_that_is_meant(settings, monkeypatch):
    settings.EPHEMERAL_DISK = True
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "chatsite.sqlite")
    assert "SQLite" in found()["chatsite.E003"]
    settings.ALLOW_EPHEMERAL_DATA = True
    assert found() == {}


def test_a_host_that_loses_its_disk_takes_postgres(settings, monkeypatch):
    settings.EPHEMERAL_DISK = True
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    assert found() == {}


@pytest.mark.parametrize("name", ["DYNO", "SPACE_ID"])
def test_heroku_and_spaces_are_known_to_lose_their_disks(name):
    status, output = manage(environment(**{name: "web.1"}), "check")
    assert (status, "chatsite.E003" in output) == (1, True)


def test_a_store_that_is_not_configured_is_told(settings):
    settings.CONVERSATION_STORE_NAME = "s3"
    assert found() == {"chatsite.E004": "CONVERSATION_STORE is “s3”, which is not configured."}


def test_a_store_that_cannot_be_imported_is_told(settings):
    settings.CONVERSATION_STORE = {"BACKEND": "mysite.stores.Tape"}
    assert "No module named 'mysite'" in found()["chatsite.E006"]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"BACKEND": "mysite.Echo"}, "No module named 'mysite'"),
        ({"BACKEND": "conversations.backends.scripted.Nothing"}, 'does not define a "Nothing"'),
        ({"BACKEND": "conversations.backends.scripted.ScriptedBackend", "OPTIONS": {"colour": "red"}}, "colour"),
        ({"OPTIONS": {}}, "lacks 'BACKEND'"),
    ],
)
def test_a_connection_that_cannot_be_built_is_told(settings, config, reason):
    settings.CHAT_BACKENDS = {**settings.CHAT_BACKENDS, "mine": config}
    sentence = found()["chatsite.E005"]
    assert "“mine”" in sentence
    assert reason in sentence


def test_a_connection_tells_what_is_wrong_with_itself(settings):
    settings.CHAT_BACKENDS = {"mine": {"BACKEND": "tests.test_checks.Unhappy"}}
    assert [message.msg for message in run_checks() if message.id == "mine.E001"] == ["It is broken."]


def test_a_guard_that_cannot_be_built_is_told(settings):
    settings.CHAT_GUARDS = ["mysite.guards.Nothing"]
    assert "No module named 'mysite'" in found()["chatsite.E007"]


def test_open_sign_up_without_mail_names_every_way_out(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    settings.SIGNUP_VERIFY_EMAIL = True
    hint = next(message.hint for message in run_checks() if message.id == "chatsite.E008")
    assert all(way in hint for way in ("EMAIL_URL=", "SIGNUP_VERIFY_EMAIL=0", "SIGNUP_OPEN=0"))


@pytest.mark.parametrize("name", ["SIGNUP_VERIFY_EMAIL", "SIGNUP_OPEN"])
def test_each_way_out_of_sign_up_without_mail_works(settings, name):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    settings.SIGNUP_VERIFY_EMAIL = True
    setattr(settings, name, False)
    assert found() == {}


def test_mail_from_nowhere_is_a_warning(settings):
    settings.EMAIL_HOST = "mail.example.org"
    assert "webmaster@localhost" in found()["chatsite.W004"]
    settings.DEFAULT_FROM_EMAIL = "chat@example.org"
    assert found() == {}


@pytest.mark.parametrize("name", ["CHAT_MAX_MESSAGE_LENGTH", "CHAT_MAX_RUNNING_REPLIES", "CHAT_REPLY_DEADLINE"])
@pytest.mark.parametrize("value", [0, -1])
def test_limits_that_allow_nothing_are_told(settings, name, value):
    setattr(settings, name, value)
    assert found() == {"chatsite.E009": f"{name} is {value}."}


def test_a_negative_number_of_proxies_is_told(settings):
    settings.TRUSTED_PROXIES = -1
    assert found() == {"chatsite.E009": "TRUSTED_PROXIES is -1."}


def test_several_processes_without_redis_are_a_warning(settings, monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert "4 processes" in found()["chatsite.W001"]
    settings.REDIS_URL = "redis://localhost"
    assert found() == {}


def test_heroku_s_own_count_of_processes_is_no_warning(monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    monkeypatch.setenv("DYNO", "web.1")
    assert found() == {}


def test_a_default_model_that_nothing_offers_is_only_a_warning(settings, monkeypatch):
    monkeypatch.setenv("CHAT_DEFAULT_MODEL", "acme/none")
    settings.CHAT_DEFAULT_MODEL = "acme/none"
    settings.CHAT_BACKENDS = {"scripted": settings.CHAT_BACKENDS["scripted"]}
    assert "“acme/none”" in found()["chatsite.W002"]
    monkeypatch.setenv("CHAT_DEFAULT_MODEL", "scripted")
    settings.CHAT_DEFAULT_MODEL = "scripted"
    assert found() == {}


def test_any_host_name_is_a_warning(settings):
    settings.ALLOWED_HOSTS = ["*"]
    assert "password reset" in found()["chatsite.W003"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"EMAIL_URL": "smtp+tls://a%40b.c:p%3Aw@mail.b.c"}, ("mail.b.c", 587, "a@b.c", "p:w", True, False)),
        ({"EMAIL_URL": "smtps://mail.b.c:4650"}, ("mail.b.c", 4650, "", "", False, True)),
        ({"EMAIL_URL": "smtp://localhost"}, ("localhost", 25, "", "", False, False)),
        ({"EMAIL_HOST": "mail.b.c", "EMAIL_USE_TLS": "1"}, ("mail.b.c", 587, "", "", True, False)),
        ({"EMAIL_HOST": "mail.b.c", "EMAIL_PORT": "2525"}, ("mail.b.c", 2525, "", "", False, False)),
        ({}, ("", 25, "", "", False, False)),
    ],
)
def test_the_mail_server_is_read_from_one_address_or_from_several_variables(monkeypatch, variables, expected):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    server = mail_server()
    assert (server.host, server.port, server.user, server.password, server.tls, server.ssl) == expected
    assert "p:w" not in repr(server)


def test_translations_that_were_not_compiled_are_told(settings, tmp_path):
    texts = tmp_path / "vi" / "LC_MESSAGES" / "django.po"
    texts.parent.mkdir(parents=True)
    texts.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n')
    settings.LOCALE_PATHS = [tmp_path]
    assert "vi" in found()["chatsite.W005"]
    call_command("compilemessages", verbosity=0)
    assert "chatsite.W005" not in found()


def test_a_catalogue_that_is_broken_is_named(settings, tmp_path):
    texts = tmp_path / "vi" / "LC_MESSAGES" / "django.po"
    texts.parent.mkdir(parents=True)
    texts.write_text("<<<<<<< HEAD")
    settings.LOCALE_PATHS = [tmp_path]
    with pytest.raises(CommandError, match=r"django\.po cannot be compiled"):
        call_command("compilemessages", verbosity=0)
