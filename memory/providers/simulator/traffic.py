"""What the simulated provider was asked and what it does to a request: knobs, draws and counts, for many threads."""

from __future__ import annotations

import random
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from memory.providers.simulator.knobs import Knobs

MOST_SEEN: Final = 1000


class Fault(StrEnum):
    """What happens to a request."""

    NONE = "none"
    WRONG_KEY = "wrong_key"
    RATE_LIMIT = "rate_limit"
    ERROR = "error"
    HANG = "hang"
    CUT = "cut"
    BAD_JSON = "bad_json"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came: `operation` is embeddings, chat, models or mcp; `document` its JSON after gunzipping.

    `bytes_sent` is the body's length on the wire, `bytes_raw` after gunzipping.
    """

    operation: str
    path: str
    fault: Fault
    headers: Mapping[str, str] = field(repr=False)
    document: Mapping[str, Any] = field(repr=False)
    bytes_raw: int
    bytes_sent: int


class Traffic:
    """The knobs and the counts of one simulated provider."""

    def __init__(self, knobs: Knobs, *, remembers: bool, seed: int | None = None) -> None:
        """`remembers`: keep the last 1000 requests, with what they said; a provider that is not a test's does not."""
        self.knobs = knobs
        self.seen: deque[Seen] = deque(maxlen=MOST_SEEN if remembers else 0)
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def turn(self, changes: Mapping[str, Any]) -> Knobs:
        """Turn some knobs; all as they are now. Raises KnobError and turns none."""
        with self._lock:
            self.knobs = self.knobs.changed(changes)
            return self.knobs

    def draw(self) -> tuple[Fault, float]:
        """What happens to the next request, and after how many seconds."""
        with self._lock:
            knobs = self.knobs
            delay_s = (knobs.latency_ms + knobs.jitter_ms * self._random.random()) / 1000
            return self._fault(knobs), delay_s

    def note(self, seen: Seen) -> None:
        """Count a request that came."""
        self.seen.append(seen)
        self.count("requests", f"{seen.operation}.requests", f"faults.{seen.fault}")
        self.count("bytes_raw", by=seen.bytes_raw)
        self.count("bytes_sent", by=seen.bytes_sent)

    def count(self, *names: str, by: int = 1) -> None:
        """Add to counts."""
        with self._lock:
            for name in names:
                self._counts[name] += by

    def stats(self) -> dict[str, Any]:
        """The knobs and all counts, for people and tests."""
        with self._lock:
            counts = dict(sorted(self._counts.items()))
            return {"knobs": asdict(self.knobs), "counts": counts}

    def _fault(self, knobs: Knobs) -> Fault:
        if knobs.wrong_key:
            return Fault.WRONG_KEY
        if knobs.fail_next:
            self.knobs = knobs.changed({"fail_next": knobs.fail_next - 1})
            return Fault.ERROR
        shares = (
            (Fault.RATE_LIMIT, knobs.rate_limit_rate),
            (Fault.ERROR, knobs.error_rate),
            (Fault.HANG, knobs.hang_rate),
            (Fault.CUT, knobs.cut_rate),
            (Fault.BAD_JSON, knobs.bad_json_rate),
        )
        return next((fault for fault, share in shares if self._random.random() < share), Fault.NONE)
