"""``@job``: what jobs there are, and what each takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, TypeVar, Unpack, get_args, overload

from django.utils.module_loading import autodiscover_modules
from pydantic import BaseModel, ValidationError

from pushjobs.conf import Fallback
from pushjobs.exceptions import InvalidArguments, UnknownJobName
from pushjobs.files import InputFile
from pushjobs.retention import RetentionOption, retention_of
from pushjobs.signature import signature_of

#: Who may submit a job over HTTP: anyone, a logged-in user, staff, holders of a permission
#: (``"app.codename"``), or whoever a callable on the user says; "internal" is for jobs of our own.
Allow = Literal["anyone", "authenticated", "staff", "internal"] | str | Callable[[Any], bool]

Handler = TypeVar("Handler", bound=Callable[..., Any])

_ALLOWED = ("anyone", "authenticated", "staff", "internal")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}", re.ASCII)


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A registered job: its handler, its limits and the parameters that it takes (``Signature``).

    ``time_limit`` is in seconds; what is None is left to the settings.
    ``priority`` counts as Dramatiq's does: within a queue the lowest runs first.
    """

    name: str
    handler: Callable[..., Any]
    takes_run: bool
    parameters: type[BaseModel]
    file_parameters: frozenset[str]
    file_lists: frozenset[str]
    queue: str = "default"
    priority: int = 0
    max_attempts: int | None = None
    time_limit: float | None = None
    retention: RetentionOption | None = None
    fallback: Fallback | None = None
    allow: Allow = "authenticated"

    def validate(self, args: Mapping[str, Any], *, at: tuple[str, ...] = ("args",)) -> BaseModel:
        """Check arguments against the handler's signature; raises ``InvalidArguments``."""
        try:
            return self.parameters.model_validate(dict(args))
        except ValidationError as error:
            raise InvalidArguments(
                [
                    {"loc": [*self._place(item["loc"], at)], "msg": item["msg"]}
                    for item in error.errors(include_url=False, include_input=False)
                ]
            ) from None

    def _place(self, loc: tuple[int | str, ...], at: tuple[str, ...]) -> tuple[int | str, ...]:
        return loc if loc and loc[0] in self.file_parameters else (*at, *loc)

    def arguments(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """A handler's keyword arguments, from those kept with the job."""
        restored = {
            name: _restore_file(value) if name in self.file_parameters else value
            for name, value in stored.items()
        }
        model = self.validate(restored)
        return {name: getattr(model, name) for name in type(model).model_fields}


def _restore_file(value: Any) -> Any:
    if isinstance(value, list):
        return [_restore_file(item) for item in value]
    return InputFile(**value) if isinstance(value, dict) else value


class Registry:
    """Jobs by name."""

    def __init__(self) -> None:
        self._specs: dict[str, JobSpec] = {}
        self._mixed: frozenset[str] = frozenset()

    def add(self, spec: JobSpec) -> None:
        known = self._specs.get(spec.name)
        if known is not None and _place_of(known.handler) != _place_of(spec.handler):
            raise ValueError(
                f"two jobs are named {spec.name!r}: "
                f"{_place_of(known.handler)} and {_place_of(spec.handler)}"
            )
        self._specs[spec.name] = spec
        kinds = Counter(queue for queue, _ in {(it.queue, it.priority) for it in self})
        self._mixed = frozenset(queue for queue, number in kinds.items() if number > 1)

    def get(self, name: str) -> JobSpec:
        """Raises ``UnknownJobName``."""
        try:
            return self._specs[name]
        except KeyError:
            raise UnknownJobName(f"there is no job {name[:200]!r}") from None

    def queues(self) -> set[str]:
        """Every queue that a job may be on."""
        return {spec.queue for spec in self._specs.values()}

    def has_priorities(self, queue: str) -> bool:
        """Whether the jobs of a queue differ in priority."""
        return queue in self._mixed

    def __iter__(self) -> Iterator[JobSpec]:
        return iter(self._specs.values())


registry = Registry()


def autodiscover() -> None:
    """Import the ``jobs`` module of every installed app."""
    autodiscover_modules("jobs")


class Options(TypedDict, total=False):
    """What ``@job`` may be told; see ``JobSpec``."""

    name: str
    queue: str
    priority: int
    max_attempts: int
    time_limit: float
    retention: RetentionOption
    fallback: Fallback
    allow: Allow


@overload
def job(handler: Handler, /) -> Handler: ...
@overload
def job(**options: Unpack[Options]) -> Callable[[Handler], Handler]: ...
def job(handler: Any = None, /, **options: Unpack[Options]) -> Any:
    """Register a function, or a class with ``execute``, as the handler of a job.

    Its parameters are validated from its signature by pydantic; one named ``run`` is handed the
    ``Run``. ``name`` is ``<app>.<function>`` where it is not given; ``max_attempts``,
    ``time_limit`` (seconds) and ``retention`` default to the settings. ``retention`` is how long
    the job is kept after its end: seconds, ``"forever"``, or ``{"succeeded": …, "failed": …}``.
    ``fallback`` goes before ``ENQUEUE_FALLBACK``.
    Raises ``ValueError`` for a name that is taken or a signature that cannot be submitted.
    """

    def register(target: Any) -> Any:
        spec = _spec(target, **options)
        registry.add(spec)
        target.job_name = spec.name
        return target

    return register if handler is None else register(handler)


def name_of(handler: Any) -> str:
    """The name of a job, from the name or from what ``@job`` decorated."""
    name = handler if isinstance(handler, str) else getattr(handler, "job_name", None)
    if name is None:
        raise UnknownJobName(f"{handler!r} is not decorated with @job")
    return str(name)


def _spec(target: Any, **options: Unpack[Options]) -> JobSpec:
    name = options["name"] = options.get("name") or _default_name(target)
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a job: use letters, digits and _ . : -")
    _check_options(name, options)
    found = signature_of(name, target)
    return JobSpec(
        handler=target,
        takes_run=found.takes_run,
        parameters=found.parameters,
        file_parameters=found.file_parameters,
        file_lists=found.file_lists,
        **options,
    )


def _check_options(name: str, options: Options) -> None:
    limits = {
        "max_attempts": options.get("max_attempts"),
        "time_limit": options.get("time_limit"),
    }
    for limit, value in limits.items():
        if value is not None and not value > 0:
            raise ValueError(f"{name}: {limit} is more than 0, not {value!r}")
    if options.get("retention") is not None:
        try:
            retention_of(options["retention"])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    if options.get("fallback", "relay") not in get_args(Fallback):
        known = ", ".join(get_args(Fallback))
        raise ValueError(f"{name}: fallback is one of {known}, not {options['fallback']!r}")
    allow = options.get("allow", "anyone")
    if isinstance(allow, str) and allow not in _ALLOWED and "." not in allow:
        raise ValueError(
            f"{name}: allow is one of {', '.join(_ALLOWED)}, a permission (app.codename) or a "
            f"callable on the user, not {allow!r}"
        )


def _default_name(target: Any) -> str:
    package = target.__module__.removesuffix(".jobs").rpartition(".")[2]
    return f"{package}.{target.__name__}"


def _place_of(handler: Any) -> str:
    return f"{handler.__module__}.{handler.__qualname__}"
