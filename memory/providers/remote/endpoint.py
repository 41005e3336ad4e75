"""An endpoint as the settings name it: profile, address, key and model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from django.conf import settings

from memory.providers.guard import Guard, guard_of
from memory.providers.remote.http.client import Site
from memory.providers.remote.profiles import LOCAL, PROFILES, Profile
from monitoring.breakers import Policy

EMBEDDING: Final = "EMBEDDING"
CHAT: Final = "CHAT"
STANDARD_PATH: Final[Mapping[str, str]] = {
    EMBEDDING: "The local embedder serves; what it embedded is embedded again later.",
    CHAT: "The local extractor and summarizer serve; what they did is done again later.",
}
PROBE_MARGIN_S: Final = 5.0  # a probe's permit outlives the longest call


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`what` is EMBEDDING or CHAT: the middle of its settings' names, and the guard's name in small letters."""

    what: str
    profile: Profile
    url: str
    model: str
    key: str = field(default="", repr=False)

    def site(self) -> Site:
        profile = self.profile
        path = profile.path.format(model=self.model)
        address, _, query = self.url.partition("?")
        url = address.rstrip("/") + path + (f"?{query}" if query else "")
        asked = {name: value for name, value in profile.query.items() if f"{name}=" not in query}
        return Site(url, profile.headers(self.key), asked, profile.gzip_from)

    def guard(self) -> Guard:
        return guard_of(
            self.what.lower(),
            title=f"{self.what.capitalize()}: {self.profile.title}",
            policy=patient(self.profile.policy),
            credential=f"HOLDFAST_{self.what}_KEY",
            fallback_text=STANDARD_PATH[self.what],
        )


def endpoint_of(what: str) -> Endpoint | None:
    """The endpoint that the settings name, None where the local one is meant; see `checks` for what they may say."""
    named = {part: str(getattr(settings, f"HOLDFAST_{what}_{part}")) for part in ("PROFILE", "URL", "KEY", "MODEL")}
    profile = PROFILES.get(named["PROFILE"])
    if profile is None or named["PROFILE"] == LOCAL:
        return None
    standard = profile.embedding_model if what == EMBEDDING else profile.chat_model
    return Endpoint(what, profile, named["URL"] or profile.url, named["MODEL"] or standard, named["KEY"])


def patient(policy: Policy) -> Policy:
    """The policy with probes that may take as long as a call, and the open time that the settings name, if any."""
    open_s = settings.HOLDFAST_PROVIDER_OPEN_S or policy.open_s
    probe_s = settings.HOLDFAST_PROVIDER_TIMEOUT_S + PROBE_MARGIN_S
    return replace(policy, probe_s=probe_s, open_s=open_s, open_limit_s=max(open_s, policy.open_limit_s))
