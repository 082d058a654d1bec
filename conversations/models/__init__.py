"""The tables of the heart.

A Conversation row holds what lists and searches need; its text is one document in the store.
A Generation is an accepted turn, and the outbox from which the store follows.
"""

from conversations.models.catalogue import ChatModel, ModelFallback, ModelSetting
from conversations.models.conversation import (
    TITLE_MAX_LENGTH,
    Conversation,
    ConversationQuerySet,
    StoredTranscript,
)
from conversations.models.generation import INSTEAD_OF_MAX_LENGTH, UNSAID, Generation, Writer
from conversations.models.organising import FOLDER_NAME_MAX_LENGTH, REASON_MAX_LENGTH, Feedback, Folder, SavedPrompt
from conversations.models.searching import SearchEntry
from conversations.models.tuning import PROMPT_MAX_LENGTH, ChatDefaults, Persona

__all__ = [
    "FOLDER_NAME_MAX_LENGTH",
    "INSTEAD_OF_MAX_LENGTH",
    "PROMPT_MAX_LENGTH",
    "REASON_MAX_LENGTH",
    "TITLE_MAX_LENGTH",
    "UNSAID",
    "ChatDefaults",
    "ChatModel",
    "Conversation",
    "ConversationQuerySet",
    "Feedback",
    "Folder",
    "Generation",
    "ModelFallback",
    "ModelSetting",
    "Persona",
    "SavedPrompt",
    "SearchEntry",
    "StoredTranscript",
    "Writer",
]
