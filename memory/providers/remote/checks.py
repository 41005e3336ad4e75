"""System checks: what the settings say about providers is refused at start, not at the first call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core import checks

from memory.providers.remote.endpoint import CHAT, EMBEDDING, endpoint_of
from memory.providers.remote.profiles import LOCAL, PROFILES
from monitoring import addresses

MODEL_LIMIT: Final = 64  # the length of Memory.embedding_model
LOOK_UP_S: Final = 2.0
EXTRACTORS: Final = (LOCAL, "chat")
SUMMARIZERS: Final = (LOCAL, "chat", "mcp")
JUDGES: Final = ("chat", "off", "")  # none named: who finds facts


def check(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """All that is wrong with the providers' settings; messages name settings, never the value of a key."""
    return [*_endpoint(EMBEDDING), *_endpoint(CHAT), *_agent(), *_roles()]


def _endpoint(what: str) -> Iterator[checks.CheckMessage]:
    prefix = f"HOLDFAST_{what}"
    name = getattr(settings, f"{prefix}_PROFILE")
    if name not in {LOCAL, *PROFILES}:
        known = ", ".join([LOCAL, *PROFILES])
        yield checks.Error(f"{prefix}_PROFILE is {name!r}: it must be one of {known}.", id="holdfast.E011")
        return
    endpoint = endpoint_of(what)
    if endpoint is None:
        if getattr(settings, f"{prefix}_URL"):
            hint = f"Set {prefix}_PROFILE, for instance to 'compatible'."
            yield checks.Warning(f"{prefix}_URL is not used with the profile 'local'.", hint, id="holdfast.W011")
        return
    yield from _url(f"{prefix}_URL", endpoint.url, has_key=bool(endpoint.key))
    yield from _key(f"{prefix}_KEY", endpoint.key, is_needed=endpoint.profile.needs_key)
    if not 0 < len(endpoint.model) <= MODEL_LIMIT:
        message = f"{prefix}_MODEL must name a model in at most {MODEL_LIMIT} characters with the profile {name!r}."
        yield checks.Error(message, id="holdfast.E016")


def _agent() -> Iterator[checks.CheckMessage]:
    if not settings.HOLDFAST_MCP_URL:
        return
    yield from _url("HOLDFAST_MCP_URL", settings.HOLDFAST_MCP_URL, has_key=bool(settings.HOLDFAST_MCP_KEY))
    yield from _key("HOLDFAST_MCP_KEY", settings.HOLDFAST_MCP_KEY, is_needed=False)
    if not settings.HOLDFAST_MCP_TOOL:
        yield checks.Error("HOLDFAST_MCP_TOOL must name the MCP server's tool.", id="holdfast.E017")


def _roles() -> Iterator[checks.CheckMessage]:
    """Who extracts, summarises and judges must be there."""
    there = {
        LOCAL: True,
        "off": True,
        "": True,
        "chat": endpoint_of(CHAT) is not None,
        "mcp": bool(settings.HOLDFAST_MCP_URL),
    }
    needs = {"chat": "HOLDFAST_CHAT_PROFILE", "mcp": "HOLDFAST_MCP_URL"}
    roles = {"HOLDFAST_EXTRACTOR": EXTRACTORS, "HOLDFAST_SUMMARIZER": SUMMARIZERS, "HOLDFAST_JUDGE": JUDGES}
    for setting, known in roles.items():
        name = getattr(settings, setting)
        if name not in known:
            yield checks.Error(
                f"{setting} is {name!r}: it must be one of {', '.join(filter(None, known))}.", id="holdfast.E018"
            )
        elif not there[name]:
            yield checks.Error(f"{setting} is {name!r}, and {needs[name]} names none.", id="holdfast.E019")


def _url(setting: str, url: str, *, has_key: bool) -> Iterator[checks.CheckMessage]:
    address = _split(url)
    if address is None:
        # not quoted: a URL that is wrong may have a key in it
        yield checks.Error(f"{setting} must be an http(s) URL such as https://host/v1.", id="holdfast.E012")
        return
    if address.username is not None or address.password is not None:
        yield checks.Error(f"{setting} must not hold a name or password: keys have a setting.", id="holdfast.E013")
        return
    travels_readable = has_key and address.scheme == "http"
    is_private = _is_private(address) if travels_readable or not settings.HOLDFAST_PRIVATE_PROVIDERS else None
    if is_private and not settings.HOLDFAST_PRIVATE_PROVIDERS:
        message = f"{setting} leads to a private address ({address.hostname}), which is forbidden here."
        yield checks.Error(message, "Set HOLDFAST_PRIVATE_PROVIDERS to allow it.", id="holdfast.E014")
    elif travels_readable and is_private is False:
        yield checks.Warning(f"{setting} is http: the key travels readable for all.", id="holdfast.W012")


def _key(setting: str, key: str, *, is_needed: bool) -> Iterator[checks.CheckMessage]:
    if is_needed and not key:
        yield checks.Error(f"{setting} must be set: this profile's endpoint needs a key.", id="holdfast.E015")
    if not (key.isascii() and key.isprintable() and key == key.strip()):
        message = f"{setting} has a character that no HTTP header can carry, or space around it."
        yield checks.Error(message, id="holdfast.E015")


def _split(url: str) -> SplitResult | None:
    """The parts of an http(s) URL with a host, None of anything else."""
    try:
        address = urlsplit(url)
        address.port  # noqa: B018 - raises ValueError for a port that is none
    except ValueError:
        return None
    if not url.isprintable() or " " in url or address.fragment:
        return None
    return address if address.scheme in {"http", "https"} and address.hostname else None


def _is_private(address: SplitResult) -> bool | None:
    """Whether any of the host's addresses is private; None where it has none yet, which each connection looks at."""
    try:
        found = addresses.resolve(address.hostname or "", address.port or 443, timeout_s=LOOK_UP_S)
    except addresses.UnknownHostError:
        return None
    return any(map(addresses.is_private, found))
