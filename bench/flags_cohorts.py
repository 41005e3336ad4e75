"""What cohorts cost: noting an exposure, storing units, gathering them for the guard: `python -m bench.flags_cohorts`.

Part of `make bench-flags`. Calls are measured in processor time of one thread, chunks of all measures in turns; the
courier's own thread runs meanwhile, as in production. What PostgreSQL does is measured by the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import quantiles

from bench import server

CALLS, ROUNDS = 1_000, 60  # a chunk stays below what a courier keeps of a second
UNITS = 50_000  # of one flag and version: above, they are sampled
GATHERED_MS, LEAST_UNITS_S, MORE_US = 500.0, 5_000.0, 15.0
Row = tuple[str, str, str, str, str]
HEAD = ("what", "p50", "p99", "target", "")


def rows() -> Iterator[Row]:
    """Django is set up, and PostgreSQL and Redis are there."""
    from flags import snapshot
    from flags.models import Flag

    for name in ("bench-a", "bench-b"):
        Flag(name=name, percent=Decimal(50)).save()
    snapshot.forget()
    yield from _calls()
    yield from _stored()


def _calls() -> Iterator[Row]:
    from flags import cohorts, rollout
    from flags.cohorts import courier

    def bare() -> None:
        pass

    def asked() -> None:
        rollout.is_on("bench-a", "u1", workspace="w")
        rollout.is_on("bench-b", "u1", workspace="w")

    def noted() -> None:
        with cohorts.measured("chat.response"):
            cohorts.exposed("bench-a", "u1", workspace="w")
            cohorts.exposed("bench-b", "u1", workspace="w")

    def alone() -> None:
        rollout.is_on("bench-a", "u1", workspace="w")

    measures = {"nothing": bare, "is_on": alone, "two flags by is_on": asked, "measured, two exposed": noted}
    took: dict[str, list[float]] = {name: [] for name in (*measures, "exposed", "sum up and send, a request")}
    for _ in range(ROUNDS):
        for name, call in measures.items():
            took[name].append(_chunk(call))
        scope = cohorts.begin("chat.response")
        took["exposed"].append(_chunk(lambda: cohorts.exposed("bench-a", "u1", workspace="w")))
        cohorts.finish(scope, 0.1, False)
        began, waiting = time.thread_time(), len(courier._courier.waiting)
        assert cohorts.flush()
        if waiting:  # else the courier's own thread was faster
            took["sum up and send, a request"].append((time.thread_time() - began) / waiting * 1e6)
    for name, times in took.items():
        p50, p99 = _at(times)
        yield f"{name}, µs", f"{p50:.2f}", f"{p99:.2f}", "", ""
    more = _at(took["measured, two exposed"])[0] - _at(took["two flags by is_on"])[0]
    kept = "met" if more < MORE_US else "missed"
    yield "a request with two flags, more than without cohorts, µs", f"{more:.2f}", "", f"< {MORE_US:g}", kept


def _stored() -> Iterator[Row]:
    from flags.cohorts import read
    from flags.cohorts.blob import Blob, Tally
    from flags.cohorts.store import BATCH, store
    from flags.models import Flag, RolloutPlan
    from flags.snapshot import Compiled

    row = Flag.objects.get(name="bench-a")
    now = datetime.now(UTC).replace(microsecond=0)
    sequence = 0

    def measured(version: int, percent: int) -> float:
        """Units a second."""
        nonlocal sequence
        flag = Compiled(row.name, salt=row.salt, percent=Decimal(percent), version=version, id=row.pk)
        tally = Tally()
        for number in range(UNITS):
            tally.note(
                (((flag, f"user-{number:06}", "w", number % 100 < percent),), 0.1, False, ""), int(now.timestamp())
            )
        blobs = []
        for part in tally.parts():
            sequence += 1
            blobs.append(Blob("bench", sequence, int(now.timestamp()), part).pack())
        began = time.perf_counter()
        for first in range(0, len(blobs), BATCH):
            store([Blob.unpack(each) for each in blobs[first : first + BATCH]], now=now)
        return UNITS / (time.perf_counter() - began)

    for name, versions in (("new units stored a second", (1, 2, 3, 4)), ("known units stored a second", (2, 3, 4))):
        speed = min(measured(version, 10 * version) for version in versions)
        yield name, f"{speed:,.0f}", "", f"> {LEAST_UNITS_S:,.0f}", "met" if speed > LEAST_UNITS_S else "missed"
    plan = RolloutPlan(flag=row, began_version=2, flag_version=4, starts_at=now - timedelta(hours=1))
    reads: dict[str, Callable[[], object]] = {
        f"gathered, {UNITS:,} units in three strata and before, ms": lambda: read.gathered(plan, now=now),
        f"last hour of {UNITS:,} units in four versions, ms": lambda: read.last_hour(now),
        "recent, ms": lambda: read.recent(row.pk, now),
        "one unit, ms": lambda: read.unit(row.pk, "user-000007"),
    }
    for name, call in reads.items():
        times = [_once(call) * 1000 for _ in range(9)]
        p50, p99 = _at(times)
        yield name, f"{p50:.1f}", f"{p99:.1f}", f"< {GATHERED_MS:g}", "met" if p50 < GATHERED_MS else "missed"


def _chunk(call: Callable[[], object]) -> float:
    """Microseconds a call."""
    began = time.thread_time()
    for _ in range(CALLS):
        call()
    return (time.thread_time() - began) / CALLS * 1e6


def _once(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _at(times: list[float]) -> tuple[float, float]:
    """Median, and the 99th percentile of the chunks."""
    cuts = quantiles(times, n=100, method="inclusive")
    return cuts[49], cuts[98]


def main() -> None:
    with server.services():
        import bench.ready

        assert bench.ready
        print(f"| {' | '.join(HEAD)} |\n|{'|'.join('---' for _ in HEAD)}|")
        for row in rows():
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
