"""Static files: hashed names, ES module imports included, and their way through an asynchronous server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """It also makes the bundles of settings.STYLE_BUNDLES: each file is a request of somebody's first visit."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, tuple], dry_run: bool = False, **options):
        for bundle, parts in {} if dry_run else settings.STYLE_BUNDLES.items():
            self.delete(bundle)
            self.save(bundle, ContentFile(b"\n".join(_content(*paths[part]) for part in parts)))
            paths = paths | {bundle: (self, bundle)}
        yield from super().post_process(paths, dry_run, **options)


def _content(storage: Storage, name: str) -> bytes:
    with storage.open(name) as file:
        return file.read()


def are_missing() -> bool:
    """Whether pages would fail because `collectstatic` was not run."""
    return isinstance(staticfiles_storage, ManifestStorage) and staticfiles_storage.read_manifest() is None


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise, which is synchronous only: each request of the site would wait for a thread to pass through it.

    Only static files take a thread here. They are read whole, because Django consumes a synchronous iterator
    whole under ASGI anyway (and warns); all of ours are small.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response=None, **options) -> None:
        super().__init__(get_response, **options)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def add_files(self, root: str | Path, prefix: str | None = None) -> None:
        """Development has no such folder; where it must be there, asgi.py says so."""
        if Path(root).is_dir():
            super().add_files(root, prefix)

    def __call__(self, request: HttpRequest):
        if iscoroutinefunction(self):
            return self._answer(request)
        return super().__call__(request)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(self.static_prefix):
            return await self.get_response(request)
        response = await asyncio.to_thread(self._read, request)
        return response or await self.get_response(request)

    def _read(self, request: HttpRequest) -> HttpResponse | None:
        find = self.find_file if self.autorefresh else self.files.get
        if (static_file := find(request.path_info)) is None:
            return None
        streamed = self.serve(static_file, request)
        response = HttpResponse(b"".join(streamed.streaming_content), status=streamed.status_code)
        streamed.close()
        response.headers = streamed.headers
        return response
