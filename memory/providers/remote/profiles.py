"""The kinds of endpoint we know: where each is, what it takes, and how patient its breaker is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from monitoring.breakers import Policy

PATIENT: Final = Policy(consecutive=5, successes=2, open_s=30)


@dataclass(frozen=True, slots=True)
class Profile:
    """What one kind of endpoint is like; empty models and address have to be named by the settings.

    `gzip_from`: bytes from which a request's body is gzipped, None where gzip isn't taken. `most_texts`: of one
    embedding request. `limit_field`: what the bound of an answer's tokens is called. `path` may hold `{model}`.
    """

    name: str
    title: str
    url: str = ""
    embedding_model: str = ""
    chat_model: str = ""
    needs_key: bool = True
    key_header: str = "Authorization"
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    gzip_from: int | None = None
    has_dimensions: bool = True
    has_base64: bool = False
    most_texts: int = 256
    limit_field: str = "max_tokens"
    policy: Policy = PATIENT

    def headers(self, key: str) -> dict[str, str]:
        """How the key is shown to the endpoint."""
        if not key:
            return {}
        return {self.key_header: f"Bearer {key}" if self.key_header == "Authorization" else key}


OPENAI: Final = Profile(
    name="openai",
    title="OpenAI",
    url="https://api.openai.com/v1",
    embedding_model="text-embedding-3-small",
    chat_model="gpt-4.1-mini",
    has_base64=True,
    limit_field="max_completion_tokens",
)
# The deployment is the model. Another version of the API can be named in the address: …?api-version=…
AZURE: Final = Profile(
    name="azure",
    title="Azure OpenAI",
    key_header="api-key",
    path="/openai/deployments/{model}",
    query={"api-version": "2024-10-21"},
    has_base64=True,
    policy=Policy(consecutive=5, successes=3, open_s=60),
)
# Vectors of 1,024 dimensions only, and at most 16,384 tokens in one request.
MISTRAL: Final = Profile(
    name="mistral",
    title="Mistral",
    url="https://api.mistral.ai/v1",
    embedding_model="mistral-embed",
    chat_model="mistral-small-latest",
    has_dimensions=False,
    most_texts=64,
    policy=Policy(consecutive=3, successes=2, open_s=20),
)
COMPATIBLE: Final = Profile(
    name="compatible", title="OpenAI-compatible", needs_key=False, gzip_from=2048, most_texts=128
)
PROFILES: Final[Mapping[str, Profile]] = {one.name: one for one in (OPENAI, AZURE, MISTRAL, COMPATIBLE)}
LOCAL: Final = "local"
