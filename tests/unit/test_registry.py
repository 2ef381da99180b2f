"""``pushjobs.registry``: what a signature takes, and what ``@job`` refuses."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import Field

from pushjobs import InputFile, Run, job
from pushjobs.exceptions import InvalidArguments, UnknownJobName
from pushjobs.registry import JobSpec, Registry, name_of
from pushjobs.registry import registry as process_registry
from tests.unit.conftest import Configure

FILE = InputFile("key", "a.csv", 3, "text/csv", "0" * 64)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Empty, so that what a test registers is gone after it."""
    found = Registry()
    monkeypatch.setattr("pushjobs.registry.registry", found)
    return found


def spec_of(registry: Registry, handler: Any, **options: Any) -> JobSpec:
    job(**options)(handler)
    return registry.get(name_of(handler))


def errors_of(spec: JobSpec, args: dict[str, Any]) -> list[tuple[Any, ...]]:
    with pytest.raises(InvalidArguments) as caught:
        spec.validate(args)
    return [tuple(error["loc"]) for error in caught.value.errors]


def handler(
    run: Run,
    day: datetime.date,
    top: Annotated[int, Field(ge=1)] = 10,
    names: list[str] = [],  # noqa: B006
) -> None:
    """Has most of what a signature may have."""


def with_files(table: InputFile, extra: InputFile | None = None, top: int = 1) -> None: ...


def with_lists(
    any_number: list[InputFile],
    few: Annotated[tuple[InputFile, ...], Field(max_length=3)] | None = None,
    checked: Annotated[InputFile, Field()] | None = None,
    names: list[str] = [],  # noqa: B006
) -> None: ...


class Greeter:
    def execute(self, run: Run, name: str) -> str:
        return name


def test_a_handler_stays_what_it_was(registry: Registry) -> None:
    before = handler
    assert job(name="a.b")(handler) is before
    assert job(Greeter) is Greeter
    assert (name_of(Greeter), name_of("any.name")) == ("test_registry.Greeter", "any.name")


def test_arguments_are_converted_by_their_types_and_defaults_filled_in(
    registry: Registry,
) -> None:
    spec = spec_of(registry, handler)
    arguments = spec.arguments({"day": "2026-01-02", "names": ["a"]})
    assert arguments == {"day": datetime.date(2026, 1, 2), "top": 10, "names": ["a"]}
    assert spec.takes_run


def test_each_argument_that_does_not_fit_is_named(registry: Registry) -> None:
    spec = spec_of(registry, handler)
    args = {"day": "soon", "top": 0, "names": [1], "more": 1}
    assert set(errors_of(spec, args)) == {
        ("args", "day"),
        ("args", "top"),
        ("args", "names", 0),
        ("args", "more"),
    }
    assert errors_of(spec, {}) == [("args", "day")]


def test_no_client_can_pass_the_run(registry: Registry) -> None:
    spec = spec_of(registry, handler)
    assert errors_of(spec, {"day": "2026-01-02", "run": {}}) == [("args", "run")]


def test_a_file_is_named_by_its_parameter_and_is_no_json(registry: Registry) -> None:
    spec = spec_of(registry, with_files)
    assert spec.file_parameters == {"table", "extra"}
    assert errors_of(spec, {}) == [("table",)]
    assert errors_of(spec, {"table": FILE.as_json()}) == [("table",)]
    spec.validate({"table": FILE, "extra": None})


def test_it_is_known_which_parameters_take_more_than_one_file(registry: Registry) -> None:
    spec = spec_of(registry, with_lists)
    assert spec.file_parameters == {"any_number", "few", "checked"}
    assert spec.file_lists == {"any_number", "few"}
    kept = spec.validate({"any_number": [FILE], "few": [FILE, FILE]}).model_dump(mode="json")
    assert spec.arguments(kept)["few"] == (FILE, FILE)


def test_a_file_is_restored_from_what_is_kept(registry: Registry) -> None:
    spec = spec_of(registry, with_files)
    stored = spec.validate({"table": FILE}).model_dump(mode="json")
    assert spec.arguments(stored) == {"table": FILE, "extra": None, "top": 1}


def test_a_class_is_called_with_what_its_execute_takes(registry: Registry) -> None:
    spec = spec_of(registry, Greeter)
    assert (spec.takes_run, spec.arguments({"name": "x"})) == (True, {"name": "x"})


def test_a_bad_setting_does_not_keep_a_job_from_being_registered(
    registry: Registry, configure: Configure
) -> None:
    """So that the system check can say what is wrong."""
    configure(MAX_ATTEMPTS="many")
    assert spec_of(registry, handler).max_attempts is None
    own = spec_of(registry, with_files, max_attempts=1, time_limit=2, retention=3)
    assert (own.max_attempts, own.time_limit, own.retention) == (1, 2, 3)


def variadic(*values: int) -> None: ...
def keywords(**values: int) -> None: ...
def positional(value: int, /) -> None: ...
def private(_value: int) -> None: ...


@pytest.mark.parametrize("bad", [variadic, keywords, positional, private])
def test_a_signature_that_cannot_be_submitted_is_refused_at_once(
    registry: Registry, bad: Callable[..., None]
) -> None:
    with pytest.raises(ValueError, match=bad.__name__):
        job(bad)
    assert list(registry) == []


@pytest.mark.parametrize("name", [" ", "a b", "é", "-a", "a/b", "x" * 201, "a\n"])
def test_a_name_that_would_not_go_into_a_url_is_refused(registry: Registry, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        job(name=name)(handler)


def test_two_handlers_cannot_have_one_name(registry: Registry) -> None:
    job(name="a.b")(handler)
    with pytest.raises(ValueError, match=r"a\.b.*handler.*with_files"):
        job(name="a.b")(with_files)
    assert registry.get("a.b").handler is handler


def test_a_module_that_is_imported_again_registers_again(registry: Registry) -> None:
    job(name="a.b")(handler)
    job(name="a.b", max_attempts=9)(handler)
    assert registry.get("a.b").max_attempts == 9


def test_a_parameter_may_bear_a_name_that_pydantic_uses_itself(registry: Registry) -> None:
    def export(json: str, copy: int = 1, schema: str = "") -> None: ...

    spec = spec_of(registry, export)
    assert spec.arguments({"json": "a"}) == {"json": "a", "copy": 1, "schema": ""}


def test_a_name_that_is_not_registered_is_unknown(registry: Registry) -> None:
    with pytest.raises(UnknownJobName):
        registry.get("no.such")
    with pytest.raises(UnknownJobName):
        name_of(print)


def test_a_queue_has_priorities_where_its_jobs_differ(registry: Registry) -> None:
    spec_of(registry, handler, queue="a", priority=1)
    spec_of(registry, with_files, queue="a", priority=1)
    assert (registry.queues(), registry.has_priorities("a")) == ({"a"}, False)
    spec_of(registry, Greeter, queue="a", priority=2)
    assert registry.has_priorities("a")
    assert not registry.has_priorities("other")


def test_the_jobs_of_every_app_are_found() -> None:
    names = {spec.name for spec in process_registry}
    assert {"test.echo", "test.class", "demo.profile_csv"} <= names


class NoExecute:
    """Not a job."""


@pytest.mark.parametrize(
    ("target", "options"),
    [
        (handler, {"allow": "nobody"}),
        (handler, {"max_attempts": 0}),
        (handler, {"time_limit": -1}),
        (handler, {"retention": 0}),
        (handler, {"fallback": "hope"}),
        (NoExecute, {}),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    registry: Registry, target: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(
        ValueError, match=r"allow|max_attempts|time_limit|retention|fallback|execute"
    ):
        spec_of(registry, target, **options)


def test_a_permission_may_be_what_a_submission_takes(registry: Registry) -> None:
    assert spec_of(registry, handler, allow="app.codename").allow == "app.codename"
