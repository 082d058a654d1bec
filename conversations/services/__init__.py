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
from conversations.services.speed import Speed, speeds
from conversations.services.stopping import stop
from conversations.services.turns import edit_message, regenerate, select, send_message

__all__ = [
    "Speed",
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
    "read",
    "read_what_is_there",
    "regenerate",
    "rename",
    "seed_catalogue",
    "select",
    "send_message",
    "speeds",
    "start_conversation",
    "stop",
    "store",
]
