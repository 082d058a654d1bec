"""The site's settings for processes of their own, with short intervals: a reply's owner need not wait long."""

from chatsite.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CHAT_CLOCK_INTERVAL = 0.1
CHAT_STOP_INTERVAL = 0.05
CHAT_POLL_INTERVAL = 0.05
CHAT_SILENT_AFTER = 1.0
