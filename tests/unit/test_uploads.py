"""``pushjobs.uploads``: all files of a job are kept, or none."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from pushjobs import files
from pushjobs.exceptions import StorageUnavailable
from pushjobs.uploads import store_uploads


@pytest.fixture
def full_after_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storage whose disk has room for one file."""
    storage, real = FileSystemStorage(tmp_path), FileSystemStorage.save

    def save(self: Any, *args: Any, **kwargs: Any) -> str:
        if any(path.is_file() for path in tmp_path.rglob("*")):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(FileSystemStorage, "save", save)
    monkeypatch.setattr(files, "storage", lambda: storage)
    return tmp_path


def test_where_one_file_cannot_be_kept_none_is(full_after_one: Path) -> None:
    uploads = {name: ContentFile(b"text", name=f"{name}.txt") for name in ("first", "second")}
    inputs = {name: files.describe(name, upload) for name, upload in uploads.items()}
    with pytest.raises(StorageUnavailable):
        store_uploads(uuid4(), inputs, uploads)
    assert not [path for path in full_after_one.rglob("*") if path.is_file()]
