"""Files that go into a job and come out of it, kept in one of Django's storages."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.core.files import File
from django.core.files.storage import Storage, storages
from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from pushjobs import plain
from pushjobs.conf import settings
from pushjobs.exceptions import StorageUnavailable, UnstorableResult

#: Where in the storage the folders of all jobs are.
FOLDER = "pushjobs"
_NAME_BYTES = 180


def storage() -> Storage:
    """The storage that ``PUSHJOBS["STORAGE"]`` names among Django's ``STORAGES``."""
    return storages[settings.STORAGE]


def delete(name: str) -> None:
    """Remove a stored file; one that is not there is fine."""
    with suppress(FileNotFoundError):
        storage().delete(name)


def folder_of(job_id: UUID) -> str:
    """The folder of a job in the storage: all of its files, unless the storage renames them."""
    return f"{FOLDER}/{job_id}"


def delete_all(job_id: UUID, keys: Iterable[str] = ()) -> None:
    """Remove a job's folder, and the files of these keys, which the storage may have elsewhere.

    Raises what the storage does; what it has removed by then is gone.
    """
    for key in keys:
        delete(key)
    _delete_folder(folder_of(job_id))


def _delete_folder(name: str) -> None:
    try:
        folders, files = storage().listdir(name)
    except (FileNotFoundError, NotADirectoryError, NotImplementedError):
        return  # There is none, or the storage cannot tell.
    for folder in folders:
        _delete_folder(f"{name}/{folder}")
    for file in files:
        delete(f"{name}/{file}")
    with suppress(NotImplementedError):
        storage().path(name)  # Only on a disk is a folder something by itself.
        delete(name)


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that came with a submission, as a handler receives it.

    Annotate a handler's parameter with it, or with a list of it. Over HTTP the file comes as the
    multipart part of the parameter's name; each of a list has a part of its own. ``size`` is in
    bytes; ``name`` and ``content_type`` are the client's word.
    """

    key: str
    name: str
    size: int
    content_type: str
    sha256: str

    def open(self) -> BinaryIO:
        """Open for reading bytes; a context manager."""
        return cast(BinaryIO, storage().open(self.key, "rb"))

    @contextmanager
    def local_path(self) -> Iterator[Path]:
        """The file on this machine's disk, copied there first where the storage is elsewhere."""
        try:
            path = Path(storage().path(self.key))
        except NotImplementedError:
            path = None
        if path is not None:
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="pushjobs-") as folder:
            copy = Path(folder) / PurePath(self.key).name
            with self.open() as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target)
            yield copy

    def as_json(self) -> dict[str, Any]:
        """What is kept of it among a job's arguments."""
        return {
            "key": self.key,
            "name": self.name,
            "size": self.size,
            "content_type": self.content_type,
            "sha256": self.sha256,
        }

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.is_instance_schema(
            cls,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.as_json),
        )


def _safe_name(name: str) -> str:
    """A name without folders, short enough for any disk with what a storage may append."""
    return plain.text(PurePath(name).name).encode()[:_NAME_BYTES].decode(errors="ignore")


def sha256(upload: File[bytes]) -> str:
    """The digest of a file's content in hex; leaves the file at its start."""
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    return digest.hexdigest()


def describe(parameter: str, upload: File[bytes]) -> InputFile:
    """What an upload is, before it is stored: its ``key`` is empty."""
    name = _safe_name(str(upload.name or parameter)) or parameter
    content_type = getattr(upload, "content_type", None) or "application/octet-stream"
    return InputFile("", name, upload.size, content_type, sha256(upload))


def save_input(job_id: UUID, parameter: str, described: InputFile, upload: File[bytes]) -> str:
    """Store an upload for a job; returns its key in the storage. Raises ``StorageUnavailable``."""
    try:
        return storage().save(f"{folder_of(job_id)}/in/{parameter}/{described.name}", upload)
    except OSError as error:
        raise StorageUnavailable from error


@dataclass(frozen=True, slots=True)
class FileResult:
    """A file as a job's result.

    ``path`` is a local file, copied into the storage as soon as the handler returns; with
    ``delete=True`` it is removed afterwards. ``data`` is any JSON value for the job document's
    ``result``; ``GET /jobs/<id>/response`` answers with the file itself.
    """

    path: Path | str
    filename: str = ""
    content_type: str = "application/octet-stream"
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delete: bool = False


def save_output(job_id: UUID, attempt: int, name: str, content: File[bytes]) -> str:
    """Store what a job produced; returns its key in the storage.

    Raises ``UnstorableResult`` where the storage does not take it, since its disk is full, say.
    """
    safe = _safe_name(name) or "result"
    try:
        return storage().save(f"{folder_of(job_id)}/out/{attempt}/{safe}", content)
    except OSError as error:
        raise UnstorableResult(f"the storage does not take it: {error.strerror}") from error
