"""Sums by unit and by arm: what a process sends each second, and what the aggregator adds up before it stores it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite, log
from typing import Any, Final

import orjson

from flags import bucketing
from flags.models import CohortMinute
from flags.snapshot import Compiled

KEY: Final = "flags:cohorts"  # the Redis list of blobs that are not stored yet
VERSION: Final = 1
UNITS_AT_ONCE: Final = 2_000  # in one blob: some 200 KB
UNIT_LENGTH, WORKSPACE_LENGTH = 200, 100  # as their columns
LEAST_MS, MOST_MS = 0.001, 1e9  # what a clock can have measured
SAMPLE: Final = ":sample"  # after the salt: who is in the sample has nothing to do with who is exposed

Note = tuple[Compiled, str, str, bool]  # flag, unit, workspace, is exposed
# notes, seconds (None: no outcome), whether it failed, and the kind of its scope
Finished = tuple[Sequence[Note], float | None, bool, str]
UnitKey = tuple[int, int, str]  # flag, version, unit
ArmKey = tuple[int, int, bool]  # flag, minute, is exposed
Share = tuple[str, str]  # percent, and what is drawn


class MalformedError(ValueError):
    """The bytes are not a blob of this version."""


@dataclass(slots=True)
class UnitSums:
    """One unit under one version; times in epoch seconds."""

    workspace: str
    is_exposed: bool
    is_mixed: bool
    first: int
    last: int
    requests: int = 0
    log_latency: float = 0.0
    log_latency_sq: float = 0.0
    slow: int = 0
    errors: int = 0

    def row(self) -> tuple[Any, ...]:
        arm = (self.workspace, self.is_exposed, self.is_mixed)
        sums = (self.requests, self.log_latency, self.log_latency_sq, self.slow, self.errors)
        return (*arm, *sums, self.first, self.last)

    def add(self, other: UnitSums) -> None:
        self.workspace = other.workspace or self.workspace
        self.is_mixed = self.is_mixed or other.is_mixed or self.is_exposed is not other.is_exposed
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.requests += other.requests
        self.log_latency += other.log_latency
        self.log_latency_sq += other.log_latency_sq
        self.slow += other.slow
        self.errors += other.errors


@dataclass(slots=True)
class ArmSums:
    """One arm of a flag in one minute."""

    requests: int = 0
    log_latency: float = 0.0
    slow: int = 0
    errors: int = 0
    failing: set[str] = field(default_factory=set)

    def row(self) -> tuple[Any, ...]:
        return self.requests, self.log_latency, self.slow, self.errors, sorted(self.failing)

    def add(self, other: ArmSums) -> None:
        self.requests += other.requests
        self.log_latency += other.log_latency
        self.slow += other.slow
        self.errors += other.errors
        self.failing |= set(sorted(other.failing)[: CohortMinute.FAILING - len(self.failing)])


@dataclass(slots=True)
class Tally:
    """All that was measured in a while."""

    units: dict[UnitKey, UnitSums] = field(default_factory=dict)
    arms: dict[ArmKey, ArmSums] = field(default_factory=dict)
    shares: dict[tuple[int, int], Share] = field(default_factory=dict)

    def note(self, finished: Finished, second: int) -> int:
        """Add one request's notes; how many had to be left out, for a unit that can't be stored."""
        notes, seconds, has_failed, _ = finished
        lost = 0
        ms = None if seconds is None or not isfinite(seconds) else float(min(max(seconds * 1000, LEAST_MS), MOST_MS))
        for flag, unit, workspace, is_exposed in notes if len(notes) == 1 else once(notes):
            one = self.units.get((flag.id, flag.version, unit))
            if one is None:
                # a unit's first note in this second: what is checked and told here holds for the others
                if not _is_storable(unit, UNIT_LENGTH):
                    lost += 1
                    continue
                one = self._unit(flag, unit, workspace, is_exposed, second)
            elif one.is_exposed is not is_exposed:
                one.is_mixed = True
            self._note(flag, unit, one, is_exposed, ms, bool(has_failed), second)
        return lost

    def _note(
        self,
        flag: Compiled,
        unit: str,
        one: UnitSums | None,
        is_exposed: bool,
        ms: float | None,
        failed: bool,
        second: int,
    ) -> None:
        place = (flag.id, second - second % 60, is_exposed)
        arm = self.arms.get(place)
        if arm is None:
            arm = self.arms[place] = ArmSums()
        if ms is None:
            return
        ln = log(ms)
        slow = ms > flag.slow_ms
        arm.requests += 1
        arm.log_latency += ln
        arm.slow += slow
        arm.errors += failed
        if failed and len(arm.failing) < CohortMinute.FAILING:
            arm.failing.add(unit)
        if one is not None:
            one.requests += 1
            one.log_latency += ln
            one.log_latency_sq += ln * ln
            one.slow += slow
            one.errors += failed

    def _know(self, flag: Compiled) -> None:
        if (flag.id, flag.version) not in self.shares:
            percent = flag.percent if flag.everyone is None else 100 if flag.everyone else 0
            self.shares[flag.id, flag.version] = (str(percent), f"{flag.unit}:{flag.salt}")

    def _unit(self, flag: Compiled, unit: str, workspace: str, is_exposed: bool, second: int) -> UnitSums | None:
        """Where this unit is summed from now on; None for one outside the sample."""
        self._know(flag)
        if flag.sampled < bucketing.SPACE and not is_sampled(flag.salt, unit, flag.sampled):
            return None
        known = workspace if _is_storable(workspace, WORKSPACE_LENGTH) else ""
        one = self.units[flag.id, flag.version, unit] = UnitSums(known, is_exposed, False, second, second)
        return one

    def add(self, other: Tally) -> None:
        for key, one in other.units.items():
            if (known := self.units.setdefault(key, one)) is not one:
                known.add(one)
        for place, arm in other.arms.items():
            self.arms.setdefault(place, ArmSums()).add(arm)
        for version, share in other.shares.items():
            self.shares.setdefault(version, share)

    def parts(self) -> Iterator[Tally]:
        """The same in pieces that make a blob each, with the arms in the first one."""
        keys = list(self.units)
        for start in range(0, max(len(keys), 1), UNITS_AT_ONCE):
            some = {key: self.units[key] for key in keys[start : start + UNITS_AT_ONCE]}
            yield Tally(some, {} if start else self.arms, self.shares)


def once(notes: Sequence[Note]) -> Sequence[Note]:
    """Without what was noted again: a unit counts once in a request, however often its flag is asked."""
    if len(notes) == 2 and notes[0][0] is not notes[1][0]:
        return notes
    return list({(note[0].id, note[1]): note for note in reversed(notes)}.values())[::-1]


@dataclass(frozen=True, slots=True)
class Blob:
    """`sequence` counts from 1 in each process; `second` is when it was made."""

    process: str
    sequence: int
    second: int
    tally: Tally

    def pack(self) -> bytes:
        units = [(*key, *one.row()) for key, one in self.tally.units.items()]
        arms = [(*key, *arm.row()) for key, arm in self.tally.arms.items()]
        shares = [(*version, *share) for version, share in self.tally.shares.items()]
        return orjson.dumps((VERSION, self.process, self.sequence, self.second, units, arms, shares))

    @classmethod
    def unpack(cls, packed: bytes) -> Blob:
        """Raises MalformedError for what `pack` did not make."""
        try:
            version, process, sequence, second, units, arms, shares = orjson.loads(packed)
            if version != VERSION:
                raise ValueError(f"its version is {version!r}")
            tally = Tally(
                {(flag, number, unit): _unit(*row) for flag, number, unit, *row in units},
                {(flag, minute, arm): _arm(*sums) for flag, minute, arm, *sums in arms},
                {(flag, number): (str(percent), str(draw)) for flag, number, percent, draw in shares},
            )
            return cls(str(process), int(sequence), int(second), tally)
        except (ValueError, TypeError) as problem:
            raise MalformedError(f"{packed[:60]!r} is not a blob of cohorts: {problem}") from problem


def is_sampled(salt: str, unit: str, below: int) -> bool:
    return bucketing.bucket(salt + SAMPLE, unit) < below


def _unit(
    workspace: str,
    is_exposed: bool,
    is_mixed: bool,
    requests: int,
    log_latency: float,
    log_latency_sq: float,
    slow: int,
    errors: int,
    first: int,
    last: int,
) -> UnitSums:
    """As `row` puts it."""
    return UnitSums(workspace, is_exposed, is_mixed, first, last, requests, log_latency, log_latency_sq, slow, errors)


def _arm(requests: int, log_latency: float, slow: int, errors: int, failing: list[str]) -> ArmSums:
    return ArmSums(requests, log_latency, slow, errors, set(failing))


def _is_storable(text: object, length: int) -> bool:
    """Whether PostgreSQL and JSON take it: text without NUL and halves of characters."""
    if not isinstance(text, str) or len(text) > length or "\0" in text:
        return False
    return text.isascii() or text.isprintable() or _is_whole(text)


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text)
