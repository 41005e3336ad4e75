"""What an HTTP answer or a broken connection means, in the providers' error tree."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpcore
import httpx

from memory.providers.base import (
    ProviderBadAnswerError,
    ProviderCredentialsError,
    ProviderError,
    ProviderRateLimitedError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)

KEY: Final = frozenset({401, 402, 403})
PASSING: Final = frozenset({409, 423, 425})  # 4xx that another attempt may not meet
# OpenAI says with 429 also that an account has no money left, which no waiting mends.
NO_MONEY: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def problem_of(status: int, headers: Mapping[str, str], body: bytes = b"") -> ProviderError:
    """The error that an answer of status 300 and over is.

    Of the body only its error code is used: the rest may quote what was sent, or a part of the key.
    """
    code = _code(body)
    words = f"HTTP {status}" + (f" ({code})" if code else "")
    if status in KEY or code in NO_MONEY:
        return ProviderCredentialsError(f"the provider refused the key: {words}")
    if status == 429:
        return ProviderRateLimitedError(f"asked too often: {words}", retry_after_s=retry_after_s(headers))
    if status == 408:
        return ProviderTimeoutError(f"the provider gave up waiting: {words}")
    if status >= 500 or status in PASSING:
        return ProviderUnavailableError(f"the provider failed: {words}", retry_after_s=retry_after_s(headers))
    if status < 400:
        return ProviderRefusedError(f"the address redirects, which is not followed: {words}", status=status)
    return ProviderRefusedError(f"the provider refused the request: {words}", status=status)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until the provider wants to be asked again; None where it doesn't say.

    RFC 9110 §10.2.3: seconds or a date, which is read against the answer's own date, so that clocks may differ.
    OpenAI and Azure say milliseconds in a header of their own.
    """
    if (millis := _number(headers.get("retry-after-ms", ""))) is not None:
        return millis / 1000
    given = headers.get("retry-after", "").strip()
    if (seconds := _number(given)) is not None:
        return seconds
    until = _date(given)
    if until is None:
        return None
    return max(0.0, (until - (_date(headers.get("date", "")) or datetime.now(UTC))).total_seconds())


@contextmanager
def mapped() -> Iterator[None]:
    """Transport errors inside come out as ProviderErrors, without their texts."""
    try:
        yield
    except httpcore.TimeoutException as problem:
        raise ProviderTimeoutError(f"no answer in time ({type(problem).__name__})") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as problem:
        raise ProviderUnavailableError(f"the connection failed ({type(problem).__name__})") from None
    except httpcore.UnsupportedProtocol:
        raise ProviderRefusedError("the provider's address is no http(s) URL") from None
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as problem:
        raise ProviderBadAnswerError(f"the answer can't be read ({type(problem).__name__})") from None


def _code(body: bytes) -> str:
    try:
        error: Any = json.loads(body).get("error")
        code = error.get("code") or error.get("type")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
