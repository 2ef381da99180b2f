"""A captured request, restored: Django's own request class on an environment made from the record.

What needs no middleware is there from the start. The rest, ``arrive``, is done when the request
phase of the project's middleware has passed and before any view middleware.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from datetime import timezone as fixed_offset
from hashlib import sha256
from typing import IO, Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import (
    InMemoryUploadedFile,
    TemporaryUploadedFile,
    UploadedFile,
)
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils import timezone, translation
from django.utils.datastructures import MultiValueDict

from pushjobs import carriers, sessions, viewauth, viewthrottles
from pushjobs.captured import Captured, Upload
from pushjobs.context import Run
from pushjobs.exceptions import (
    RequestEnded,
    SessionEnded,
    TamperedRequest,
    UserDeactivated,
    ViewGone,
)
from pushjobs.files import InputFile
from pushjobs.headers import meta_name

_RESTORED = "_pushjobs_restored"


class RestoredRequest(WSGIRequest):
    """A request that no one's cache answers from later on.

    Django's finds a response by the headers that it varies on. Some are not there any more, as
    ``Authorization``: the next one without would be given what was this user's alone.
    """

    @property
    def _cache_update_cache(self) -> bool:
        return False

    @_cache_update_cache.setter
    def _cache_update_cache(self, wanted: bool) -> None:
        """Django's middleware says it anew."""


@dataclass(slots=True)
class Restored:
    """What is known of a restored request, beside what Django's has.

    ``ended`` is why it may not run after all; ``raised`` the exception that its response is for.
    """

    captured: Captured
    run: Run
    user: Any
    contexts: ExitStack = field(default_factory=ExitStack)
    ended: RequestEnded | None = None
    raised: BaseException | None = None


def restored_from(request: Any) -> Restored | None:
    """What is known of a request that a job restored; None for one from a client.

    It is an attribute of the object, which nothing that a client sends can set.
    """
    return getattr(viewauth.http_request(request), _RESTORED, None)


def restore(captured: Captured, run: Run, body: bytes, uploads: Sequence[InputFile]) -> HttpRequest:
    """The request. ``uploads`` are the files of the record's ``uploads``, in the same order.

    Raises ``UserDeactivated``, ``SessionEnded``, and ``TamperedRequest`` for a file that is not
    what was uploaded.
    """
    user = _user_of(captured)
    run.know_owner(user)
    if captured.session is not None and sessions.has_ended(captured.session):
        raise SessionEnded
    request = RestoredRequest(_environ(captured, body))
    setattr(request, _RESTORED, Restored(captured, run, user))
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # noqa: SLF001  # It passed.
    request.COOKIES = _cookies(captured)
    if captured.encoding is not None:
        request.encoding = captured.encoding
    if captured.form is not None:
        _fill_form(request, captured, uploads)
    return request


def drop_known_cookies(request: HttpRequest, response: HttpResponseBase) -> None:
    """Take out the cookies that the client sent itself, as the session's.

    Each replay would set them again, over those of a later login.
    """
    known = restored_from(request)
    assert known is not None
    for name, value in _cookies(known.captured).items():
        if name in response.cookies and response.cookies[name].value == value:
            del response.cookies[name]
    name = django_settings.SESSION_COOKIE_NAME
    # A logout has ended the session in its store: what the cookie is then opens nothing.
    if name in response.cookies and not (response.cookies[name].value or sessions.in_cookie()):
        del response.cookies[name]


def arrive(request: HttpRequest) -> None:
    """What the request phase could not know: user, language, time zone, the project's contexts.

    Raises ``SessionEnded``, and ``ViewGone`` where the URL leads elsewhere by now.
    """
    known = restored_from(request)
    assert known is not None
    captured, match = known.captured, request.resolver_match
    if match is None or viewauth.answered_by(match) != captured.view:
        raise ViewGone
    if captured.user_from_session and getattr(request, "user", None) != known.user:
        raise SessionEnded  # Its user has another password, say.
    viewauth.adopt(request, known.user, captured.auth)
    if captured.admitted:
        viewthrottles.pass_by(request)
    if (session := getattr(request, "session", None)) is not None:
        sessions.merge_on_save(session)
    if captured.language is not None:
        translation.activate(captured.language)
        if hasattr(request, "LANGUAGE_CODE"):  # As ``LocaleMiddleware`` has it.
            request.LANGUAGE_CODE = captured.language
    if (zone := _zone(captured.time_zone)) is not None:
        timezone.activate(zone)
    carriers.restored(request, captured.contexts, known.contexts)


@contextmanager
def surroundings(captured: Captured) -> Iterator[None]:
    """Inside, this thread may be made to look like the request's; afterwards it is as before."""
    prefix, urlconf = get_script_prefix(), get_urlconf()
    set_script_prefix(f"{captured.script_name.rstrip('/')}/")
    try:
        with _language_kept(), timezone.override(timezone.get_current_timezone()):
            yield
    finally:
        set_script_prefix(prefix)
        set_urlconf(urlconf)


@contextmanager
def _language_kept() -> Iterator[None]:
    before = translation.get_language()
    try:
        yield
    finally:
        if before is None:
            translation.deactivate_all()
        elif before == django_settings.LANGUAGE_CODE:
            translation.deactivate()
        else:
            translation.activate(before)


def _user_of(captured: Captured) -> Any:
    if captured.user is None:
        return None
    model = get_user_model()
    try:
        user = model._default_manager.filter(pk=captured.user).first()  # noqa: SLF001
    except (ValueError, ValidationError):
        user = None
    if user is None or not user.is_active:
        raise UserDeactivated
    return user


def _environ(captured: Captured, body: bytes) -> dict[str, Any]:
    """What a WSGI server would give (PEP 3333): text is bytes as Latin-1."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": captured.method,
        "PATH_INFO": captured.path_info.encode().decode("latin-1"),
        "SCRIPT_NAME": captured.script_name.encode().decode("latin-1"),
        "QUERY_STRING": captured.query,
        "SERVER_NAME": captured.server_name,
        "SERVER_PORT": captured.server_port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": captured.remote_addr,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": captured.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    environ |= {meta_name(name): text for name, text in captured.headers.items()}
    if captured.host:
        environ["HTTP_HOST"] = captured.host
    if cookies := _cookies(captured):  # For what looks at the header, as Django's caches.
        environ["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    if captured.remote_user is not None:
        environ["REMOTE_USER"] = captured.remote_user
    if captured.form is None:
        environ["CONTENT_LENGTH"] = str(len(body)) if body else ""
    return environ


def _cookies(captured: Captured) -> dict[str, str]:
    sent = {
        django_settings.SESSION_COOKIE_NAME: captured.session,
        django_settings.CSRF_COOKIE_NAME: captured.csrf_secret,
    }
    return {name: value for name, value in sent.items() if value is not None}


def _fill_form(request: WSGIRequest, captured: Captured, uploads: Sequence[InputFile]) -> None:
    """The form as Django would have parsed it; as then, its body cannot be read any more."""
    post = QueryDict(mutable=True, encoding=captured.encoding)
    for name, values in captured.form or ():
        post.setlist(name, values)
    post._mutable = False  # noqa: SLF001
    received: MultiValueDict[str, UploadedFile[bytes]] = MultiValueDict()
    request._post, request._files = post, received  # type: ignore[attr-defined]  # noqa: SLF001
    request._read_started = True  # type: ignore[attr-defined]  # noqa: SLF001
    for upload, stored in zip(captured.uploads, uploads, strict=True):
        received.appendlist(upload.field, _uploaded(upload, stored))


def _uploaded(upload: Upload, stored: InputFile) -> UploadedFile[bytes]:
    """A file as Django's default upload handlers give it: in memory, or as a temporary file."""
    extra: Any = {name: text.encode("latin-1") for name, text in upload.parameters.items()}
    made: UploadedFile[bytes]
    if upload.size > django_settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
        made = TemporaryUploadedFile(
            upload.name, upload.content_type or "", upload.size, upload.charset, extra
        )
    else:
        made = InMemoryUploadedFile(
            io.BytesIO(), upload.field, upload.name, upload.content_type or "", upload.size,
            upload.charset, extra,
        )  # fmt: skip
    digest, target = sha256(), cast(IO[bytes], made.file)
    with stored.open() as source:
        while chunk := source.read(made.DEFAULT_CHUNK_SIZE):
            digest.update(chunk)
            target.write(chunk)
    target.seek(0)
    if digest.hexdigest() != upload.sha256:
        made.close()
        raise TamperedRequest("a file is not what was uploaded")
    return made


def _zone(name: str | float | None) -> tzinfo | None:
    if isinstance(name, str):
        return ZoneInfo(name)
    return None if name is None else fixed_offset(timedelta(seconds=name))
