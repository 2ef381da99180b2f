"""What a handler's signature takes: its parameters as pydantic has them, and which are files."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from pushjobs.files import InputFile

RUN, EXECUTE = "run", "execute"
#: Numbers that JSON does not have are kept as they are here, to be refused later.
_STRICT = ConfigDict(extra="forbid", ser_json_inf_nan="constants")


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a handler, but for ``run``.

    Of its ``file_parameters`` those in ``file_lists`` take any number of files.
    """

    takes_run: bool
    parameters: type[BaseModel]
    file_parameters: frozenset[str]
    file_lists: frozenset[str]


def signature_of(name: str, target: Any) -> Signature:
    """The signature of a function, or of the ``execute`` of a class; ``name`` is the job's.

    Raises ``ValueError`` for one whose arguments cannot be submitted.
    """
    if inspect.isclass(target) and not hasattr(target, EXECUTE):
        raise ValueError(f"{name}: a class that is a job has a method {EXECUTE!r}")
    function = getattr(target, EXECUTE) if inspect.isclass(target) else target
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())
    if inspect.isclass(target):
        parameters = parameters[1:]
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name == RUN:
            continue
        _check_parameter(name, parameter)
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints.get(parameter.name, Any), default)
    return Signature(
        takes_run=any(parameter.name == RUN for parameter in parameters),
        parameters=_model(name, fields),
        file_parameters=frozenset(key for key, (hint, _) in fields.items() if _holds_file(hint)),
        file_lists=frozenset(key for key, (hint, _) in fields.items() if _holds_files(hint)),
    )


def _check_parameter(name: str, parameter: inspect.Parameter) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise ValueError(f"{name}: *{parameter.name} cannot be validated; name each parameter")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise ValueError(f"{name}: {parameter.name} is positional-only; arguments go by name")
    if parameter.name.startswith("_"):
        raise ValueError(f"{name}: {parameter.name} starts with an underscore, which is private")


def _model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    with warnings.catch_warnings():
        # A parameter may be called what pydantic calls a method of its own: json, copy, schema.
        warnings.simplefilter("ignore", UserWarning)
        return create_model(f"{name} arguments", __config__=_STRICT, **fields)


def _holds_file(hint: Any) -> bool:
    return hint is InputFile or any(_holds_file(part) for part in get_args(hint))


def _holds_files(hint: Any) -> bool:
    """Whether it is a collection of files, or may be one."""
    origin = get_origin(hint)
    if inspect.isclass(origin) and issubclass(origin, Collection):
        return not issubclass(origin, Mapping) and _holds_file(hint)
    return any(_holds_files(part) for part in get_args(hint))
