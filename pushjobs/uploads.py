"""Uploads: the files that come with a submission, opened, checked and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files import File

from pushjobs import files
from pushjobs.exceptions import InvalidArguments, UnknownJobName
from pushjobs.files import InputFile
from pushjobs.models import Job
from pushjobs.registry import JobSpec, registry


def check_uploads(spec: JobSpec, uploads: Mapping[str, Any]) -> None:
    """Raises ``InvalidArguments`` for a file that the job does not expect."""
    unexpected = sorted(uploads.keys() - spec.file_parameters)
    if unexpected:
        message = "no file is expected under this name"
        raise InvalidArguments([{"loc": [name], "msg": message} for name in unexpected])


def by_parameter(spec: JobSpec, parts: Mapping[str, Sequence[File[bytes]]]) -> dict[str, Any]:
    """The files of a form as the job's parameters take them: one, or all of that name in a list.

    Raises ``InvalidArguments`` where one is expected and more have come.
    """
    single = spec.file_parameters - spec.file_lists
    if unfit := sorted(name for name in single & parts.keys() if len(parts[name]) > 1):
        raise InvalidArguments([{"loc": [name], "msg": "one file is expected"} for name in unfit])
    return {
        name: list(files) if name in spec.file_lists else files[0] for name, files in parts.items()
    }


def open_upload(value: Any) -> Any:
    """A file argument as a Django ``File``."""
    match value:
        case InputFile():
            upload = File(value.open(), name=value.name)
            upload.content_type = value.content_type  # type: ignore[attr-defined]
            return upload
        case Path() | str():
            return File(Path(value).open("rb"), name=Path(value).name)
        case _:
            return value


def opened(uploads: Mapping[str, Any], stack: ExitStack) -> dict[str, Any]:
    """File arguments as Django files, which the stack closes; where there are many, in a list."""
    return {
        name: _each(value, lambda one: stack.enter_context(open_upload(one)))
        for name, value in uploads.items()
    }


def described(uploads: Mapping[str, Any]) -> dict[str, Any]:
    """What each of the opened files is, before it is stored."""
    return {name: _each(value, partial(files.describe, name)) for name, value in uploads.items()}


def store_uploads(
    job_id: UUID, inputs: Mapping[str, Any], opened: Mapping[str, Any]
) -> dict[str, Any]:
    """Keep the uploads of a job, all of them or none; returns them as its row has them."""
    stored: dict[str, Any] = {}
    keys: list[str] = []

    def keep(name: str, described: InputFile, upload: File[bytes]) -> dict[str, Any]:
        key = files.save_input(job_id, name, described, upload)
        keys.append(key)
        return replace(described, key=key).as_json()

    try:
        for name, upload in opened.items():
            if isinstance(upload, list):
                pairs = zip(inputs[name], upload, strict=True)
                stored[name] = [keep(name, described, one) for described, one in pairs]
            else:
                stored[name] = keep(name, inputs[name], upload)
    except BaseException:
        for key in keys:
            files.delete(key)
        raise
    return stored


def keys_of(stored: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """The storage's keys of the files among a job's arguments."""
    values = [stored.get(name) for name in names]
    items = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return [item["key"] for item in items if isinstance(item, dict) and "key" in item]


def files_of(job: Job) -> list[str]:
    """The storage's keys of all files of a job: what went in, and its response.

    Which arguments are files is said by the handler's signature, for any other may be made to look
    like one; so none are known of a job that is not registered any more.
    """
    try:
        names = registry.get(job.name).file_parameters
    except UnknownJobName:
        names = frozenset()
    keys = keys_of(job.args, names)
    return [*keys, job.response_file] if job.response_file else keys


def _each(value: Any, function: Callable[[Any], Any]) -> Any:
    return [function(item) for item in value] if isinstance(value, list) else function(value)
