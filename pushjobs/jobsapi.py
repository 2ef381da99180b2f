"""django-ninja's API, made to fit: each error a problem document, and no URL at the root.

At some URLs a browser is shown a page in the place of a problem document.
"""

from __future__ import annotations

from asyncio import iscoroutinefunction
from collections.abc import Callable
from functools import wraps
from typing import Any

from channels.db import database_sync_to_async
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import NinjaAPI
from ninja.errors import ValidationError
from ninja.openapi.schema import OpenAPISchema

from pushjobs.exceptions import (
    DatabaseUnavailable,
    InvalidArguments,
    MethodNotAllowed,
    PushjobsError,
)
from pushjobs.openapi import SECURITY, SECURITY_SCHEMES, Problem
from pushjobs.outage import DATABASE_OUTAGE, note_outage
from pushjobs.responses import problem_response
from pushjobs.transactions import own_transactions
from pushjobs.waiting import refusal

View = Callable[..., Any]


class JobsAPI(NinjaAPI):
    """Leaves the site's root to the project.

    ``turns`` has what stands in for a view where one thread serves the whole request.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.turns: dict[View, View] = {}
        self._turns_by_name: dict[str, View] = {}
        self.add_exception_handler(PushjobsError, _on_error)
        self.add_exception_handler(ValidationError, _on_invalid)
        for outage in DATABASE_OUTAGE:
            self.add_exception_handler(outage, _on_outage)

    def get(self, path: str, **options: Any) -> Callable[[View], View]:  # type: ignore[override]
        """An operation for GET, and for HEAD as well (RFC 9110, section 9.1)."""
        return self.api_operation(["GET", "HEAD"], path, **options)

    def get_root_path(self, path_params: dict[str, Any]) -> str:
        return reverse("pushjobs:jobs").removesuffix("jobs")

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """With what no operation's type tells: problem documents, and how to show who one is."""
        schema = super().get_openapi_schema(**options)
        schema["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        schema["components"]["securitySchemes"] = SECURITY_SCHEMES
        schema["security"] = SECURITY
        for operations in schema["paths"].values():
            operations.pop("head", None)  # It goes without saying.
        return schema

    @property
    def patterns(self) -> list[Any]:
        """The URL patterns, all but that of the root."""
        found: list[Any] = self._get_urls()
        kept = [pattern for pattern in found if pattern.name != "api-root"]
        for pattern in kept:
            pattern.callback = own_transactions(_with_problems(pattern.callback))
            if pattern.name in self._turns_by_name:
                self.turns[pattern.callback] = self._turns_by_name[pattern.name]
        return kept

    def in_one_turn(self, url_name: str) -> Callable[[View], View]:
        """Have a function stand in for the view of a URL; its errors become problems as there."""

        def decorated(function: View) -> View:
            @wraps(function)
            def turn(request: HttpRequest) -> Any:
                try:
                    return function(request)
                except Exception as error:
                    return self.on_exception(request, error)

            self._turns_by_name[url_name] = own_transactions(turn)
            return function

        return decorated


def _on_error(request: HttpRequest, error: Any) -> HttpResponse:
    return problem_response(error)


def _on_invalid(request: HttpRequest, error: Any) -> HttpResponse:
    errors = [{"loc": list(item["loc"]), "msg": item["msg"]} for item in error.errors]
    return problem_response(InvalidArguments(errors))


def _on_outage(request: HttpRequest, error: Any) -> HttpResponse:
    return problem_response(_outage(error))


def _outage(error: Exception) -> PushjobsError:
    note_outage("a request", error)
    return DatabaseUnavailable()


def with_pages(view: View) -> View:
    """Have an operation show a page, and no problem document, to who asks for HTML."""

    def shown(request: HttpRequest, error: Exception) -> HttpResponse:
        return refusal(request, error if isinstance(error, PushjobsError) else _outage(error))

    if iscoroutinefunction(view):

        @wraps(view)
        async def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                return await view(request, *args, **kwargs)
            except (PushjobsError, *DATABASE_OUTAGE) as error:
                return await database_sync_to_async(shown, thread_sensitive=False)(request, error)
    else:

        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                return view(request, *args, **kwargs)
            except (PushjobsError, *DATABASE_OUTAGE) as error:
                return shown(request, error)

    return wrapped


def _with_problems(view: View) -> View:
    """Answer a method that a URL does not have with a problem document."""

    def checked(response: HttpResponse) -> HttpResponse:
        if response.status_code != MethodNotAllowed.status:
            return response
        return problem_response(MethodNotAllowed(headers={"Allow": response["Allow"]}))

    if iscoroutinefunction(view):

        @wraps(view)
        async def wrapped(*args: Any, **kwargs: Any) -> HttpResponse:
            return checked(await view(*args, **kwargs))
    else:

        @wraps(view)
        def wrapped(*args: Any, **kwargs: Any) -> HttpResponse:
            return checked(view(*args, **kwargs))

    return wrapped
