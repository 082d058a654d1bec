"""For those who share: a link to a chat of one's own, all of one's links, an end to one."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chatsite.sharing import links as services
from chatsite.sharing.forms import ShareForm
from chatsite.sharing.models import SharedLink
from conversations import pages
from conversations.access import members_only, own_or_404
from conversations.errors import ChatError
from conversations.models import Conversation

PAGE_SIZE = 50


@require_http_methods(["GET", "POST"])
@members_only
def share(request: HttpRequest, conversation_id) -> HttpResponse:
    """What a link would show, and the links to this chat that there are."""
    conversation = own_or_404(request.user, conversation_id)
    form = ShareForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            services.share(conversation, **form.cleaned_data)
        except ChatError as error:
            form.add_error(None, error.message)
            return _page(request, conversation, form, status=error.status)
        messages.success(request, _("The link is ready. Whoever has it can read this copy of the chat."))
        # To the link itself: on small windows it stands below what was read before.
        return redirect(f"{reverse('sharing:share', args=[conversation.pk])}#links")
    return _page(request, conversation, form, status=400 if form.errors else 200)


def _page(request: HttpRequest, conversation: Conversation, form: ShareForm, status: int) -> HttpResponse:
    shared = _with_addresses(request, SharedLink.objects.for_user(request.user).filter(conversation=conversation))
    context = {"conversation": conversation, "form": form, "links": shared}
    return render(request, "sharing/share.html", context, status=status)


@require_GET
@members_only
def links(request: HttpRequest) -> HttpResponse:
    """All that this person shares, newest first; what stands in the trash, too, which opens nothing meanwhile."""
    rows = SharedLink.objects.for_user(request.user).select_related("conversation")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = pages.page_context(request.user, None) | {"page": page, "links": _with_addresses(request, page)}
    return render(request, "sharing/links.html", context)


@require_POST
@members_only
def revoke(request: HttpRequest, link_id) -> HttpResponse:
    link = SharedLink.objects.for_user(request.user).filter(pk=link_id).first()
    if link is None:
        raise Http404
    services.revoke(link)
    messages.success(request, _("The link is revoked: it opens nothing any more, and the copy is deleted."))
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect(back if is_ours and back.startswith("/") else "sharing:links")


def _with_addresses(request: HttpRequest, links) -> list[SharedLink]:
    found = list(links)
    for link in found:
        link.address = request.build_absolute_uri(reverse("sharing:shared", args=[link.token]))
    return found
