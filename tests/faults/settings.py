"""The site as it is deployed, for server processes that are killed. FAULTS_PACE=short makes its intervals short."""

import os

from chatsite.settings import *  # noqa: F403

if os.environ.get("FAULTS_PACE") == "short":
    CHAT_CLOCK_INTERVAL = 0.25
    CHAT_FLUSH_INTERVAL = 0.02
    CHAT_POLL_INTERVAL = 0.1
    CHAT_RENDER_INTERVAL = 0.05
