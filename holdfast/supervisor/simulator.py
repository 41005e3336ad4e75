"""The simulated provider under `up`: whether it is wanted, where it listens, and who is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"
NOTE: Final = "simulator_url"  # `manage.py provider_simulator` reads it
# Whoever sets one of these has providers of their own in mind.
NAMED_BY: Final = tuple(
    f"HOLDFAST_{provider}_{part}" for provider in ("EMBEDDING", "CHAT", "MCP") for part in ("PROFILE", "URL", "KEY")
)
# No bound that a machine of its own reaches: what is slow is to be the provider, not the wait for a permit.
RATE_PER_S: Final = 10_000


def is_replaced(environment: Mapping[str, str]) -> bool:
    """Whether the environment names providers."""
    return any(environment.get(name) or environment.get(f"{name}_FILE") for name in NAMED_BY)


def free_port() -> int:
    """A port of this machine that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def url_of(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def variables(port: int) -> dict[str, str]:
    """What points the children at it. The local embedder's model name: it is the same, so vectors stay comparable."""
    api = f"{url_of(port)}/v1"
    return {
        "HOLDFAST_EMBEDDING_PROFILE": "compatible",
        "HOLDFAST_EMBEDDING_URL": api,
        "HOLDFAST_EMBEDDING_MODEL": "wordllama-256",
        "HOLDFAST_CHAT_PROFILE": "compatible",
        "HOLDFAST_CHAT_URL": api,
        "HOLDFAST_CHAT_MODEL": "extractive-1",
        "HOLDFAST_EXTRACTOR": "chat",
        "HOLDFAST_SUMMARIZER": "chat",
        "HOLDFAST_PROVIDER_RATE": str(RATE_PER_S),
    }


@contextmanager
def noted(folder: Path, port: int | None) -> Iterator[None]:
    """Keep its address in the data folder while it runs."""
    note = folder / NOTE
    if port is None:
        note.unlink(missing_ok=True)  # of a killed `up`
        yield
        return
    note.write_text(f"{url_of(port)}\n")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def welcome(port: int | None) -> list[str]:
    """How to break it."""
    if port is None:
        return []
    return [
        f"Embeddings and chat come from a simulated provider at {url_of(port)}. Break it, and watch:",
        "  .venv/bin/python manage.py provider_simulator set --error-rate 1   (and `heal`; --help lists the knobs)",
    ]
