"""One's library of prompts, called in the composer by `/name`."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from conversations import pages, services
from conversations.access import members_only, prompt_or_404
from conversations.errors import InputError
from conversations.forms import SavedPromptForm
from conversations.indexing.alphabet import in_order
from conversations.models import SavedPrompt


@require_GET
@members_only
def prompts(request: HttpRequest) -> HttpResponse:
    context = pages.page_context(request.user, None) | {
        "shared": in_order(services.shared_prompts()),
        "own": in_order(services.own_prompts(request.user)),
    }
    return render(request, "conversations/prompts.html", context)


@require_GET
@members_only
def prompt_choices(request: HttpRequest) -> HttpResponse:
    """All that may be called, for our script."""
    context = {"prompts": in_order(services.prompts_for(request.user))}
    return render(request, "conversations/_prompt_choices.html", context)


@require_http_methods(["GET", "POST"])
@members_only
def create_prompt(request: HttpRequest) -> HttpResponse:
    return _edited(request, None)


@require_http_methods(["GET", "POST"])
@members_only
def edit_prompt(request: HttpRequest, prompt_id: int) -> HttpResponse:
    return _edited(request, prompt_or_404(request.user, prompt_id))


@require_http_methods(["GET", "POST"])
@members_only
def delete_prompt(request: HttpRequest, prompt_id: int) -> HttpResponse:
    prompt = prompt_or_404(request.user, prompt_id)
    if request.method == "GET":
        return render(request, "conversations/prompt_delete.html", {"prompt": prompt})
    services.delete_prompt(prompt)
    messages.success(request, _("“/{name}” is deleted.").format(name=prompt.name))
    return redirect("conversations:prompts")


def _edited(request: HttpRequest, prompt: SavedPrompt | None) -> HttpResponse:
    form = SavedPromptForm(request.POST if request.method == "POST" else None, instance=prompt)
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.save_prompt(request.user, prompt=prompt, **form.said)
        except InputError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("“/{name}” is saved.").format(name=saved.name))
            return redirect("conversations:prompts")
    context = {"form": form, "prompt": prompt}
    return render(request, "conversations/prompt.html", context, status=400 if form.errors else 200)
