"""Imports as their owners handle them: sent, started, given up; and the threads that do them.

No process of their own: a thread of the server process, few at a time. A thread that ends with its process leaves a row
whose beat stands still; its owner goes on with one click.
"""

from __future__ import annotations

import logging
import shutil
import threading
import uuid
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, connections
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from chatsite.transfer.models import FILE_NAME_MAX_LENGTH, Import, ImportedChat
from chatsite.transfer.problems import FileRefused
from chatsite.transfer.runs import Run, Superseded
from conversations import services
from conversations.cleaning import clean
from conversations.errors import ConflictError, StoreUnavailable
from conversations.models import Conversation

AT_ONCE = 2  # of one process; whoever comes later waits
SILENT_AFTER = timedelta(seconds=30)
KEPT = timedelta(days=7)  # reports, and files that nobody came back for
Stage = Import.Stage
logger = logging.getLogger(__name__)
_turn = threading.Semaphore(AT_ONCE)


def newest(user) -> Import | None:
    return Import.objects.filter(user=user).first()


def is_silent(job: Import) -> bool:
    """Whether nobody is doing it, though somebody should."""
    return job.is_live and (job.beat_at is None or job.beat_at < timezone.now() - SILENT_AFTER)


def accept(user, file: UploadedFile) -> Import:
    """Keep the file, forget what was sent before, and begin to look into it.

    Raises ConflictError while an earlier one is being imported.
    """
    if any(job.is_live and not is_silent(job) for job in Import.objects.filter(user=user)):
        raise ConflictError(_("An earlier import is not done yet. Wait for it, or stop it first."))
    forget(Import.objects.filter(user=user))
    forget(Import.objects.filter(created_at__lt=timezone.now() - KEPT))
    _sweep()
    name = clean(Path(file.name or "").name)[:FILE_NAME_MAX_LENGTH] or _("Export")
    job = Import(user=user, file_name=name, size=file.size or 0)
    _keep(file, job.path)
    job.save(force_insert=True)
    launch(job)
    return job


def _keep(file: UploadedFile, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(file, "temporary_file_path"):
        shutil.move(file.temporary_file_path(), path)
        return
    with path.open("wb") as kept:
        for chunk in file.chunks():
            kept.write(chunk)


def _sweep() -> None:
    """Files whose rows went with their owners."""
    oldest = (timezone.now() - KEPT).timestamp()
    for path in Path(settings.IMPORT_DIR).glob("*.upload"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def forget(jobs) -> None:
    """With their files. What they brought in stays."""
    for job in jobs:
        job.path.unlink(missing_ok=True)
        job.delete()


def confirm(job: Import) -> None:
    """Take in what was found, or go on with it. Does nothing where that is being done already."""
    stages = (Stage.READY, Stage.STOPPED, *((job.stage,) if is_silent(job) else ()))
    rows = Import.objects.filter(pk=job.pk, stage__in=stages, runner=job.runner)
    is_confirmed = job.is_confirmed or job.stage == Stage.READY
    stage = Stage.RUNNING if is_confirmed else Stage.CHECKING
    fresh = {"stage": stage, "is_confirmed": is_confirmed, "problem": "", "position": 0, "beat_at": timezone.now()}
    if rows.update(**fresh, runner=None):
        if is_confirmed and not job.is_confirmed:
            job.chats.all().delete()  # what would come gives way to what came
        job.refresh_from_db()
        launch(job)


def stop(job: Import) -> None:
    """What came in stays. The thread notices within a second."""
    rows = Import.objects.filter(pk=job.pk, stage__in=(Stage.CHECKING, Stage.RUNNING))
    rows.update(stage=Stage.STOPPED, runner=None, problem=_("You stopped it. What had come in by then is here."))


def undo(job: Import) -> int:
    """Put what this import brought in, and nothing that was here before, into the trash. Returns how many chats."""
    brought = job.chats.filter(outcome=ImportedChat.Outcome.NEW, conversation_id__isnull=False)
    rows = Conversation.objects.for_user(job.user).filter(pk__in=brought.values("conversation_id"))
    return services.trash(rows, timezone.now())


def launch(job: Import) -> None:
    runner = uuid.uuid4()
    Import.objects.filter(pk=job.pk).update(runner=runner, beat_at=timezone.now())
    arguments = (job.pk, runner, translation.get_language() or settings.LANGUAGE_CODE)
    threading.Thread(target=_work, args=arguments, name=f"import-{job.pk}", daemon=True).start()


def _work(job_id: uuid.UUID, runner: uuid.UUID, language: str) -> None:
    with translation.override(language):
        _wait(job_id, runner)
        try:
            job = Import.objects.select_related("user").filter(pk=job_id, runner=runner).first()
            if job:
                _run(job, runner)
        except DatabaseError:
            logger.exception("An import ended because the database failed; its owner can go on with it.")
        finally:
            connections.close_all()
            _turn.release()


def _wait(job_id: uuid.UUID, runner: uuid.UUID) -> None:
    """Until it is this one's turn."""
    while not _turn.acquire(timeout=SILENT_AFTER.total_seconds() / 3):
        Import.objects.filter(pk=job_id, runner=runner).update(beat_at=timezone.now())
        connections.close_all()


def _run(job: Import, runner: uuid.UUID) -> None:
    try:
        Run(job, runner).go()
    except Superseded:
        return
    except FileRefused as error:
        _end(job, runner, Stage.REFUSED, error.message)
    except StoreUnavailable as error:
        _end(job, runner, Stage.STOPPED, error.message)
    except DatabaseError:
        raise
    except Exception:  # whatever it is, its owner must not wait for it
        logger.exception("An import failed")
        _end(job, runner, Stage.STOPPED, _("Something went wrong here, and it has been noted. Try to go on."))
    else:
        _end(job, runner, Stage.DONE if job.is_confirmed else Stage.READY)


def _end(job: Import, runner: uuid.UUID, stage: Stage, problem: str = "") -> None:
    ended = {"stage": stage, "problem": problem, "finished_at": timezone.now(), "runner": None}
    is_mine = Import.objects.filter(pk=job.pk, runner=runner).update(**ended)
    if is_mine and stage in (Stage.DONE, Stage.REFUSED):
        job.path.unlink(missing_ok=True)
