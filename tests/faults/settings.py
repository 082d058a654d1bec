"""The site as it is deployed, for server processes that are killed.

FAULTS_PACE=short makes its intervals short. FAULTS_DEAD_AFTER (seconds) is for processes that are frozen beside
others: sooner taken for dead than in production, so that they find their claims gone when they come back.
"""

import os

from chatsite.settings import *  # noqa: F403

if os.environ.get("FAULTS_PACE") == "short":
    CHAT_CLOCK_INTERVAL = 0.25
    CHAT_FLUSH_INTERVAL = 0.02
    CHAT_POLL_INTERVAL = 0.1
    CHAT_RENDER_INTERVAL = 0.05

if "FAULTS_DEAD_AFTER" in os.environ:
    CHAT_DEAD_AFTER = float(os.environ["FAULTS_DEAD_AFTER"])
    CHAT_SILENT_AFTER = CHAT_DEAD_AFTER / 2
