"""Tokens that a server must not take, or not for long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt

from pushjobs import tokens


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.get_unverified_header(token), claims


def altered(token: str, **claims: Any) -> str:
    """The token with other claims, signed as the server signs; None removes a claim."""
    header, known = _parts(token)
    known = {name: value for name, value in (known | claims).items() if value is not None}
    key_id, key = tokens._keys().signing
    assert key_id == header["kid"]
    return jwt.encode(known, key, algorithm="HS256", headers={"kid": key_id})


def expired(token: str) -> str:
    return altered(token, exp=int(time.time()) - 1)


def lasting(token: str, seconds: int) -> str:
    """The token, valid for so many seconds, rounded up."""
    return altered(token, exp=int(time.time()) + seconds + 1)


def unsigned(token: str) -> str:
    header, claims = _parts(token)
    return jwt.encode(claims, None, algorithm="none", headers={"kid": header["kid"]})


def signed_by_another(token: str) -> str:
    header, claims = _parts(token)
    return jwt.encode(claims, b"k" * 32, algorithm="HS256", headers={"kid": header["kid"]})


def of_another_algorithm(token: str) -> str:
    header, claims = _parts(token)
    key = tokens._keys().signing[1] * 2
    return jwt.encode(claims, key, algorithm="HS512", headers={"kid": header["kid"]})


def with_other_claims_under_the_same_signature(token: str) -> str:
    body = altered(token, exp=int(time.time()) + 999_999).rpartition(".")[0]
    return f"{body}.{token.rpartition('.')[2]}"


FORGERIES: dict[str, Callable[[str], str]] = {
    "expired": expired,
    "unsigned": unsigned,
    "signed by another": signed_by_another,
    "another algorithm": of_another_algorithm,
    "other claims": with_other_claims_under_the_same_signature,
    "no expiry": lambda token: altered(token, exp=None),
    "unknown audience": lambda token: altered(token, aud="elsewhere"),
    "no audience": lambda token: altered(token, aud=None),
    "no channels": lambda token: altered(token, channels=None),
    "channels of a wrong type": lambda token: altered(token, channels={"job": True}),
    "garbage": lambda token: "garbage",
}
