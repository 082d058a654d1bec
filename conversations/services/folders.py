"""A person's folders: all, one, made, renamed, deleted."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from conversations.cleaning import clean
from conversations.errors import InputError, NotFound
from conversations.models import FOLDER_NAME_MAX_LENGTH, Conversation, ConversationQuerySet, Folder

MOST_FOLDERS = 100
MOST_KEY = 2**63 - 1


def folders_of(user) -> QuerySet[Folder]:
    """With `has_unread`: whether an answer came in there that its owner has not seen."""
    unread = Conversation.objects.for_user(user).filter(folder=OuterRef("pk"), is_unread=True, archived_at=None)
    return Folder.objects.filter(user_id=user.pk).annotate(has_unread=Exists(unread.order_by()))[:MOST_FOLDERS]


def own_folder(user, folder_id: int) -> Folder:
    """Raises NotFound for what does not exist, or is someone else's."""
    is_a_key = folder_id <= MOST_KEY  # or the database would refuse the question
    found = Folder.objects.filter(user_id=user.pk, pk=folder_id).first() if is_a_key else None
    if found is None:
        raise NotFound(_("This folder does not exist."))
    return found


def members_of(folder: Folder) -> ConversationQuerySet:
    rows = Conversation.objects.filter(user_id=folder.user_id, deleted_at=None, trashed_at=None)
    return rows.filter(folder=folder, archived_at=None)


def create_folder(user, name: str) -> Folder:
    """Raises InputError if the name is blank, too long or taken, or if there are too many."""
    name = _name(name)
    if Folder.objects.filter(user_id=user.pk).count() >= MOST_FOLDERS:
        raise InputError(_("You have {limit} folders already. Delete one first.").format(limit=MOST_FOLDERS))
    return _saved(Folder(user=user, name=name))


def rename_folder(folder: Folder, name: str) -> Folder:
    """Raises InputError, as `create_folder`."""
    folder.name = _name(name)
    return _saved(folder)


def delete_folder(folder: Folder) -> None:
    """Its conversations stay, and stand in the list again."""
    folder.delete()


def _name(name: str) -> str:
    name = " ".join(clean(name).split())
    if not name:
        raise InputError(_("Write a name first."))
    if len(name) > FOLDER_NAME_MAX_LENGTH:
        limit = FOLDER_NAME_MAX_LENGTH
        raise InputError(_("The name of a folder may have at most {limit} characters.").format(limit=limit))
    return name


def _saved(folder: Folder) -> Folder:
    try:
        with transaction.atomic():
            folder.save()
    except IntegrityError:
        raise InputError(_("You have a folder with this name already. Choose another one.")) from None
    return folder
