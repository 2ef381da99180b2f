"""``manage.py serve``: what it serves, whatever else the project has installed."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.management import CommandError, call_command

from project.asgi import application


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The applications that a server was made for; none of them runs."""
    found: list[Any] = []

    class Server:
        def __init__(self, application: Any, **_: Any) -> None:
            found.append(application)

        def run(self) -> None:
            pass

    monkeypatch.setattr("pushjobs.server.EmbeddedServer", Server)
    return found


def test_static_files_are_served_with_the_site(served: list[Any]) -> None:
    call_command("serve", "--no-migrate")
    assert isinstance(served[0], ASGIStaticFilesHandler)
    assert served[0].application is application


def test_a_project_without_static_files_is_served(
    served: list[Any], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "django.contrib.staticfiles")
    settings.STATIC_URL = None
    call_command("serve", "--no-migrate")
    assert served == [application]


@pytest.mark.usefixtures("served")
def test_a_project_without_an_application_is_told_so(settings: Any) -> None:
    settings.ASGI_APPLICATION = None
    with pytest.raises(CommandError, match="ASGI_APPLICATION"):
        call_command("serve", "--no-migrate")
