"""The template tags that put a job, or a list of jobs, on a page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.test.utils import override_settings
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django.utils.html import escape

from pushjobs import labels, tokens
from pushjobs.models import Job
from pushjobs.schemas import document
from tests.unit.templates import parsed

ROOT = Path(__file__).resolve().parent.parent.parent
JOB = Job(name="test.talk", status="running", max_attempts=1, progress={"percent": 40.5})
SRC = f"/jobs/{JOB.id}"


def render(source: str, **context: Any) -> str:
    return Template("{% load pushjobs %}" + source).render(Context(context))


def tag(source: str, **context: Any) -> dict[str, str | None]:
    """The attributes of the element that the tag makes."""
    return parsed(render(source, **context)).elements[0]


def test_a_job_is_an_element_that_follows_it() -> None:
    attributes = tag("{% job_progress job %}", job=JOB)
    expected = {"src": SRC, "name": "test.talk", "status": "running", "percent": "40.5"}
    assert attributes == expected


def test_without_scripts_its_status_and_its_response_are_there() -> None:
    page = parsed(render('{% job_progress job label="July" %}', job=JOB))
    assert page.text == "July: In progress. Look whether it is done"
    assert page.links == [f"{SRC}/response"]
    done = Job(name="test.talk", status="succeeded", max_attempts=1)
    assert parsed(render("{% job_progress job %}", job=done)).text == (
        "test.talk: Done. Go to the result"
    )


@pytest.mark.parametrize("job", [JOB.id, str(JOB.id)], ids=["a UUID", "text"])
def test_an_id_will_do(job: Any) -> None:
    page = parsed(render("{% job_progress job %}", job=job))
    assert page.elements == [{"src": SRC}]
    assert page.text == "Job. Look whether it is done"


def test_a_document_will_do_and_its_token_and_cursor_are_used() -> None:
    body = document(JOB, cursor="abc") | {"token": "secret"}
    attributes = tag("{% job_progress job %}", job=body)
    assert (attributes["token"], attributes["cursor"]) == ("secret", "abc")
    assert "token" not in tag("{% job_progress job token=False %}", job=body)


def test_a_page_gets_a_token_only_where_its_author_says_so() -> None:
    assert "token" not in tag("{% job_progress job %}", job=JOB)
    opened = tokens.verify(tag("{% job_progress job token=True %}", job=JOB)["token"] or "")
    assert (opened.subject, opened.scope) == (str(JOB.id), tokens.SCOPES)


def test_who_may_only_read_has_no_buttons() -> None:
    attributes = tag('{% job_progress job token="read" %}', job=JOB)
    assert tokens.verify(attributes["token"] or "").scope == {tokens.READ}
    assert "readonly" in attributes
    assert "readonly" in tag("{% job_progress job readonly=True %}", job=JOB)
    assert "readonly" in tag("{% job_list readonly=True %}")


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("", "was given no job"),
        (None, "was given no job"),
        ("seven", "'seven' is no job's id"),
        (7, "takes a job, its id or its document, not 7"),
        ({"id": "x"}, "takes a job, its id or its document"),
    ],
)
def test_what_is_no_job_is_refused(job: Any, said: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=re.escape(said)):
        render("{% job_progress job %}", job=job)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('{% job_list channel="job:7" %}', "channel is 'user:me' or 'tag:<name>', not 'job:7'"),
        ('{% job_list channel="tag:" %}', "not 'tag:'"),
        ("{% job_list limit=0 %}", "limit is a number from 1 to 200, not 0"),
        ('{% job_list limit="many" %}', "not 'many'"),
        ('{% job_list status="running lost" %}', "lost is no status of a job"),
        ("{% job_progress job token=7 %}", "token is True, 'read' or the text of one, not 7"),
    ],
)
def test_an_option_that_cannot_be_is_refused(source: str, said: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=re.escape(said)):
        render(source, job=JOB)


def test_a_list_of_jobs_is_an_element_that_follows_a_channel() -> None:
    assert tag("{% job_list %}") == {"url": "/jobs", "channel": "user:me", "limit": "20"}
    attributes = tag(
        '{% job_list channel="tag:batch 7" limit=5 status="running failed" label="Batch" %}'
    )
    assert attributes["channel"] == "tag:batch 7"
    assert (attributes["limit"], attributes["status"]) == ("5", "running failed")


def test_numbers_are_not_localised() -> None:
    with translation.override("de"), override_settings(USE_THOUSAND_SEPARATOR=True):
        assert tag("{% job_progress job %}", job=JOB)["percent"] == "40.5"


@pytest.mark.parametrize("block", ["{}", "{{% autoescape off %}}{}{{% endautoescape %}}"])
def test_what_a_job_or_an_author_says_is_no_markup(block: str) -> None:
    evil = '"><script>alert(1)</script>'
    job = Job(name=evil, status="running", max_attempts=1)
    page = render(block.format("{% job_progress job label=evil %}"), job=job, evil=evil)
    assert evil not in page
    assert escape(evil) in page


def test_the_script_is_there_once_however_many_elements_there_are() -> None:
    source = (
        "{% job_progress job %}{% include part %}{% include part only %}{% job_list %}"
        "{% pushjobs_script %}"
    )
    part = Template("{% load pushjobs %}{% job_list %}")
    page = render(source, job=JOB, part=part)
    assert page.count("<script") == 1
    assert '<script type="module" src="/static/pushjobs/pushjobs-elements.js"></script>' in page
    assert page.index("<script") < page.index("<job-progress")
    assert render("{% pushjobs_script %}").count("<script") == 1, "another page has its own"


@pytest.mark.parametrize("where", ["context", "request"])
def test_the_script_bears_the_nonce_of_the_page(where: str) -> None:
    request = RequestFactory().get("/")
    if where == "request":
        request.csp_nonce = "n0nce"  # type: ignore[attr-defined]
        page = render("{% pushjobs_script %}", request=request)
    else:
        page = render("{% pushjobs_script %}", csp_nonce="n0nce")
    assert ' nonce="n0nce"></script>' in page


def test_the_script_has_the_name_under_which_it_was_collected(
    tmp_path: Path, settings: Any
) -> None:
    manifest = {"paths": {"pushjobs/pushjobs-elements.js": "pushjobs/e.123.js"}, "version": "1.1"}
    (tmp_path / ManifestStaticFilesStorage.manifest_name).write_text(json.dumps(manifest))
    settings.STATIC_ROOT = str(tmp_path)
    backend = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}
    assert 'src="/static/pushjobs/e.123.js"' in render("{% pushjobs_script %}")


def test_the_elements_are_told_what_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed(render("{% pushjobs_script %}")).data is None, "they know English"
    monkeypatch.setattr(labels, "gettext", {"Cancel": "</script>Halt"}.get)
    monkeypatch.setattr(labels, "LABELS", {"cancel": "Cancel"})
    monkeypatch.setattr(labels, "PROBLEMS", {})
    page = render("{% pushjobs_script %}")
    assert parsed(page).data == {"cancel": "</script>Halt"}
    assert page.count("</script>") == 2


def test_the_elements_have_the_same_labels_in_english() -> None:
    source = (ROOT / "frontend" / "src" / "elements" / "labels.ts").read_text()
    body = source[source.index("ENGLISH: Labels = {") : source.index("};")]
    assert dict(re.findall(r'^  (\w+): "(.*)",$', body, re.MULTILINE)) == labels.LABELS


def test_a_job_of_another_project_keeps_its_links() -> None:
    body = {"id": str(UUID(int=7)), "links": {"self": "https://a.example/j/7", "response": "/r"}}
    page = parsed(render("{% job_progress job %}", job=body))
    assert page.elements == [{"src": "https://a.example/j/7"}]
    assert page.links == ["/r"]


@pytest.mark.parametrize("where", ["context", "request"])
def test_a_nonce_that_is_made_when_it_is_first_read_is_made(where: str) -> None:
    class Nonce(SimpleLazyObject):
        """As Django 6 and django-csp have it: false until someone has read it."""

        def __bool__(self) -> bool:
            return False

    nonce = Nonce(lambda: "made")
    request = RequestFactory().get("/")
    if where == "request":
        request.csp_nonce = nonce  # type: ignore[attr-defined]
    context = {"csp_nonce": nonce} if where == "context" else {"request": request}
    assert ' nonce="made"></script>' in render("{% pushjobs_script %}", **context)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)//", "java\tscript:alert(1)", " data:text/html,"]
)
@pytest.mark.parametrize("link", ["self", "response"])
def test_a_link_of_a_document_leads_to_no_script(url: str, link: str) -> None:
    body = document(JOB)
    body["links"][link] = url
    with pytest.raises(TemplateSyntaxError, match=f"its link {link!r} leads to no server"):
        render("{% job_progress job %}", job=body)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "exploded"}, "'exploded' is no status of a job"),
        ({"status": ["done"]}, "['done'] is no status of a job"),
        ({"progress": "half"}, "'half' is no progress of a job"),
    ],
)
def test_a_document_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=re.escape(said)):
        render("{% job_progress job %}", job=document(JOB) | changes)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{% job_list token=True %}", "job_list: token is the text of one, not True"),
        ("{% job_list limit=True %}", "not True"),
        ("{% job_list channel=7 %}", "not 7"),
        ("{% job_list status=job.tags %}", "is no status of a job"),
    ],
)
def test_an_option_of_another_type_is_refused(source: str, said: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=re.escape(said)):
        render(source, job=Job(tags=["a"]))
    assert len(tag("{% job_list status=None token=None %}")) == 3


@pytest.mark.django_db
def test_two_hundred_jobs_ask_the_database_nothing(django_assert_num_queries: Any) -> None:
    jobs = [Job(name="test.talk", status="queued", max_attempts=1) for _ in range(200)]
    with django_assert_num_queries(0):
        page = render(
            "{% for job in jobs %}{% job_progress job token=True %}{% endfor %}", jobs=jobs
        )
    assert (page.count("<job-progress"), page.count("<script")) == (200, 1)
