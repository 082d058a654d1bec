"""The admin: the catalogue is edited here; conversations and replies show their metadata, never their text."""

from conversations.admin.chat_models import ChatModelAdmin
from conversations.admin.feedback import FeedbackAdmin
from conversations.admin.personas import PersonaAdmin
from conversations.admin.prompts import SavedPromptAdmin
from conversations.admin.records import ConversationAdmin, GenerationAdmin

__all__ = [
    "ChatModelAdmin",
    "ConversationAdmin",
    "FeedbackAdmin",
    "GenerationAdmin",
    "PersonaAdmin",
    "SavedPromptAdmin",
]
