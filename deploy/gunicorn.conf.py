"""How gunicorn serves the site, on every host: the Procfile, the Dockerfile and docs/deploy.md use this file."""

import gc
import os
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chatsite import slow_readers

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"

# Live text passes through the memory of its process; several processes need Redis between them. Heroku sets
# WEB_CONCURRENCY by itself, for sites of another kind, so it counts only beside REDIS_URL.
workers = int(os.environ.get("WEB_CONCURRENCY", "1")) if os.environ.get("REDIS_URL") else 1

# After SIGTERM: replies may run on for 15 s, everything is settled by 22 s (settings.CHAT_SHUTDOWN_*), readers that
# still hang are cut here, and Heroku kills after 30 s.
graceful_timeout = int(float(os.environ.get("CHAT_SHUTDOWN_EXIT", "22"))) + 3

# A worker whose event loop stood still this long is replaced.
timeout = 60

# Each live reply holds two connections and more, its reader's and its model's; the usual limit of 1,024 is too low.
_files, _most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
_enough = 65_536 if _most_files == resource.RLIM_INFINITY else min(65_536, _most_files)
if _files != resource.RLIM_INFINITY and _files < _enough:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_enough, _most_files))

# Longer than the 90 s for which Heroku's router keeps a connection, or it would send requests into closing ones.
keepalive = 95

# forwarded_allow_ips stays at gunicorn's default, a proxy on this host (FORWARDED_ALLOW_IPS in the environment names
# others). With "*" the first address in X-Forwarded-For would count, and anybody can write that one.

# The router's or proxy's log tells who asked for what; the site's own log tells what went wrong.
accesslog = None
control_socket_disable = True


# Who takes nothing of what is sent for so many seconds is cut off, and comes back where it was.
stalled_reader_timeout = float(os.environ.get("STALLED_READER_TIMEOUT", "30"))


def when_ready(server):
    for listener in server.LISTENERS:
        slow_readers.bound(listener.sock, stalled_reader_timeout)


def post_worker_init(worker):
    """What was loaded stays: the collector need not look at it again, nor at what lives so often, with 800 replies."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)
