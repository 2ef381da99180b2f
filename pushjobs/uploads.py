"""Uploads: the files that come with a submission, opened, checked and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files import File

from pushjobs import files
from pushjobs.exceptions import InvalidArguments
from pushjobs.files import InputFile
from pushjobs.registry import JobSpec


def check_uploads(spec: JobSpec, uploads: Mapping[str, Any]) -> None:
    """Raises ``InvalidArguments`` for a file that the job does not expect."""
    unexpected = sorted(uploads.keys() - spec.file_parameters)
    if unexpected:
        message = "no file is expected under this name"
        raise InvalidArguments([{"loc": [name], "msg": message} for name in unexpected])


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


def store_uploads(
    job_id: UUID, inputs: Mapping[str, InputFile], opened: Mapping[str, Any]
) -> dict[str, InputFile]:
    """Keep the uploads of a job: all of them, or none."""
    stored: dict[str, InputFile] = {}
    try:
        for name, upload in opened.items():
            key = files.save_input(job_id, name, inputs[name], upload)
            stored[name] = replace(inputs[name], key=key)
    except BaseException:
        for file in stored.values():
            files.delete(file.key)
        raise
    return stored
