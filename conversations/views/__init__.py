"""The HTML mouth of the services. What lives (sending, stopping, following) is asynchronous, pages are not.

A request with the header X-Requested-With: fetch comes from our script and gets fragments; any other gets
whole pages and redirects. A stranger's conversation does not exist.
"""

from conversations.views.chats import delete, home, memory, part, rename, show
from conversations.views.feedback import explain, rate
from conversations.views.folders import create_folder, delete_folder, rename_folder
from conversations.views.keys import keys
from conversations.views.lists import archive, folder, history, sidebar, trash
from conversations.views.models import catalogue, choices
from conversations.views.organising import empty_trash, move, organise
from conversations.views.personas import create_persona, delete_persona, edit_persona, personas
from conversations.views.prompts import create_prompt, delete_prompt, edit_prompt, prompt_choices, prompts
from conversations.views.replies import follow, stop, stop_all
from conversations.views.search import panel as search_panel
from conversations.views.search import search
from conversations.views.tuning import defaults, new_settings, settings, use_persona
from conversations.views.turning_back import clear, end, take_back
from conversations.views.turns import again, csrf_failure, edit, go_on, keep, retry, select, send, start

__all__ = [
    "again",
    "archive",
    "catalogue",
    "choices",
    "clear",
    "create_folder",
    "create_persona",
    "create_prompt",
    "csrf_failure",
    "defaults",
    "delete",
    "delete_folder",
    "delete_persona",
    "delete_prompt",
    "edit",
    "edit_persona",
    "edit_prompt",
    "empty_trash",
    "end",
    "explain",
    "folder",
    "follow",
    "go_on",
    "history",
    "home",
    "keep",
    "keys",
    "memory",
    "move",
    "new_settings",
    "organise",
    "part",
    "personas",
    "prompt_choices",
    "prompts",
    "rate",
    "rename",
    "rename_folder",
    "retry",
    "search",
    "search_panel",
    "select",
    "send",
    "settings",
    "show",
    "sidebar",
    "start",
    "stop",
    "stop_all",
    "take_back",
    "trash",
    "use_persona",
]
