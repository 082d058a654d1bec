"""Where a form leads on to: a page of this site, whatever the form says."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def own_page(request: HttpRequest, wanted: str) -> str:
    """`wanted` if it is a page of this site, else the first one."""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours and "/" in wanted else "/"  # what has none `redirect` takes for the name of a view
