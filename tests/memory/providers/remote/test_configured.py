"""What the settings make: which providers there are, which settings are refused, and what a failure looks like."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from memory.providers import configured
from memory.providers.base import Said
from memory.providers.local.embedder import LocalEmbedder
from memory.providers.local.extractor import LocalExtractor
from memory.providers.local.summarizer import LocalSummarizer
from memory.providers.remote.checks import check
from memory.providers.remote.endpoint import CHAT, EMBEDDING, endpoint_of, patient
from memory.providers.remote.profiles import AZURE, COMPATIBLE, MISTRAL, OPENAI
from memory.providers.remote.prompted.summarizer import AgentSummarizer
from memory.providers.simulator import Simulator

SAID = Said("user", "I moved to Lisbon in 2019.", datetime(2026, 11, 12, tzinfo=UTC))
SECRET = "sk-very-secret"


@pytest.fixture
def simulator(settings: Settings) -> Iterator[Simulator]:
    """A simulator that all settings point at."""
    with Simulator(seed=1) as simulator:
        for what in (EMBEDDING, CHAT):
            named = {"PROFILE": "compatible", "URL": simulator.api_url, "KEY": SECRET, "MODEL": f"sim-{what.lower()}"}
            for part, value in named.items():
                setattr(settings, f"HOLDFAST_{what}_{part}", value)
        settings.HOLDFAST_EXTRACTOR = settings.HOLDFAST_SUMMARIZER = "chat"
        settings.HOLDFAST_MCP_URL, settings.HOLDFAST_MCP_TOOL = simulator.mcp_url, "summarize"
        yield simulator


def test_where_nothing_is_named_all_is_local() -> None:
    assert isinstance(configured.embedder(), LocalEmbedder)
    assert isinstance(configured.extractor(), LocalExtractor)
    assert isinstance(configured.summarizer(), LocalSummarizer)
    assert configured.chat() is None
    assert configured.agent() is None
    assert configured.judge() is None
    assert configured.names() == {}
    assert check() == []


def test_the_named_providers_serve_and_the_answers_name_them(simulator: Simulator) -> None:
    standby = configured.standby()
    embedded = standby.embed(["Lives in Leeds"])
    assert (embedded.model, embedded.reason) == ("sim-embedding", "")
    np.testing.assert_allclose(embedded.rows, LocalEmbedder().embed(["Lives in Leeds"]), atol=1e-3)
    extracted = standby.extract(SAID)
    assert (extracted.by, extracted.reason) == ("chat:sim-chat", "")
    assert [fact.text for fact in extracted.facts] == ["Moved to Lisbon in 2019"]
    summarized = standby.summarize("", [SAID], budget_tokens=100)
    assert (summarized.by, summarized.reason) == ("chat:sim-chat", "")
    assert configured.names() == {
        "embedding": "OpenAI-compatible: sim-embedding",
        "chat": "OpenAI-compatible: sim-chat",
        "mcp": "summarize",
    }
    assert {seen.headers["Authorization"] for seen in simulator.requests} == {f"Bearer {SECRET}"}


def test_who_finds_facts_by_chat_judges_by_chat_unless_it_is_off(simulator: Simulator, settings: Settings) -> None:
    def judge(extractor: str, wanted: str) -> str:
        settings.HOLDFAST_EXTRACTOR, settings.HOLDFAST_JUDGE = extractor, wanted
        configured.reset()
        found = configured.judge()
        return found.name if found else ""

    assert [judge("chat", wanted) for wanted in ("", "chat", "off")] == ["chat:sim-chat", "chat:sim-chat", ""]
    assert [judge("local", wanted) for wanted in ("", "chat", "off")] == ["", "chat:sim-chat", ""]


def test_an_agent_can_be_the_summarizer(simulator: Simulator, settings: Settings) -> None:
    settings.HOLDFAST_SUMMARIZER = "mcp"
    assert isinstance(configured.summarizer(), AgentSummarizer)
    assert configured.standby().summarize("", [SAID], budget_tokens=100).by == "mcp:summarize"


def test_a_provider_that_fails_is_stood_in_for_and_the_answer_says_so(simulator: Simulator) -> None:
    simulator.set(error_rate=1.0)
    standby = configured.standby()
    embedded = standby.embed(["Lives in Leeds"])
    assert embedded.model == LocalEmbedder.model
    assert embedded.reason == "The embedding provider failed (ProviderUnavailableError): the local one served."
    extracted = standby.extract(SAID)
    assert extracted.by == LocalExtractor.name
    assert extracted.reason.startswith("The extraction provider failed")
    assert standby.summarize("", [SAID], budget_tokens=100).reason.startswith("The summary provider failed")


@pytest.mark.django_db  # an open breaker asks its flag
def test_a_wrong_key_opens_the_breaker_at_once_and_is_not_told(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.set(wrong_key=True)
    standby = configured.standby()
    reasons = [standby.embed(["Lives in Leeds"]).reason for _ in range(3)]
    assert "ProviderCredentialsError" in reasons[0]
    assert all("ProviderOpenError" in reason for reason in reasons[1:])
    assert simulator.counts["embeddings.requests"] == 1
    assert "HOLDFAST_EMBEDDING_KEY" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.django_db  # an open breaker asks its flag
def test_a_provider_that_fails_is_left_alone_after_as_many_calls_as_its_policy_says(simulator: Simulator) -> None:
    simulator.set(error_rate=1.0)
    standby = configured.standby()
    for _ in range(12):
        standby.embed(["Lives in Leeds"])
    # five calls that fail, each with two further attempts
    assert simulator.counts["embeddings.requests"] == 5 * 3


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # Python 3.12 and later
def test_a_forked_child_has_providers_of_its_own(simulator: Simulator) -> None:
    configured.standby().embed(["one"])
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sending.send(configured.standby().embed(["two"]).model))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert receiving.recv() == "sim-embedding"


def test_the_breakers_are_as_patient_as_the_architecture_says() -> None:
    policies = [(one.policy.consecutive, one.policy.successes, one.policy.open_s) for one in (OPENAI, MISTRAL, AZURE)]
    assert policies == [(5, 2, 30), (3, 2, 20), (5, 3, 60)]


def test_a_probe_may_take_as_long_as_a_call(settings: Settings) -> None:
    settings.HOLDFAST_PROVIDER_TIMEOUT_S = 40.0
    assert patient(COMPATIBLE.policy).probe_s > 40


def test_a_profile_brings_its_address_and_models(settings: Settings) -> None:
    settings.HOLDFAST_EMBEDDING_PROFILE = settings.HOLDFAST_CHAT_PROFILE = "mistral"
    settings.HOLDFAST_EMBEDDING_KEY = SECRET
    embedding, chat = endpoint_of(EMBEDDING), endpoint_of(CHAT)
    assert embedding is not None
    assert chat is not None
    assert (embedding.url, embedding.model) == ("https://api.mistral.ai/v1", "mistral-embed")
    assert chat.model == "mistral-small-latest"
    assert SECRET not in repr(embedding)
    assert SECRET not in repr(embedding.site())


COMPATIBLE_CHAT = {"CHAT_PROFILE": "compatible", "CHAT_URL": "http://127.0.0.1:9", "CHAT_MODEL": "m"}


@pytest.mark.parametrize(
    ("named", "ids"),
    [
        ({"CHAT_PROFILE": "openia"}, ["holdfast.E011"]),
        ({"CHAT_PROFILE": "openai", "CHAT_KEY": SECRET}, []),
        ({"CHAT_PROFILE": "openai"}, ["holdfast.E015"]),
        ({"CHAT_PROFILE": "openai", "CHAT_KEY": f"{SECRET}\n"}, ["holdfast.E015"]),
        ({"CHAT_PROFILE": "openai", "CHAT_KEY": f"{SECRET}é"}, ["holdfast.E015"]),
        ({"CHAT_URL": "https://api.example.com/v1"}, ["holdfast.W011"]),
        (COMPATIBLE_CHAT, []),
        (COMPATIBLE_CHAT | {"CHAT_MODEL": ""}, ["holdfast.E016"]),
        (COMPATIBLE_CHAT | {"CHAT_MODEL": "x" * 65}, ["holdfast.E016"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": ""}, ["holdfast.E012"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": "ftp://127.0.0.1/"}, ["holdfast.E012"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": "file:///etc/passwd"}, ["holdfast.E012"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": "127.0.0.1:8000"}, ["holdfast.E012"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": "http://"}, ["holdfast.E012"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": "http://127.0.0.1:99999/"}, ["holdfast.E012"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": "http://[::1/"}, ["holdfast.E012"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": "http://127.0.0.1/a b"}, ["holdfast.E012"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": f"http://user:{SECRET}@127.0.0.1/"}, ["holdfast.E013"]),
        (COMPATIBLE_CHAT | {"PRIVATE_PROVIDERS": False}, ["holdfast.E014"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": "http://localhost:9", "PRIVATE_PROVIDERS": False}, ["holdfast.E014"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": "http://[::1]:9", "PRIVATE_PROVIDERS": False}, ["holdfast.E014"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": "http://2130706433/", "PRIVATE_PROVIDERS": False}, ["holdfast.E014"]),
        (COMPATIBLE_CHAT | {"CHAT_URL": "https://8.8.8.8/v1", "PRIVATE_PROVIDERS": False}, []),
        (COMPATIBLE_CHAT | {"CHAT_URL": "http://8.8.8.8/v1", "CHAT_KEY": SECRET}, ["holdfast.W012"]),
        (COMPATIBLE_CHAT | {"CHAT_KEY": SECRET}, []),
        ({"MCP_URL": "http://127.0.0.1:9/mcp"}, ["holdfast.E017"]),
        ({"MCP_URL": "mcp://127.0.0.1:9/", "MCP_TOOL": "t"}, ["holdfast.E012"]),
        ({"EXTRACTOR": "gpt"}, ["holdfast.E018"]),
        ({"EXTRACTOR": "mcp"}, ["holdfast.E018"]),
        ({"EXTRACTOR": "chat"}, ["holdfast.E019"]),
        ({"SUMMARIZER": "mcp"}, ["holdfast.E019"]),
        ({"JUDGE": "local"}, ["holdfast.E018"]),
        ({"JUDGE": "chat"}, ["holdfast.E019"]),
        ({"JUDGE": "off"}, []),
        (COMPATIBLE_CHAT | {"EXTRACTOR": "chat", "SUMMARIZER": "chat"}, []),
    ],
)
def test_settings_that_can_not_be_meant_are_refused_without_telling_a_key(
    settings: Settings, named: dict[str, Any], ids: list[str]
) -> None:
    for name, value in named.items():
        setattr(settings, f"HOLDFAST_{name}", value)
    found = check()
    assert [message.id for message in found] == ids
    assert all("HOLDFAST_" in str(message.msg) for message in found)
    assert all(SECRET not in f"{message.msg} {message.hint}" for message in found)


def test_a_process_that_starts_without_checks_refuses_them_too(settings: Settings) -> None:
    settings.HOLDFAST_CHAT_PROFILE = "openai"
    with pytest.raises(ImproperlyConfigured, match="HOLDFAST_CHAT_KEY"):
        configured.warm()
