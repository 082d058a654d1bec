"""A library of personas: those that everybody may use, and one's own, which one writes, changes and deletes."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from conversations import pages, services
from conversations.access import members_only, persona_or_404
from conversations.errors import InputError, NotFound
from conversations.forms import PersonaForm
from conversations.indexing.alphabet import in_order
from conversations.models import Conversation, Persona


@require_GET
@members_only
def personas(request: HttpRequest) -> HttpResponse:
    """`?chat=` names the chat from which somebody looks for one."""
    context = pages.page_context(request.user, None) | {
        "shared": in_order(services.shared_personas()),
        "own": in_order(services.own_personas(request.user)),
        "chat": _chat(request),
    }
    return render(request, "conversations/personas.html", context)


@require_http_methods(["GET", "POST"])
@members_only
def create_persona(request: HttpRequest) -> HttpResponse:
    return _edited(request, None)


@require_http_methods(["GET", "POST"])
@members_only
def edit_persona(request: HttpRequest, persona_id: int) -> HttpResponse:
    return _edited(request, persona_or_404(request.user, persona_id))


@require_http_methods(["GET", "POST"])
@members_only
def delete_persona(request: HttpRequest, persona_id: int) -> HttpResponse:
    persona = persona_or_404(request.user, persona_id)
    if request.method == "GET":
        return render(request, "conversations/persona_delete.html", {"persona": persona})
    services.delete_persona(persona)
    messages.success(request, _("“{name}” is deleted. Chats that used it keep its text.").format(name=persona.name))
    return redirect("conversations:personas")


def _edited(request: HttpRequest, persona: Persona | None) -> HttpResponse:
    form = PersonaForm(request.POST if request.method == "POST" else None, instance=persona)
    if request.method == "POST" and form.is_valid():
        try:
            services.save_persona(request.user, persona=persona, **form.cleaned_data)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("“{name}” is saved.").format(name=form.cleaned_data["name"]))
            return redirect("conversations:personas")
    context = {"form": form, "persona": persona}
    return render(request, "conversations/persona.html", context, status=400 if form.errors else 200)


def _chat(request: HttpRequest) -> Conversation | None:
    try:
        return services.by_id(request.user, uuid.UUID(request.GET.get("chat", "")))
    except (ValueError, NotFound):
        return None
