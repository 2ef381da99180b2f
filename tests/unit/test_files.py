"""``pushjobs.files``: what goes into a job and comes out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage

from pushjobs import files
from tests.unit.records import JOB

ID = UUID(JOB)


class Elsewhere(Storage):
    """Has no paths, as a storage on another machine."""

    def __init__(self, folder: Path) -> None:
        self._disk = FileSystemStorage(folder)

    def _open(self, name: str, mode: str = "rb") -> Any:
        return self._disk.open(name, mode)

    def _save(self, name: str, content: Any) -> str:
        return self._disk.save(name, content)

    def exists(self, name: str) -> bool:
        return self._disk.exists(name)

    def delete(self, name: str) -> None:
        self._disk.delete(name)


@pytest.fixture(params=["disk", "elsewhere"], autouse=True)
def storage(
    request: pytest.FixtureRequest, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One on this machine's disk, and one elsewhere."""
    settings.MEDIA_ROOT = tmp_path / "media"
    if request.param == "elsewhere":
        elsewhere = Elsewhere(tmp_path / "elsewhere")
        monkeypatch.setattr(files, "storage", lambda: elsewhere)


def stored(text: bytes = b"a,b\n", name: str = "table.csv") -> files.InputFile:
    upload = ContentFile(text, name=name)
    described = files.describe("table", upload)
    return files.InputFile(
        **described.as_json() | {"key": files.save_input(ID, "table", described, upload)}
    )


def test_an_input_is_described_and_read_back_whole() -> None:
    text = bytes(range(256)) * 1000
    found = stored(text)
    assert (found.name, found.size) == ("table.csv", len(text))
    assert found.content_type == "application/octet-stream"
    with found.open() as handle:
        assert handle.read() == text


def test_an_input_has_a_path_on_this_machine_wherever_it_is_kept() -> None:
    found = stored()
    with found.local_path() as path:
        assert (path.read_bytes(), path.suffix) == (b"a,b\n", ".csv")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b", ".."])
def test_a_name_that_the_client_chose_leads_nowhere_else(name: str) -> None:
    upload = ContentFile(b"x", name="a")
    upload.name = name
    described = files.describe("table", upload)
    assert "/" not in described.name
    if described.name != "..":
        key = files.save_input(ID, "table", described, upload)
        assert key.startswith(f"pushjobs/{JOB}/in/table/")


def test_two_files_of_one_name_do_not_overwrite_each_other() -> None:
    one, two = stored(b"one"), stored(b"two")
    assert one.key != two.key
    with one.open() as handle:
        assert handle.read() == b"one"


def test_an_output_is_kept_apart_by_attempt() -> None:
    first, second = (files.save_output(ID, n, "../r.csv", ContentFile(b"x")) for n in (1, 2))
    assert (first, second) == (f"pushjobs/{JOB}/out/1/r.csv", f"pushjobs/{JOB}/out/2/r.csv")


def test_deleting_what_is_not_there_is_fine() -> None:
    key = stored().key
    files.delete(key)
    files.delete(key)
    assert not files.storage().exists(key)


def test_all_files_of_a_job_are_deleted_wherever_the_storage_has_put_them() -> None:
    """Not every storage can list its files, or calls them what it was asked to."""
    elsewhere = files.storage().save("renamed/by/the/storage", ContentFile(b"x"))
    kept = [files.save_output(ID, number, "r.csv", ContentFile(b"x")) for number in (1, 2)]
    other = files.save_output(UUID(int=ID.int + 1), 1, "r.csv", ContentFile(b"x"))
    for _ in range(2):
        files.delete_all(ID, [elsewhere, *kept])
        assert not any(map(files.storage().exists, [elsewhere, *kept]))
    assert files.storage().exists(other)
