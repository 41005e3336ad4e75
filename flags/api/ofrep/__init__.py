"""OpenFeature's remote evaluation: any OpenFeature SDK asks these flags over HTTP.

Data flows through context (whom it is about) → limit (how often a key may ask) → evaluate.
"""

from __future__ import annotations

from flags.api.ofrep.context import ContextError
from flags.api.ofrep.evaluate import limit, router
from flags.api.ofrep.limit import TooOftenError

__all__ = ["ContextError", "TooOftenError", "limit", "router"]
