"""All settings, one block per capability. What differs between hosts comes from the environment (README, Settings)."""

from __future__ import annotations

import sys
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from chatsite import connections
from chatsite import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
env.load_dotenv(Path(env.text("ENV_FILE", str(BASE_DIR / ".env"))))

# Development unless told otherwise; every deployment file of this project sets DEBUG=0.
DEBUG = env.flag("DEBUG", True)
# A key that is only good for development; checks.py refuses it elsewhere (chatsite.E001).
DEVELOPMENT_SECRET_KEY = "development-only-" + "x" * 50
SECRET_KEY = env.text("SECRET_KEY", DEVELOPMENT_SECRET_KEY)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG else env.text("SPACE_HOST"))
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    # Before django.contrib.staticfiles, whose runserver it replaces (that one buffers whole streams).
    "chatsite",
    "chatsite.accounts",
    "chatsite.branding",
    "chatsite.moderation",
    "chatsite.sharing",
    "chatsite.transfer",
    "conversations",
    "chatsite.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "lucide",
]

MIDDLEWARE = [
    "chatsite.middleware.request_id",
    "chatsite.health.probes",
    "chatsite.middleware.private_by_default",
    "chatsite.on_loop.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "chatsite.staticfiles.StaticFilesMiddleware",
    "chatsite.on_loop.GZipMiddleware",
    "chatsite.body_limit.refuse_oversized",
    "chatsite.deadline.refuse_overdue",
    "chatsite.sharing.mount.guest_mount",
    "chatsite.on_loop.SessionMiddleware",
    "chatsite.on_loop.LocaleMiddleware",
    "chatsite.on_loop.CommonMiddleware",
    "chatsite.on_loop.CsrfViewMiddleware",
    "chatsite.on_loop.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "chatsite.on_loop.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "chatsite.branding.terms.terms_first",
    "chatsite.errors.chat_errors",
    "chatsite.sharing.gate.guest_gate",
]

ROOT_URLCONF = "chatsite.urls"
ASGI_APPLICATION = "chatsite.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chatsite.context.site",
            ],
        },
    },
]

# The site. What the admin says of its name, look and words counts more, after BRANDING_AGE seconds in every process.
BRANDING_AGE = 3.0
SITE_NAME = env.text("SITE_NAME", "Chatsite")
LANGUAGE_CODE = env.text("LANGUAGE_CODE", "en")
# A language is offered once it is translated: half of a page in each helps nobody (tests/test_translations.py).
LANGUAGES = [("en", _("English")), ("vi", _("Vietnamese"))]
# The second: what Django and allauth say and have no Vietnamese for. `make messages` writes into the first only.
LOCALE_PATHS = [BASE_DIR / "chatsite" / "locale", BASE_DIR / "chatsite" / "locale_of_packages"]
FORMAT_MODULE_PATH = ["chatsite.formats"]
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_TZ = True
USE_I18N = True

# Database. IMMEDIATE: a transaction takes SQLite's write lock at its start, so that it waits for its
# turn instead of failing when it turns from reading to writing.
SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
    "PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY",
}
DATABASES = {
    "default": dj_database_url.parse(
        env.text("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}"),
        conn_max_age=0,  # under ASGI a kept connection belongs to a thread that ends with its request
        ssl_require=env.flag("DATABASE_SSL", False),
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["ENGINE"] = "chatsite.sqlite"  # Django's, which opens no connection for each request
    DATABASES["default"].setdefault("OPTIONS", {}).update(SQLITE_OPTIONS)
    # A file, because several threads share it; the default test database lives in one connection's memory.
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}
    VAR_DIR.mkdir(exist_ok=True)
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["ENGINE"] = "chatsite.postgresql"  # Django's, with a limit on the connections of a process
    DATABASES["default"].setdefault("OPTIONS", {}).update(max_connections=env.whole("DATABASE_MAX_CONNECTIONS", 15))
    # libpq would wait for minutes for a host that does not answer.
    DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 2)
# Seconds that a server process waits for one answer of Postgres. Management commands wait for as long as it takes.
DATABASE_PATIENCE = env.number("DATABASE_PATIENCE", 3.5)
# An answer begins within so many seconds, or it is a page that says 503 (chatsite/deadline.py).
ANSWER_WITHIN = 4.5
# Losing everything at each restart is an error, unless it is meant (checks.py).
EPHEMERAL_DISK = bool(env.text("DYNO") or env.text("SPACE_ID"))
ALLOW_EPHEMERAL_DATA = env.flag("ALLOW_EPHEMERAL_DATA")

# One process needs no shared cache; several do (log-in rate limits count there), and live text passes between them
# through Redis. Sites that share one have different prefixes.
REDIS_URL = env.text("REDIS_URL")
REDIS_PREFIX = env.text("REDIS_PREFIX", "chatsite")
# Heroku's Redis speaks TLS with a certificate that nobody has signed.
if REDIS_URL.startswith("rediss://") and not env.flag("REDIS_VERIFY_TLS", not env.text("DYNO")):
    REDIS_URL += ("&" if "?" in REDIS_URL else "?") + "ssl_cert_reqs=none"
CACHES = {
    "default": {
        "BACKEND": "chatsite.cache.SharedCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": REDIS_PREFIX,
    }
    if REDIS_URL
    # The default of 300 entries would let a flood of names wash the counts of failed log-ins away.
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 50_000}}
}
# Temporary chats: none is counted among the others, and a flood of them only washes out the oldest.
CACHES["temporary"] = CACHES["default"] | (
    {"KEY_PREFIX": f"{REDIS_PREFIX}-temporary"}
    if REDIS_URL
    else {"LOCATION": "temporary", "OPTIONS": {"MAX_ENTRIES": 500, "CULL_FREQUENCY": 50}}
)

# Static files
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "chatsite.staticfiles.ManifestStorage"
    },
}

# Style sheets that are served as one file, in this order.
STYLE_BUNDLES = {
    "css/chat.css": [f"css/{name}.css" for name in ("tokens", "layout", "messages", "compare", "settings")],
}

# Accounts. People sign up with e-mail address and password, and log in with the address or their user name.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "conversations:home"
LOGOUT_REDIRECT_URL = "account_login"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "name", "email"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SIGNUP_OPEN = env.flag("SIGNUP_OPEN", True)
# Whoever signs up confirms the address by mail before the first log-in; so nobody learns from the sign-up page whether
# an address has an account here. In development, and where the owner says SIGNUP_VERIFY_EMAIL=0, people are in at
# once; the price is that a taken address is told as such. Open sign-up needs one of the two (chatsite.E008).
SIGNUP_VERIFY_EMAIL = env.flag("SIGNUP_VERIFY_EMAIL", not DEBUG)
ACCOUNT_ADAPTER = "chatsite.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "chatsite.accounts.forms.LoginForm",
    "signup": "chatsite.accounts.forms.SignupForm",
    "change_password": "chatsite.accounts.forms.ChangePasswordForm",
    "reset_password": "chatsite.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "chatsite.accounts.forms.ResetPasswordKeyForm",
}
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if SIGNUP_VERIFY_EMAIL else "none"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # only in the browser that signed up
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
# Counted in the cache. "key" is the account together with the address of whoever tries (adapter.py), so that nobody
# can lock the owner out; for the reset it is the e-mail address.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "30/m/ip,5/5m/key",
    "signup": "20/m/ip",
    "reset_password": "20/m/ip,5/5m/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/5m/user",
    "confirm_email": "3/5m/key",
    "shared_password": "30/m/ip,5/5m/key",  # the key: a shared link, together with the caller's address
    "shared_password_of_link": "100/h/key",
    "shared_page": "60/m/ip",  # of those who are not logged in
    "guest": "60/h/ip",
    "guest_unpaid": "20/d/key",  # the key: a guest
}
# How many proxies of yours stand before this server. Each appends to X-Forwarded-For the address it was called from;
# what stands further left was written by the caller. On Heroku it is the router.
TRUSTED_PROXIES = env.whole("TRUSTED_PROXIES", 1 if EPHEMERAL_DISK else 0)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

# Mail: EMAIL_URL=smtp+tls://user:password@host:587 (or smtps://, smtp://), or EMAIL_HOST and its kin. Without a server,
# development prints mails on the console; production drops them, because a reset link in a log is a secret in a log.
_mail = env.mail_server()
EMAIL_BACKEND = (
    "chatsite.mail.EmailBackend"
    if _mail.host
    else f"django.core.mail.backends.{'console' if DEBUG else 'dummy'}.EmailBackend"
)
EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.tls, _mail.ssl
EMAIL_TIMEOUT = 3.5  # seconds, for one mail from the connection to the last word (chatsite/mail.py)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", "webmaster@localhost")

# Security. No inline script or style anywhere, so the policy needs no nonce.
SILENCED_SYSTEM_CHECKS = ["security.W003"]  # it looks for Django's CSRF middleware by name; ours is a subclass of it
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "chatsite.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
CSRF_FAILURE_VIEW = "chatsite.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
if not DEBUG:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.flag("HTTPS", True)
    SECURE_SSL_REDIRECT = env.flag("HTTPS", True)
    SECURE_HSTS_SECONDS = env.whole("HSTS_SECONDS", 60 * 60 * 24 * 365) if env.flag("HTTPS", True) else 0
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Models: where they answer (chatsite/connections.py). People choose among ChatModel rows, which are seeded from here
# and edited in the admin.
CONNECTIONS = connections.read(find_ollama=env.flag("CHAT_FIND_OLLAMA", DEBUG))
CHAT_BACKENDS = CONNECTIONS.backends
CHAT_DEFAULT_MODEL = env.text("CHAT_DEFAULT_MODEL", "google/gemma-2-9b-it")
CHAT_SYSTEM_PROMPT = env.text(
    "CHAT_SYSTEM_PROMPT",
    "You are a helpful AI assistant. Your answers are concise and to the point. Use emojis rarely, if at all.",
)
CHAT_DEFAULT_OPTIONS = {"temperature": 0.7, "max_tokens": env.whole("CHAT_MAX_TOKENS", 512)}
CHAT_EXAMPLES = "chatsite.branding.examples.Examples"  # those of the admin, else these
CHAT_EXAMPLE_PROMPTS = [
    _("What can this site do?"),
    _("How do I connect a language model?"),
    _("Explain a hard idea in simple words"),
    _("Help me write a polite e-mail"),
]

# Where transcripts live: the database, or any S3-compatible bucket.
AWS_STORAGE_BUCKET_NAME = env.text("AWS_STORAGE_BUCKET_NAME")
CONVERSATION_STORES = {
    "database": {"BACKEND": "conversations.stores.database.DatabaseStore"},
    "memory": {"BACKEND": "conversations.stores.memory.MemoryStore"},
}
if AWS_STORAGE_BUCKET_NAME:
    CONVERSATION_STORES["s3"] = {
        "BACKEND": "conversations.stores.s3.S3Store",
        "OPTIONS": {
            "bucket": AWS_STORAGE_BUCKET_NAME,
            "endpoint_url": env.text("AWS_S3_ENDPOINT_URL"),
            "region": env.text("AWS_S3_REGION_NAME"),
            "access_key": env.text("AWS_ACCESS_KEY_ID"),
            "secret_key": env.text("AWS_SECRET_ACCESS_KEY"),
            "prefix": env.text("AWS_LOCATION"),
        },
    }
# Naming a bucket does not switch to it: what is in the database would seem lost until it is moved.
CONVERSATION_STORE_NAME = env.text("CONVERSATION_STORE", "database")
CONVERSATION_STORE = CONVERSATION_STORES.get(CONVERSATION_STORE_NAME, CONVERSATION_STORES["database"])

# Limits on what people send. Lengths in characters, sizes in bytes.
CHAT_GUARDS = ["conversations.guards.Length", "chatsite.moderation.guard.ContentFilter"]
CHAT_MAX_MESSAGE_LENGTH = env.whole("CHAT_MAX_MESSAGE_LENGTH", 100_000)
CHAT_MAX_DOCUMENT_SIZE = env.whole("CHAT_MAX_DOCUMENT_SIZE", 8_000_000)
CHAT_MAX_RUNNING_REPLIES = env.whole("CHAT_MAX_RUNNING_REPLIES", 2)
CHAT_MAX_REPLY_LENGTH = env.whole("CHAT_MAX_REPLY_LENGTH", 500_000)
CHAT_KEEP_KEYS_HOURS = 48  # then the text of stored turns stands in the store alone
CHAT_TRASH_DAYS = env.whole("CHAT_TRASH_DAYS", 30)  # deleted chats can be taken back for so long
DATA_UPLOAD_MAX_NUMBER_FIELDS = 6_000  # somebody may select all of 5,000 chats
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
# Files to import may be larger (chatsite/transfer/tickets.py says whose). They are kept here until it is done.
CHAT_MAX_IMPORT_SIZE = env.whole("CHAT_MAX_IMPORT_SIZE", 500 * 1024 * 1024)
IMPORT_DIR = Path(env.text("IMPORT_DIR", str(VAR_DIR / "imports")))

# Temporary chats are kept in this cache, and nowhere else, until so many hours after their last message; each has at
# most so many bytes.
CHAT_TEMPORARY_CACHE = "temporary"
CHAT_TEMPORARY_HOURS = 2
CHAT_TEMPORARY_SIZE = 2_000_000

# The content filter. Its lists are in the admin; what it found is noted there without the text around it, unless told.
CHAT_FILTER_AGE = 2.0  # seconds after which a change in the lists counts in every process
CHAT_FILTER_KEEP_TEXT = env.flag("CHAT_FILTER_KEEP_TEXT")
CHAT_FILTER_KEEP_DAYS = env.whole("CHAT_FILTER_KEEP_DAYS", 90)

# The live path: seconds. Tests shorten them.
CHAT_CLOCK_INTERVAL = 1.0
CHAT_CATALOGUE_AGE = 1.0  # what an admin changes in the models shows this much later
CHAT_SPEED_AGE = 300.0  # how quick models were is looked up again after this
CHAT_STOP_INTERVAL = 0.25  # how often a process that writes asks whether a stop was asked for elsewhere
CHAT_SILENT_AFTER = 10.0  # then the owner's Stop or Retry may settle what a process was writing
CHAT_DEAD_AFTER = 60.0  # then everybody may
CHAT_FLUSH_INTERVAL = 0.06  # the longest that text waits to be joined, under load (model servers: pace.py)
CHAT_RENDER_INTERVAL = 0.25  # the unfinished block is rendered at most this often
CHAT_HEARTBEAT_INTERVAL = 10.0
CHAT_POLL_INTERVAL = 1.0  # rows of replies that another process writes, while Redis is silent or there is none
CHAT_DEPLOY_OVERLAP = 120.0  # two processes without Redis for longer than this are no deploy, but a mistake
CHAT_SESSION_CHECK_INTERVAL = 3.0
CHAT_REPLY_DEADLINE = env.number("CHAT_REPLY_DEADLINE", 600)
# Before its first token a model is asked again, at most twice; by then at most PATIENCE has passed (0: never again).
# One that failed FAILURES times in a row (0: any number) is left alone for COOLDOWN: who asks is told at once.
CHAT_RETRY_DELAY = 1.0  # before the first retry, twice as long before the second
CHAT_RETRY_PATIENCE = env.number("CHAT_RETRY_PATIENCE", 25)
CHAT_BREAKER_FAILURES = env.whole("CHAT_BREAKER_FAILURES", 5)
CHAT_BREAKER_COOLDOWN = env.number("CHAT_BREAKER_COOLDOWN", 30)
CHAT_TITLES = env.flag("CHAT_TITLES", True)  # by the model; otherwise chats are named by their first words
CHAT_TITLE_TIMEOUT = env.number("CHAT_TITLE_TIMEOUT", 20)
# Running replies may go on this long after SIGTERM; with DEBUG, whoever pressed Ctrl-C waits for nothing. By EXIT all
# is settled. Heroku kills after 30 s; shorten both for a host that kills sooner (docker stop: 10 s).
CHAT_SHUTDOWN_GRACE = env.number("CHAT_SHUTDOWN_GRACE", 0.5 if DEBUG else 15)
CHAT_SHUTDOWN_EXIT = env.number("CHAT_SHUTDOWN_EXIT", 2 if DEBUG else 22)

# Logs: to standard output, with the request's id, never with the text of messages.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "chatsite.middleware.RequestIdFilter"},
        "secret_links": {"()": "chatsite.middleware.SecretLinksFilter"},
    },
    "formatters": {"line": {"format": "%(levelname)s %(name)s [%(request_id)s] %(message)s"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": sys.stdout,
            "filters": ["request_id", "secret_links"],
            "formatter": "line",
        }
    },
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": ["console"], "propagate": False},
        "django": {"handlers": []},  # Django's own handler says everything twice
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},  # a traceback for every scanner
        "httpx2": {"level": "WARNING"},  # a line for every reply otherwise
    },
}
