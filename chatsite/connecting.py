"""The page “Connect a model”: what is connected and whether it answers, and which variable to set for what is not."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from chatsite import environment as env
from chatsite import ollama
from conversations.backends import get_backend
from conversations.models import ChatModel
from conversations.services import offering


def connect(request: HttpRequest) -> HttpResponse:
    """For whoever may add models."""
    if not request.user.has_perm("conversations.add_chatmodel"):
        raise PermissionDenied
    aliases = [alias for alias in settings.CHAT_BACKENDS if get_backend(alias).is_language_model]
    answers = async_to_sync(offering.ask_all)(aliases, offering.PAGE_PATIENCE)
    context = {
        **admin.site.each_context(request),
        "title": _("Connect a model"),
        "connections": [_state(answer) for answer in answers],
        "place": _place(),
        "env_file": env.text("ENV_FILE", str(settings.BASE_DIR / ".env")),
        "found_ollama": "ollama" not in settings.CHAT_BACKENDS and bool(settings.DEBUG and ollama.find()),
        "is_first": not aliases,
    }
    return TemplateResponse(request, "admin/connect.html", context)


def _state(answer: offering.Answer) -> dict:
    entries = ChatModel.objects.filter(backend=answer.alias, enabled=True)
    return {"answer": answer, "in_catalogue": entries.count(), "offered": len(answer.offers)}


def _place() -> str:
    """Where variables are set on this host."""
    if env.text("DYNO"):
        return "heroku"
    if env.text("SPACE_ID"):
        return "space"
    return "development" if settings.DEBUG else "server"
