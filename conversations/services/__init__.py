"""The verbs of a conversation. They know no request, no HTML and no JSON; whoever calls has the right to."""

from conversations.services.catalogue import (
    available_models,
    choose_model,
    default_model,
    forget_catalogue,
    seed_catalogue,
)
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
from conversations.services.stopping import stop
from conversations.services.tuning import options_for, settings_of, system_prompt_of, wishes
from conversations.services.turns import edit_message, regenerate, select, send_message

__all__ = [
    "all_of",
    "available_models",
    "by_id",
    "choose_model",
    "continue_reply",
    "create",
    "default_model",
    "delete",
    "edit_message",
    "forget_catalogue",
    "latest",
    "options_for",
    "read",
    "read_what_is_there",
    "regenerate",
    "rename",
    "seed_catalogue",
    "select",
    "send_message",
    "settings_of",
    "start_conversation",
    "stop",
    "store",
    "system_prompt_of",
    "wishes",
]
