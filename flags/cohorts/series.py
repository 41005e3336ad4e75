"""The series of cohorts: latency and errors of each arm, second by second, which charts and alerts read.

Recorded by the courier's thread when it sums up, since two records cost a request more than all else of its cohorts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

from flags.bucketing import SPACE
from flags.cohorts.blob import Finished, once
from flags.snapshot import Compiled
from monitoring import metrics

SERIES_LIMIT: Final = 100  # flags with series of their own: a process has a thousand names for everything
LONGEST: Final = 100 - len("cohort.") - len(".exposed.errors")  # a flag's name that still makes a series' name
# the kinds of requests that have series over all flags: control's and exposed's
SPLIT_KINDS: Final = {"chat.response": ("chat.response.control", "chat.response.exposed")}

_series: dict[str, tuple[str, str]] = {}  # control's and exposed's, by flag


class Arms:
    """What one summing up adds to the series: seconds by series, and errors."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._errors: Counter[str] = Counter()

    def note(self, finished: Finished) -> None:
        """One request or job. One without an outcome adds nothing."""
        notes, seconds, failed, kind = finished
        if seconds is None:
            return
        for flag, _, _, is_exposed in notes if len(notes) == 1 else once(notes):
            names = _series.get(flag.name) or _named(flag)
            if names is not None:
                self._add(names[is_exposed], seconds, failed)
        of_kind = SPLIT_KINDS.get(kind)
        if of_kind is not None:
            arms = [note[3] for note in notes if 0 < note[0].threshold < SPACE and note[0].everyone is None]
            if arms:  # a flag that everybody has got splits nobody: it would make all requests exposed, for ever
                self._add(of_kind[True in arms], seconds, failed)

    def observe(self) -> None:
        for name, seconds in self._seconds.items():
            metrics.observe_all(name, seconds)
        for name, n in self._errors.items():
            metrics.count(f"{name}.errors", n)

    def _add(self, name: str, seconds: float, failed: bool) -> None:
        self._seconds[name].append(seconds)
        if failed:
            self._errors[name] += 1


def _named(flag: Compiled) -> tuple[str, str] | None:
    if flag.name not in _series and len(_series) < SERIES_LIMIT and len(flag.name) <= LONGEST:
        _series[flag.name] = (f"cohort.{flag.name}.control", f"cohort.{flag.name}.exposed")
    return _series.get(flag.name)
