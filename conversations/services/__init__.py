"""The verbs of a conversation. They know no request, no HTML and no JSON; whoever calls has the right to."""

from conversations.services.catalogue import (
    available_models,
    choose_model,
    default_model,
    forget_catalogue,
    seed_catalogue,
)
from conversations.services.comparing import compare, keep, stop_all
from conversations.services.continuing import continue_reply
from conversations.services.conversations import (
    all_of,
    by_id,
    create,
    delete,
    latest,
    read,
    read_what_is_there,
    rename,
    start_conversation,
    store,
)
from conversations.services.feedback import explain, feedback_on, rate, unrate
from conversations.services.fullness import Fullness, fullness
from conversations.services.personas import (
    delete_persona,
    own_persona,
    own_personas,
    personas_for,
    save_persona,
    shared_personas,
    usable_persona,
)
from conversations.services.recalling import recall_counts
from conversations.services.searching import Found, Wanted, search
from conversations.services.speed import Speed, speeds
from conversations.services.stopping import stop
from conversations.services.tuning import options_for, settings_of, system_prompt_of, usual_settings
from conversations.services.turning_back import clear, later, take_back
from conversations.services.turns import edit_message, own_message, regenerate, select, send_message
from conversations.services.values import nearest
from conversations.services.wishes import OWN_TEXT, Wish, begin, defaults_of, set_defaults, take, tune

__all__ = [
    "OWN_TEXT",
    "Found",
    "Fullness",
    "Speed",
    "Wanted",
    "Wish",
    "all_of",
    "available_models",
    "begin",
    "by_id",
    "choose_model",
    "clear",
    "compare",
    "continue_reply",
    "create",
    "default_model",
    "defaults_of",
    "delete",
    "delete_persona",
    "edit_message",
    "explain",
    "feedback_on",
    "forget_catalogue",
    "fullness",
    "keep",
    "later",
    "latest",
    "nearest",
    "options_for",
    "own_message",
    "own_persona",
    "own_personas",
    "personas_for",
    "rate",
    "read",
    "read_what_is_there",
    "recall_counts",
    "regenerate",
    "rename",
    "save_persona",
    "search",
    "seed_catalogue",
    "select",
    "send_message",
    "set_defaults",
    "settings_of",
    "shared_personas",
    "speeds",
    "start_conversation",
    "stop",
    "stop_all",
    "store",
    "system_prompt_of",
    "take",
    "take_back",
    "tune",
    "unrate",
    "usable_persona",
    "usual_settings",
]
