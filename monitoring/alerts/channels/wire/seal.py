"""Seals what must not be read in the database: URLs that hold a token, and the keys of signatures.

The key is made of Django's secret key, so a copy of the database alone opens nothing. Where the secret key is changed,
the old one in SECRET_KEY_FALLBACKS still opens what it sealed.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SealError(Exception):
    """It was sealed with another secret key."""


def seal(text: str) -> str:
    return _box().encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """What was sealed. Raises SealError."""
    if not sealed:
        return ""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealError("the secret key has changed since the channel was saved: enter its target again") from None


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_key(str(key))) for key in keys])


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"holdfast.channel:" + secret.encode()).digest())
