"""Sealed text: encrypted and authenticated, and good for one job of one owner only.

Fernet (AES-128-CBC with HMAC-SHA256) under keys derived with HKDF (RFC 5869) from ``SECRET_KEY``
and ``SECRET_KEY_FALLBACKS``, so that a rotated key still opens what it has sealed. The job's id and
its owner are sealed with the content: what is moved to another row does not open there.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings as django_settings

from pushjobs.exceptions import TamperedRequest

_INFO = b"pushjobs.sealing.1"


@dataclass(frozen=True, slots=True)
class Seal:
    """What content is bound to. ``owner`` is the primary key of the job's owner, or None.

    ``purpose`` keeps one part of a job from being taken for another.
    """

    job: UUID
    owner: Any
    purpose: str

    def seal(self, content: bytes) -> bytes:
        """Returns ASCII."""
        return _fernet().encrypt(self._prefix() + content)

    def unseal(self, sealed: bytes) -> bytes:
        """Raises ``TamperedRequest`` for what was not sealed with just this seal."""
        try:
            opened = _fernet().decrypt(sealed)
        except InvalidToken:
            raise TamperedRequest("it was changed, or sealed with a key that is gone") from None
        prefix = self._prefix()
        if not opened.startswith(prefix):
            raise TamperedRequest("it belongs to another job")
        return opened[len(prefix) :]

    def _prefix(self) -> bytes:
        owner = "" if self.owner is None else f"user:{self.owner}"
        parts = (str(self.job), self.purpose, owner)
        return b"".join(b"%d:%b," % (len(part.encode()), part.encode()) for part in parts)


def _fernet() -> MultiFernet:
    return _derived((django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _derived(secrets: tuple[str | bytes, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_key(secret))) for secret in secrets])


def _key(secret: str | bytes) -> bytes:
    material = secret.encode() if isinstance(secret, str) else secret
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(material)
