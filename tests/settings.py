"""The site's settings, with short intervals and cheap passwords. DATABASE_URL chooses the database, as ever."""

import os

# What the developer has connected or set must not answer in tests.
for name in (
    *("HF_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL", "LOCAL_MODEL", "AWS_STORAGE_BUCKET_NAME"),
    "OLLAMA_HOST",
    *("CHAT_DEFAULT_MODEL", "SITE_NAME", "SIGNUP_OPEN", "SIGNUP_VERIFY_EMAIL", "EMAIL_URL", "EMAIL_HOST"),
    *("CHAT_RETRY_PATIENCE", "CHAT_BREAKER_FAILURES", "CHAT_BREAKER_COOLDOWN", "CHAT_REPLY_DEADLINE"),
    *("REDIS_URL", "REDIS_PREFIX", "REDIS_VERIFY_TLS", "TRUSTED_PROXIES", "WEB_CONCURRENCY", "DYNO", "SPACE_ID"),
):
    os.environ.pop(name, None)
for name in [name for name in os.environ if name.startswith("CHAT_CONNECTION")]:
    del os.environ[name]
os.environ["ENV_FILE"] = os.devnull
os.environ["DEBUG"] = "1"
os.environ["CHAT_FIND_OLLAMA"] = "0"
# Servers that tests start use the given database itself: each of several workers has one of its own.
if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and os.environ.get("DATABASE_URL", "").startswith("postgres"):
    from tests.postgres import database_beside

    os.environ["DATABASE_URL"] = database_beside(os.environ["DATABASE_URL"], worker)

from chatsite.settings import *  # noqa: E402, F403

DEBUG = False
SECRET_KEY = "tests-only-" + "t" * 50
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

CHAT_BACKENDS = {
    "scripted": {"BACKEND": "conversations.backends.scripted.ScriptedBackend"},
    "guide": CHAT_BACKENDS["guide"],  # noqa: F405
}
CHAT_DEFAULT_MODEL = "scripted"

BRANDING_AGE = 60.0  # conftest.py resets it; what a test writes counts at once
CHAT_CLOCK_INTERVAL = 0.1
CHAT_CATALOGUE_AGE = CHAT_SPEED_AGE = CHAT_FILTER_AGE = 0.0
CHAT_STOP_INTERVAL = 0.05
CHAT_RETRY_DELAY = 0.02
CHAT_FLUSH_INTERVAL = 0.01
CHAT_RENDER_INTERVAL = 0.02
CHAT_HEARTBEAT_INTERVAL = 0.2
CHAT_POLL_INTERVAL = 0.05
CHAT_SESSION_CHECK_INTERVAL = 0.1
CHAT_TITLE_TIMEOUT = 5
CHAT_SHUTDOWN_GRACE = 1.0
CHAT_SHUTDOWN_EXIT = 2.0

# Only where a test is about it: a busy machine is no outage.
DATABASE_PATIENCE = ANSWER_WITHIN = 30.0

if "TEST_DB" in os.environ:  # several test runs at once on one machine
    DATABASES["default"]["TEST"] = {"NAME": os.environ["TEST_DB"]}  # noqa: F405

# Playwright's synchronous interface keeps a loop in the tests' own thread, so browser tests must allow the ORM there.
SILENCED_SYSTEM_CHECKS = ["async.E001", "security.W004", "security.W008", "security.W012", "security.W016"]
