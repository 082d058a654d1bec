"""The HTML mouth of the services. What lives (sending, stopping, following) is asynchronous, pages are not.

A request with the header X-Requested-With: fetch comes from our script and gets fragments; any other gets
whole pages and redirects. A stranger's conversation does not exist.
"""

from conversations.views.chats import delete, history, home, memory, rename, show
from conversations.views.feedback import explain, rate
from conversations.views.models import catalogue, choices
from conversations.views.personas import create_persona, delete_persona, edit_persona, personas
from conversations.views.replies import follow, stop, stop_all
from conversations.views.search import panel as search_panel
from conversations.views.search import search
from conversations.views.tuning import defaults, new_settings, settings, use_persona
from conversations.views.turning_back import clear, take_back
from conversations.views.turns import again, csrf_failure, edit, go_on, keep, retry, select, send, start

__all__ = [
    "again",
    "catalogue",
    "choices",
    "clear",
    "create_persona",
    "csrf_failure",
    "defaults",
    "delete",
    "delete_persona",
    "edit",
    "edit_persona",
    "explain",
    "follow",
    "go_on",
    "history",
    "home",
    "keep",
    "memory",
    "new_settings",
    "personas",
    "rate",
    "rename",
    "retry",
    "search",
    "search_panel",
    "select",
    "send",
    "settings",
    "show",
    "start",
    "stop",
    "stop_all",
    "take_back",
    "use_persona",
]
