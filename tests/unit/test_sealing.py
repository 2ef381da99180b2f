"""``pushjobs.sealing``: what is sealed opens for its own job, and as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from pushjobs.exceptions import TamperedRequest
from pushjobs.sealing import Seal

SEAL = Seal(UUID(int=1), 7, "request")
SECRET = b'{"password": "swordfish"}'


def test_what_was_sealed_is_not_to_be_read_and_opens_as_it_was() -> None:
    sealed = SEAL.seal(SECRET)
    assert b"swordfish" not in sealed
    assert sealed.isascii()
    assert SEAL.unseal(sealed) == SECRET


@pytest.mark.parametrize(
    "other",
    [{"job": UUID(int=2)}, {"owner": 8}, {"owner": None}, {"purpose": "body"}],
    ids=str,
)
def test_it_opens_for_no_other_job_owner_or_purpose(other: dict[str, Any]) -> None:
    with pytest.raises(TamperedRequest, match="another job"):
        replace(SEAL, **other).unseal(SEAL.seal(SECRET))


def test_no_purpose_can_be_made_to_look_like_another_job() -> None:
    long, short = Seal(UUID(int=1), None, "ab"), Seal(UUID(int=1), None, "a")
    with pytest.raises(TamperedRequest):
        short.unseal(long.seal(SECRET))


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_changed_byte_is_noticed(place: int) -> None:
    sealed = bytearray(SEAL.seal(SECRET))
    sealed[place] = ord("A") if sealed[place] != ord("A") else ord("B")
    with pytest.raises(TamperedRequest, match="changed"):
        SEAL.unseal(bytes(sealed))


def test_a_rotated_key_opens_what_it_sealed_until_it_is_gone(settings: Any) -> None:
    sealed = SEAL.seal(SECRET)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key"
    assert SEAL.unseal(sealed) == SECRET
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(TamperedRequest, match="key that is gone"):
        SEAL.unseal(sealed)
