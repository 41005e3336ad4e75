"""A provider that can be broken on purpose: a real HTTP server with OpenAI's endpoints, real embeddings, and knobs."""

from __future__ import annotations

from memory.providers.simulator.knobs import KnobError, Knobs
from memory.providers.simulator.server import Simulator
from memory.providers.simulator.traffic import Fault, Seen

__all__ = ["Fault", "KnobError", "Knobs", "Seen", "Simulator"]
