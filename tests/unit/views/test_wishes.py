"""What people asked of a view that becomes asynchronous, each by its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest

from pushjobs.models import Job
from tests.unit.conftest import Configure
from tests.unit.views.conftest import Browser, run

pytestmark = pytest.mark.django_db

STORAGES = ["fallback.FallbackStorage", "cookie.CookieStorage", "session.SessionStorage"]


@pytest.mark.parametrize("storage", STORAGES)
def test_a_flash_message_is_there_at_the_clients_next_request_and_once(
    ada: Browser, storage: str, settings: Any
) -> None:
    settings.MESSAGE_STORAGE = f"django.contrib.messages.storage.{storage}"
    response = ada.answered("/flash/saved")
    assert (response.status_code, response["Location"]) == (302, "/shown")
    assert ada.get("/shown").json()["messages"] == [["saved", "big success"]]
    ada.fetched(response.job)
    assert ada.get("/shown").json()["messages"] == []


def test_of_two_fetches_at_once_one_has_the_flash_message(ada: Browser) -> None:
    job = run(ada.deferred("/flash/saved"))
    assert job.flash is not None
    ada.fetched(job)
    other = Browser()
    other.fetched(job)
    assert "messages" in ada.cookies
    assert "messages" not in other.cookies


@pytest.mark.django_db(transaction=True)
def test_a_flash_message_joins_those_that_the_client_has_yet_to_see(ada: Browser) -> None:
    first, second = ada.deferred("/flash/one"), ada.deferred("/flash/two")
    for job in (first, second):
        run(job)
        ada.get(f"/jobs/{job.id}/response")  # As their owner, by the session.
    assert [text for text, _ in ada.get("/shown").json()["messages"]] == ["one", "two"]


def test_head_does_not_take_a_flash_message_away(ada: Browser) -> None:
    job = run(ada.deferred("/flash/saved"))
    ada.head(f"/outcome/{job.id}")
    assert ada.get("/shown").json()["messages"] == []
    ada.fetched(job)
    assert ada.get("/shown").json()["messages"] == [["saved", "big success"]]


def test_a_message_that_the_view_shows_itself_is_not_shown_again(ada: Browser) -> None:
    response = ada.answered("/show-own-message")
    assert response.content == b"[own]"
    assert ada.get("/shown").json()["messages"] == []


def test_a_session_write_is_there_at_the_clients_next_request(ada: Browser) -> None:
    ada.answered("/write-session?colour=red")
    assert ada.get("/shown").json()["session"]["colour"] == "red"


def test_a_session_write_keeps_what_the_client_did_meanwhile(ada: Browser) -> None:
    ada.get("/set-session?colour=blue&old=1&size=9")
    job = ada.deferred("/interleaved?colour=red")
    run(job)
    session = ada.get("/shown").json()["session"]
    assert (session["colour"], session["size"], session.get("old")) == ("red", "10", None)


@pytest.mark.django_db(transaction=True)
def test_a_session_write_is_not_undone_by_the_request_that_submitted_it(
    ada: Browser, settings: Any, configure: Configure
) -> None:
    """The job has run before that request saves the session at its own end."""
    configure(EAGER=True)
    settings.SESSION_SAVE_EVERY_REQUEST = True
    ada.deferred("/write-session?colour=red")
    assert ada.get("/shown").json()["session"]["colour"] == "red"


def test_a_session_is_begun_for_who_had_none(browser: Browser) -> None:
    response = browser.answered("/write-session?colour=red")
    assert "sessionid" in response.cookies
    assert browser.get("/shown").json()["session"] == {"colour": "red"}


def test_a_replay_does_not_set_the_session_that_the_client_has(ada: Browser) -> None:
    assert "sessionid" not in ada.answered("/write-session?colour=red").cookies


def test_a_login_in_the_background_logs_the_client_in(browser: Browser) -> None:
    get_user_model().objects.create(username="grace")
    response = browser.answered("/enter?name=grace")
    key = response.cookies["sessionid"].value
    assert browser.get("/look").json()["user"] == "grace"
    assert key not in str(response.job.response_headers)  # At rest it is sealed.


def test_the_language_is_the_requests(ada: Browser, settings: Any) -> None:
    place = settings.MIDDLEWARE.index("django.middleware.common.CommonMiddleware")
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    settings.MIDDLEWARE.insert(place, "django.middleware.locale.LocaleMiddleware")
    assert ada.answered("/greet").content == b"Yes"
    assert ada.answered("/greet", headers={"accept-language": "de"}).content == b"Ja"
    ada.cookies["django_language"] = "fr"
    response = ada.answered("/greet", headers={"accept-language": "de"})
    assert (response.content, response["Content-Language"]) == (b"Oui", "fr")


def test_current_user_is_the_one_who_asked(ada: Browser, browser: Browser) -> None:
    assert ada.answered("/look").json()["user"] == "ada"
    assert ada.answered("/look-async").json() == {"user": "ada", "exists": True, "body": ""}
    assert ada.answered("/tell").content == b"Run 1 ada"


def test_no_one_is_anonymous(browser: Browser) -> None:
    assert browser.answered("/look").json()["user"] == "AnonymousUser"
    assert browser.answered("/tell").content == b"Run 1 None"


class Account:
    """Carries ``request.account``, which a middleware of the project found."""

    name = "account"
    entered: ClassVar[list[str]] = []

    def capture(self, request: HttpRequest) -> Any:
        return request.headers.get("x-account")

    @contextmanager
    def restore(self, request: HttpRequest, value: Any) -> Iterator[None]:
        request.account = value  # type: ignore[attr-defined]
        self.entered.append(value)
        yield
        self.entered.append("left")


def test_current_account_is_carried_by_what_the_project_adds(
    ada: Browser, configure: Configure
) -> None:
    configure(CONTEXTS=[f"{__name__}.Account"])
    Account.entered = []
    assert ada.answered("/look", headers={"x-account": "acme"}).json()["account"] == "acme"
    assert Account.entered == ["acme", "left"]


def test_the_context_is_left_where_the_view_fails(ada: Browser, configure: Configure) -> None:
    configure(CONTEXTS=[f"{__name__}.Account"])
    Account.entered = []
    ada.answered("/broken", headers={"x-account": "acme"})
    assert Account.entered == ["acme", "left"]


def test_two_requests_that_differ_in_a_filter_are_two_jobs(ada: Browser) -> None:
    jobs = [ada.deferred(f"/look?filter={value}") for value in "ab"]
    assert jobs[0].pk != jobs[1].pk
    assert Job.objects.count() == 2
