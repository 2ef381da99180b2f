"""Static files, for a server that has no proxy in front of it to serve them.

A URL, and not WhiteNoise's middleware: that one is synchronous, and would hold a thread for each
request, those that wait among them.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from io import BytesIO

from django.contrib.staticfiles.finders import get_finders
from django.http import Http404, HttpRequest, HttpResponse
from whitenoise import WhiteNoise


def static(request: HttpRequest, path: str) -> HttpResponse:
    """A static file of any app, as the finders find it: without ``collectstatic``."""
    file = _files().files.get(path)
    if file is None:
        raise Http404(f"there is no static file {path}")
    found = file.get_response(request.method, request.META)
    with found.file or nullcontext(BytesIO()) as body:
        return HttpResponse(body.read(), status=found.status, headers=dict(found.headers))


@cache
def _files() -> WhiteNoise:
    """All files, looked up once; the first finder that has a path gives it."""
    found = WhiteNoise(None)
    for finder in get_finders():
        for path, storage in finder.list([]):
            if path not in found.files:
                found.add_file_to_dictionary(path, storage.path(path))
    return found
