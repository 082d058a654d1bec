"""“Test this model”: a page that grows while models are asked, without a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.models import ChatModel
from conversations.responses import EventStream
from conversations.services.probing import Probe, probe_all

HERE = "<!-- probes -->"  # where the page is cut, and what is found goes in between
MOST = 20


class PageStream(EventStream):
    """A page whose rest comes later; it holds neither thread nor database connection meanwhile."""

    def __init__(self, frames: AsyncIterator[bytes]):
        super().__init__(frames)
        self["Content-Type"] = "text/html; charset=utf-8"
        self["Content-Encoding"] = "identity"
        self["X-Accel-Buffering"] = "no"


class ProbesMixin:
    """For the admin of ChatModel: an action for several, a button for one."""

    def get_urls(self):
        view = self.admin_site.admin_view(self.test_view)
        return [path("<int:object_id>/test/", view, name="conversations_chatmodel_test"), *super().get_urls()]

    @admin.action(description=gettext_lazy("Test the selected models"), permissions=["change"])
    def test(self, request: HttpRequest, queryset) -> HttpResponseBase | None:
        models = list(queryset[: MOST + 1])
        if len(models) > MOST:
            messages.error(request, _("Select at most {count} models at a time.").format(count=MOST))
            return None
        return self._tested(request, models)

    def test_view(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        if request.method != "POST":  # it costs tokens: no link may start it
            return HttpResponseNotAllowed(["POST"])
        model = get_object_or_404(ChatModel, pk=object_id)
        if not self.has_change_permission(request, model):
            raise PermissionDenied
        return self._tested(request, [model])

    def _tested(self, request: HttpRequest, models: Sequence[ChatModel]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Test of models"),
            "opts": self.opts,
            "models": models,
            "here": HERE,
            "is_nav_sidebar_enabled": False,  # its script waits for the end of the page, which then would jump
        }
        page = render_to_string("admin/conversations/chatmodel/test.html", context, request)
        return PageStream(_page(page, models))


async def _page(page: str, models: Sequence[ChatModel]) -> AsyncIterator[bytes]:
    before, _here, after = page.partition(HERE)
    yield before.encode()
    async with aclosing(probe_all(models)) as news:
        async for one in news:
            yield _line(one).encode()
    yield after.encode()


def _line(news: str | Probe) -> str:
    if isinstance(news, str):
        return format_html('<li class="probe is-waiting">{}</li>\n', news)
    kind = "works" if news.works else "fails"
    return format_html('<li class="probe is-{}">{}</li>\n', kind, news.sentence)
