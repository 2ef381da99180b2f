"""Tokens: JWTs (RFC 7519) that open one job, or some of a user's channels, and nothing else.

Claims: ``sub`` (job id or user id), ``aud`` (which of the two), ``channels``, ``scope``, ``exp``.
The algorithm is pinned by the settings, never read from the token (RFC 8725, section 3.1).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from pushjobs import channels
from pushjobs.conf import settings
from pushjobs.exceptions import BadRequest, Unauthorized

READ, CANCEL = "read", "cancel"
SCOPES = frozenset({READ, CANCEL})
_AUDIENCES = {"job": "pushjobs:job", "user": "pushjobs:user"}


@dataclass(frozen=True, slots=True)
class Token:
    """A verified token. ``expires`` is in seconds since the epoch."""

    kind: Literal["job", "user"]
    subject: str
    channels: frozenset[str]
    scope: frozenset[str]
    expires: float

    def covers(self, channel: str, scope: str) -> bool:
        """Whether the token opens a channel (by its client's name) for a scope."""
        return channel in self.channels and scope in self.scope


def for_job(job_id: object, scope: Iterable[str] = (READ, CANCEL)) -> str:
    """A token for one job, valid for ``TOKEN_LIFETIME``."""
    return _sign("job", str(job_id), [channels.of_job(str(job_id))], scope, settings.TOKEN_LIFETIME)


def for_user(user_id: object, names: Iterable[str], scope: Iterable[str], lifetime: float) -> str:
    """A token for some of a user's channels, valid for ``lifetime`` seconds."""
    return _sign("user", str(user_id), list(names), scope, lifetime)


def joined(held: Sequence[Token]) -> Token:
    """One token that reads what any of these reads, until the first of them expires.

    Raises ``BadRequest`` where they are of two users, for ``user:me`` can be only one of them.
    """
    users = {token.subject for token in held if token.kind == "user"}
    if len(users) > 1:
        raise BadRequest("the tokens of one request are of one user")
    names = (token.channels for token in held if READ in token.scope)
    return Token(
        kind="user" if users else "job",
        subject=users.pop() if users else held[0].subject,
        channels=frozenset[str]().union(*names),
        scope=frozenset({READ}),
        expires=min(token.expires for token in held),
    )


def from_headers(get: Callable[[str], str | None]) -> str | None:
    """The token of a request, by its headers: ``TOKEN_HEADER``, or ``Authorization: Bearer``.

    In this order, since the project may have bearer tokens of its own that a client sends along.
    """
    if own := (get(settings.TOKEN_HEADER.lower()) or "").split():
        return own[-1]
    scheme, _, credentials = (get("authorization") or "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def from_cookie(cookies: Mapping[str, str], job_id: str | None) -> Token | None:
    """The token in ``TOKEN_COOKIE``, where it is one for this job and holds.

    A browser sends it to the job's own URLs. Any other cookie says nothing: a session may.
    """
    text = cookies.get(settings.TOKEN_COOKIE)
    if text is None or job_id is None:
        return None
    try:
        token = verify(text)
    except Unauthorized:
        return None
    return token if token.kind == "job" and token.subject == job_id.lower() else None


def verify(text: str) -> Token:
    """Check a token's signature, age and claims; raises ``Unauthorized``."""
    try:
        key_id = jwt.get_unverified_header(text).get("kid")
        claims = jwt.decode(
            text,
            _keys().verifying(key_id),
            algorithms=[settings.TOKEN_ALGORITHM],
            audience=list(_AUDIENCES.values()),
            options={"require": ["exp", "sub", "aud", "channels", "scope"]},
        )
        return _read(claims)
    except jwt.ExpiredSignatureError:
        raise Unauthorized("the token has expired", error="invalid_token") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        raise Unauthorized("the token is not valid", error="invalid_token") from None


def _read(claims: dict[str, Any]) -> Token:
    kind = next((kind for kind, audience in _AUDIENCES.items() if audience == claims["aud"]), None)
    names, scope = claims["channels"], claims["scope"]
    if kind is None or not isinstance(names, list) or not isinstance(scope, list):
        raise TypeError("aud is one text, channels and scope are lists")
    return Token(
        kind=kind,  # type: ignore[arg-type]
        subject=claims["sub"],
        channels=frozenset(map(str, names)),
        scope=frozenset(map(str, scope)) & SCOPES,
        expires=float(claims["exp"]),
    )


def _sign(kind: str, subject: str, names: list[str], scope: Iterable[str], lifetime: float) -> str:
    now = time.time()
    claims = {
        "aud": _AUDIENCES[kind],
        "sub": subject,
        "channels": names,
        "scope": sorted(set(scope)),
        "iat": int(now),
        "exp": int(now + lifetime),
    }
    key_id, key = _keys().signing
    return jwt.encode(claims, key, algorithm=settings.TOKEN_ALGORITHM, headers={"kid": key_id})


class _Keys:
    """The keys by id; the first signs, all verify, so that keys can be rotated."""

    def __init__(self, texts: Iterable[str], algorithm: str) -> None:
        prepare = _prepare_secret if algorithm == "HS256" else _prepare_pem
        pairs = [prepare(text) for text in texts]
        if not pairs or pairs[0][0] is None:
            raise ImproperlyConfigured(f"PUSHJOBS['TOKEN_KEYS'][0] cannot sign {algorithm}")
        texts_and_pairs = zip(texts, pairs, strict=True)
        self._verifying = {_key_id(text): pair[1] for text, pair in texts_and_pairs}
        self._first = next(iter(self._verifying))
        self.signing = (self._first, pairs[0][0])

    def verifying(self, key_id: object) -> Any:
        try:
            return self._verifying[str(key_id)]
        except KeyError:
            raise jwt.InvalidKeyError("unknown key id") from None


def _prepare_secret(text: str) -> tuple[Any, Any]:
    key = hashlib.sha256(b"pushjobs.tokens:" + text.encode()).digest()
    return key, key


def _prepare_pem(text: str) -> tuple[Any, Any]:
    if "PRIVATE KEY" not in text:
        return None, load_pem_public_key(text.encode())
    key = load_pem_private_key(text.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ImproperlyConfigured("PUSHJOBS['TOKEN_KEYS'] for RS256 are RSA keys in PEM")
    return key, key.public_key()


def _key_id(text: str) -> str:
    return hashlib.sha256(b"pushjobs.kid:" + text.strip().encode()).hexdigest()[:12]


@lru_cache(maxsize=1)
def _keys() -> _Keys:
    secrets = (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)
    return _Keys(settings.TOKEN_KEYS or tuple(map(str, secrets)), settings.TOKEN_ALGORITHM)


def _reset(*, setting: str, **_: object) -> None:
    if setting in ("PUSHJOBS", "SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        _keys.cache_clear()


setting_changed.connect(_reset)
