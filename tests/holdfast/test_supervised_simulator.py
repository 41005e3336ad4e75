"""The simulated provider under `manage.py up`: when it is started, where, and who is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management.base import CommandError
from django.test import override_settings

from holdfast.management.commands.up import Command
from holdfast.supervisor import Options, plan, simulator
from holdfast.supervisor.claims import require_port
from holdfast.supervisor.errors import PortError
from memory.management.commands import provider_simulator
from memory.providers.local.embedder import LocalEmbedder
from memory.providers.simulator import Simulator
from memory.providers.simulator.answers import openai


@pytest.fixture
def no_providers(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no provider."""
    for name in [*simulator.NAMED_BY, "HOLDFAST_SIMULATOR_PORT"]:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    return monkeypatch


def options_of(*arguments: str) -> Options:
    command = Command()
    return command.chosen(**vars(command.create_parser("manage.py", "up").parse_args([*arguments])))


def test_it_is_started_at_a_free_port_and_asked_by_all_others(no_providers: pytest.MonkeyPatch) -> None:
    port = options_of().simulator_port
    assert port is not None
    require_port(simulator.LOOPBACK, port)
    told = simulator.variables(port)
    assert told["HOLDFAST_EMBEDDING_URL"] == told["HOLDFAST_CHAT_URL"] == f"http://127.0.0.1:{port}/v1"
    assert (told["HOLDFAST_EXTRACTOR"], told["HOLDFAST_SUMMARIZER"]) == ("chat", "chat")


def test_it_starts_before_all_others(tmp_path: Path) -> None:
    (early,) = plan.early_children(Options(base=tmp_path, folder=tmp_path, simulator_port=8901))
    assert (early.name, early.command[-1], early.is_restarted) == ("simulator", "8901", True)
    assert plan.early_children(Options(base=tmp_path, folder=tmp_path)) == []


def test_it_is_left_out_on_request(no_providers: pytest.MonkeyPatch) -> None:
    assert options_of("--no-simulator").simulator_port is None


@pytest.mark.parametrize(
    "named",
    ["HOLDFAST_CHAT_URL", "HOLDFAST_EMBEDDING_PROFILE", "HOLDFAST_CHAT_KEY_FILE", "HOLDFAST_MCP_URL"],
)
def test_it_is_left_out_where_the_environment_names_a_provider(no_providers: pytest.MonkeyPatch, named: str) -> None:
    no_providers.setenv(named, "something")
    assert options_of().simulator_port is None


def test_it_is_left_out_where_private_addresses_are_forbidden(no_providers: pytest.MonkeyPatch) -> None:
    with override_settings(HOLDFAST_PRIVATE_PROVIDERS=False):
        assert options_of().simulator_port is None


def test_its_port_can_be_chosen(no_providers: pytest.MonkeyPatch) -> None:
    no_providers.setenv("HOLDFAST_SIMULATOR_PORT", "8901")
    assert options_of().simulator_port == 8901


@pytest.mark.parametrize("port", ["abc", "0", "99999", "8000"])
def test_a_port_that_can_not_be_is_refused(no_providers: pytest.MonkeyPatch, port: str) -> None:
    no_providers.setenv("HOLDFAST_SIMULATOR_PORT", port)
    with pytest.raises(CommandError, match=f"HOLDFAST_SIMULATOR_PORT must be .*got '?{port}"):
        options_of("--port", "8000")


def test_a_port_in_use_is_named_with_its_setting() -> None:
    with Simulator() as running:
        port = int(running.url.rpartition(":")[2])
        with pytest.raises(PortError, match="choose another with HOLDFAST_SIMULATOR_PORT"):
            require_port(simulator.LOOPBACK, port, option="HOLDFAST_SIMULATOR_PORT")


def test_the_users_own_choice_goes_before_what_the_children_get() -> None:
    chosen = {"HOLDFAST_EXTRACTOR": "local"}
    told = simulator.variables(8901) | chosen
    assert told["HOLDFAST_EXTRACTOR"] == "local"
    assert not simulator.is_replaced(chosen)


def test_its_address_is_kept_while_it_runs(tmp_path: Path) -> None:
    note = tmp_path / simulator.NOTE
    with simulator.noted(tmp_path, 8901):
        assert note.read_text() == "http://127.0.0.1:8901\n"
    assert not note.exists()
    note.write_text("of a killed one")
    with simulator.noted(tmp_path, None):
        assert not note.exists()


def test_both_sides_call_its_models_and_its_note_alike() -> None:
    told = simulator.variables(8901)
    assert told["HOLDFAST_EMBEDDING_MODEL"] == openai.EMBEDDING_MODEL == LocalEmbedder.model
    assert told["HOLDFAST_CHAT_MODEL"] == openai.CHAT_MODEL
    assert simulator.NOTE == provider_simulator.NOTE


def test_the_welcome_says_how_to_break_it() -> None:
    said = simulator.welcome(8901)
    assert "http://127.0.0.1:8901" in said[0]
    assert "provider_simulator set --error-rate 1" in said[1]
    assert simulator.welcome(None) == []
