"""``pushjobs.tokens``: what a token opens, and that no other text opens anything."""

from __future__ import annotations

import base64
import json
import time
from typing import Any, Literal

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pushjobs import tokens
from pushjobs.exceptions import BadRequest, Unauthorized
from pushjobs.tokens import Token
from tests.unit.conftest import Configure
from tests.unit.keys import pem_pair
from tests.unit.records import JOB

FIRST, SECOND = "first-key-".ljust(40, "1"), "second-key-".ljust(40, "2")


def claims_of(**changes: Any) -> dict[str, Any]:
    known = {
        "aud": "pushjobs:job",
        "sub": JOB,
        "channels": [f"job:{JOB}"],
        "scope": ["read"],
        "exp": int(time.time()) + 60,
    }
    return {name: value for name, value in (known | changes).items() if value is not ...}


def signed(claims: dict[str, Any]) -> str:
    """A token that this service's own key signs, whatever it claims."""
    key_id, key = tokens._keys().signing
    return jwt.encode(claims, key, algorithm="HS256", headers={"kid": key_id})


def refused(text: str) -> Unauthorized:
    with pytest.raises(Unauthorized) as caught:
        tokens.verify(text)
    assert 'error="invalid_token"' in caught.value.headers["WWW-Authenticate"]
    return caught.value


def test_a_jobs_token_opens_its_channel_for_its_scope_and_no_other() -> None:
    token = tokens.verify(tokens.for_job(JOB, ["read"]))
    assert (token.kind, token.subject) == ("job", JOB)
    assert token.covers(f"job:{JOB}", "read")
    assert not token.covers(f"job:{JOB}", "cancel")
    assert not token.covers("user:me", "read")


def test_a_users_token_opens_what_it_names_until_it_expires() -> None:
    token = tokens.verify(tokens.for_user(7, ["user:me", "tag:a"], ["read"], 60))
    assert (token.kind, token.subject) == ("user", "7")
    assert token.channels == {"user:me", "tag:a"}
    assert abs(token.expires - time.time() - 60) < 30


def test_a_jobs_token_lives_as_long_as_the_settings_say(configure: Configure) -> None:
    configure(TOKEN_LIFETIME=5000)
    token = tokens.verify(tokens.for_job(JOB))
    assert 4000 < token.expires - time.time() <= 5000


def test_scopes_that_are_unknown_count_for_nothing() -> None:
    token = tokens.verify(signed(claims_of(scope=["read", "admin"])))
    assert token.scope == {"read"}


def test_an_expired_token_is_told_apart() -> None:
    error = refused(signed(claims_of(exp=int(time.time()) - 10)))
    assert error.detail == "the token has expired"


@pytest.mark.parametrize("claim", ["exp", "sub", "aud", "channels", "scope"])
def test_a_token_that_lacks_a_claim_is_refused(claim: str) -> None:
    refused(signed(claims_of(**{claim: ...})))


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": "job:" + JOB},
        {"scope": "read"},
        {"channels": None},
        {"sub": 7},
        {"exp": "soon"},
        {"exp": []},
        {"exp": float("inf")},
        {"aud": ["pushjobs:job"]},
        {"aud": ["pushjobs:job", "another"]},
        {"aud": "another"},
        {"aud": 1},
    ],
    ids=str,
)
def test_a_token_with_a_claim_of_the_wrong_kind_is_refused(changes: dict[str, Any]) -> None:
    refused(signed(claims_of(**changes)))


def test_a_token_that_is_not_signed_is_refused() -> None:
    for algorithm in ("none", "None", "NONE"):
        header = {"alg": algorithm, "typ": "JWT", "kid": tokens._keys().signing[0]}
        parts = [
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in (header, claims_of())
        ]
        refused(".".join(parts) + ".")


def test_a_token_signed_with_another_key_is_refused() -> None:
    key_id, _ = tokens._keys().signing
    refused(jwt.encode(claims_of(), "another-key-".ljust(40, "x"), headers={"kid": key_id}))


@pytest.mark.parametrize("headers", [{}, {"kid": "unknown"}], ids=["none", "unknown"])
def test_a_token_whose_key_is_not_known_is_refused(headers: dict[str, str]) -> None:
    _, key = tokens._keys().signing
    refused(jwt.encode(claims_of(), key, headers=headers))


def test_a_token_of_the_pinned_kind_is_refused_in_another_algorithm_of_the_family() -> None:
    key_id, key = tokens._keys().signing
    refused(jwt.encode(claims_of(), key.ljust(64, b"0"), "HS512", headers={"kid": key_id}))


def test_a_public_key_is_no_secret_that_could_sign(configure: Configure) -> None:
    """RFC 8725, section 2.1: HS256 with the RSA public key as its secret."""
    private, public = pem_pair()
    configure(TOKEN_ALGORITHM="RS256", TOKEN_KEYS=[private])
    key_id, _ = tokens._keys().signing
    encode = base64.urlsafe_b64encode
    head, body = (
        encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "kid": key_id}, claims_of())
    )
    for secret in (public.encode(), public.strip().encode()):
        mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        signature = encode(mac.sign(head + b"." + body, secret)).rstrip(b"=")
        refused((head + b"." + body + b"." + signature).decode())


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é", "\x00", "e30.e30.", "x" * 100_000])
def test_a_text_that_is_no_token_is_refused(text: str) -> None:
    refused(text)


@hypothesis_settings(max_examples=100, deadline=None)
@given(place=st.integers(0, 500), character=st.characters())
def test_a_token_with_any_character_changed_is_refused(place: int, character: str) -> None:
    text = tokens.for_job(JOB)
    place %= text.rindex(".")
    changed = text[:place] + character + text[place + 1 :]
    if changed != text:
        refused(changed)


def test_keys_can_be_rotated(configure: Configure) -> None:
    configure(TOKEN_KEYS=[FIRST])
    old = tokens.for_job(JOB)
    configure(TOKEN_KEYS=[SECOND, FIRST])
    assert tokens.verify(old).subject == JOB
    new = tokens.for_job(JOB)
    configure(TOKEN_KEYS=[SECOND])
    assert tokens.verify(new).subject == JOB
    refused(old)


def test_the_secret_key_signs_and_its_fallbacks_verify(settings: Any) -> None:
    settings.SECRET_KEY = FIRST
    old = tokens.for_job(JOB)
    settings.SECRET_KEY = SECOND
    refused(old)
    settings.SECRET_KEY_FALLBACKS = [FIRST]
    assert tokens.verify(old).subject == JOB
    assert jwt.get_unverified_header(tokens.for_job(JOB)) != jwt.get_unverified_header(old)


def test_rs256_signs_with_the_first_key_and_verifies_with_public_ones(
    configure: Configure,
) -> None:
    (old_private, old_public), (private, public) = pem_pair(0), pem_pair(1)
    configure(TOKEN_ALGORITHM="RS256", TOKEN_KEYS=[old_private])
    old = tokens.for_job(JOB)
    assert tokens.verify(old).subject == JOB
    assert jwt.decode(old, old_public, ["RS256"], audience="pushjobs:job")["sub"] == JOB
    configure(TOKEN_ALGORITHM="RS256", TOKEN_KEYS=[private])
    refused(old)
    new = tokens.for_job(JOB)
    assert jwt.decode(new, public, ["RS256"], audience="pushjobs:job")["sub"] == JOB


def test_a_public_key_cannot_be_the_first(configure: Configure) -> None:
    configure(TOKEN_ALGORITHM="RS256", TOKEN_KEYS=[pem_pair()[1]])
    with pytest.raises(ImproperlyConfigured):
        tokens.for_job(JOB)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"authorization": "Bearer abc"}, "abc"),
        ({"authorization": "bearer  abc "}, "abc"),
        ({"authorization": "Basic abc"}, None),
        ({"authorization": "Bearer"}, ""),
        ({"x-job-authorization": "abc"}, "abc"),
        ({"x-job-authorization": "Bearer abc"}, "abc"),
        ({"x-job-authorization": "  "}, None),
        ({"authorization": "Basic abc", "x-job-authorization": "def"}, "def"),
        ({"authorization": "Bearer abc", "x-job-authorization": "def"}, "def"),
        ({}, None),
    ],
)
def test_a_token_is_found_in_the_headers(headers: dict[str, str], token: str | None) -> None:
    assert tokens.from_headers(headers.get) == token


def test_the_header_can_be_named_by_the_settings(configure: Configure) -> None:
    configure(TOKEN_HEADER="X-Ticket")
    assert tokens.from_headers({"x-ticket": "abc"}.get) == "abc"
    assert tokens.from_headers({"x-job-authorization": "abc"}.get) is None


def held(*names: str, user: int | None = None, scope: str = "read", lasts: float = 60) -> Token:
    """A verified token for some channels."""
    kind: Literal["job", "user"] = "job" if user is None else "user"
    subject = JOB if user is None else str(user)
    return Token(kind, subject, frozenset(names), frozenset({scope}), lasts)


def test_joined_tokens_read_what_any_of_them_reads_and_nothing_else() -> None:
    token = tokens.joined([held("job:1"), held("tag:a", user=7), held("job:2", scope="cancel")])
    assert (token.kind, token.subject) == ("user", "7")
    assert token.channels == {"job:1", "tag:a"}
    assert token.scope == {"read"}


def test_joined_tokens_hold_until_the_first_expires() -> None:
    assert tokens.joined([held("job:1", lasts=30), held("job:2", lasts=20)]).expires == 20


def test_tokens_of_two_users_do_not_go_together() -> None:
    assert tokens.joined([held("tag:a", user=7), held("tag:b", user=7)]).subject == "7"
    with pytest.raises(BadRequest):
        tokens.joined([held("tag:a", user=7), held("tag:a", user=8)])
