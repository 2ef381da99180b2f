"""``{% load pushjobs %}``: a job, or a list of jobs, live on any page.

::

    {% job_progress job %}
    {% job_progress job label="Report for July" token="read" %}
    {% job_list channel="tag:batch-7" limit=10 %}

The first of them brings the elements' script along, once for the page; ``{% pushjobs_script %}``
puts it elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.template import Context, Library, TemplateSyntaxError
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from pushjobs import channels, labels, schemas, tokens
from pushjobs.models import Job
from pushjobs.status import Status

register = Library()

SCRIPT = "pushjobs/pushjobs-elements.js"
_LABELS_ID = "pushjobs-labels"
_MARK = "pushjobs script"
_MOST_ROWS = 200


@register.simple_tag(takes_context=True)
def pushjobs_script(context: Context) -> SafeString:
    """The script that defines the elements, and what they say in the language that is active.

    Empty where the page has it already. It bears the page's nonce, where there is one
    (``csp_nonce`` in the context or of the request).
    """
    # That of the page, in an included template as well.
    page = context.render_context.dicts[0]
    if page.get(_MARK):
        return SafeString()
    page[_MARK] = SCRIPT
    nonce = context.get("csp_nonce", getattr(context.get("request"), "csp_nonce", None))
    # Read as text: one that is made when it is first read is false until then.
    nonce = "" if nonce is None else str(nonce)
    said = labels.translated()
    return format_html(
        '{}<script type="module" src="{}"{}></script>',
        json_script(said, _LABELS_ID) if said else "",
        static(SCRIPT),
        format_html(' nonce="{}"', nonce) if nonce else "",
    )


@register.inclusion_tag("pushjobs/job_progress.html", takes_context=True)
def job_progress(
    context: Context,
    job: Any,
    *,
    label: str = "",
    token: Any = None,
    cursor: str | None = None,
    readonly: bool = False,
) -> dict[str, Any]:
    """A job's progress, output and end; what is known of it now stands there without scripts too.

    ``job`` is a ``Job``, its document as the API gives it, or its id (of which nothing is known
    now). ``label`` is what to call it. Without a ``token`` the visitor's session counts: it has to
    be the job's owner's. ``True`` makes one that opens this job, ``"read"`` one that may not cancel
    it, for whoever gets the page; or it is the text of one. ``cursor`` is where its events begin:
    with the first, unless it says otherwise. ``readonly`` leaves out the buttons.
    """
    body = _document(job)
    if token is None:
        token = body.get("token")
    status = body.get("status")
    if status is not None and status not in list(Status):
        raise TemplateSyntaxError(f"job_progress: {status!r} is no status of a job")
    progress = body.get("progress") or {}
    if not isinstance(progress, Mapping):
        raise TemplateSyntaxError(f"job_progress: {progress!r} is no progress of a job")
    return {
        "script": pushjobs_script(context),
        "links": body["links"],
        "name": body.get("name", ""),
        "status": status,
        "label": label,
        "token": _token(body["id"], token),
        "cursor": cursor or body.get("cursor") or "",
        "readonly": readonly or token == tokens.READ,
        "percent": progress.get("percent"),
        "said": gettext(labels.LABELS[Status(status)]) if status else "",
    }


@register.inclusion_tag("pushjobs/job_list.html", takes_context=True)
def job_list(
    context: Context,
    *,
    channel: str = channels.ME,
    limit: int = 20,
    status: str | None = "",
    label: str = "",
    token: str | None = "",
    readonly: bool = False,
) -> dict[str, Any]:
    """The jobs of a channel, the newest first, live: ``user:me`` or ``tag:<name>``.

    ``limit`` is how many are shown at first, ``status`` which (several with spaces between).
    Without a ``token`` they are those of the visitor who is logged in.
    """
    if channel != channels.ME and not (channels.kind(str(channel)) == channels.TAG and channel[4:]):
        raise TemplateSyntaxError(
            f"job_list: channel is 'user:me' or 'tag:<name>', not {channel!r}"
        )
    if not (type(limit) is int and 0 < limit <= _MOST_ROWS):
        raise TemplateSyntaxError(
            f"job_list: limit is a number from 1 to {_MOST_ROWS}, not {limit!r}"
        )
    if unknown := set(str(status or "").split()) - set(Status):
        raise TemplateSyntaxError(
            f"job_list: {', '.join(sorted(unknown))} is no status of a job; "
            f"there are {', '.join(Status)}"
        )
    if not isinstance(token, str | None):
        raise TemplateSyntaxError(f"job_list: token is the text of one, not {token!r}")
    return {
        "script": pushjobs_script(context),
        "url": reverse("pushjobs:jobs"),
        "channel": channel,
        "limit": limit,
        "status": status,
        "label": label,
        "token": token,
        "readonly": readonly,
    }


def _document(job: Any) -> Mapping[str, Any]:
    """What is known of a job: ``id`` and ``links`` at least."""
    match job:
        case Job():
            return schemas.document(job)
        case {"id": str(), "links": {"self": str() as own, "response": str() as response}}:
            for link, url in (("self", own), ("response", response)):
                if not _leads_to_server(url):
                    raise TemplateSyntaxError(
                        f"job_progress: its link {link!r} leads to no server: {url!r}"
                    )
            return job  # type: ignore[no-any-return]
        case UUID():
            return {"id": str(job), "links": schemas.links(job)}
        case str() if job:
            try:
                return _document(UUID(job))
            except ValueError:
                raise TemplateSyntaxError(f"job_progress: {job!r} is no job's id") from None
        case None | "":
            raise TemplateSyntaxError(
                "job_progress was given no job: is the variable in the template's context?"
            )
        case _:
            raise TemplateSyntaxError(
                f"job_progress takes a job, its id or its document, not {job!r}"
            )


def _leads_to_server(url: str) -> bool:
    """Whether it is no script, say, which a browser would run."""
    try:
        return urlsplit(url).scheme in ("", "http", "https")
    except ValueError:
        return False


def _token(job_id: str, token: Any) -> str:
    match token:
        case None | False:
            return ""
        case True:
            return tokens.for_job(job_id)
        case tokens.READ:
            return tokens.for_job(job_id, [tokens.READ])
        case str():
            return token
        case _:
            raise TemplateSyntaxError(
                f"job_progress: token is True, 'read' or the text of one, not {token!r}"
            )
