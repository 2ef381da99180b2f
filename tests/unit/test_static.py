"""The reference project's static files, where no proxy serves them."""

from __future__ import annotations

from django.test import Client

SCRIPT = "/static/pushjobs/waiting.js"


def test_a_static_file_is_found_without_collecting() -> None:
    response = Client().get(SCRIPT)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/javascript")
    assert response.content.startswith(b"// ")


def test_a_static_file_that_the_client_has_is_not_sent_again() -> None:
    tag = Client().get(SCRIPT)["ETag"]
    again = Client().get(SCRIPT, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_nothing_else_is_served() -> None:
    for path in ("pushjobs/nothing.js", "../settings.py", "pushjobs/"):
        assert Client().get(f"/static/{path}").status_code == 404
