"""Prints what was measured as tables."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from bench.search.measure import Asked
from bench.search.store import Stored
from memory.search import Strategy

NEAR = 1.3  # times the best strategy: a choice that was right


def stored(of: Stored) -> None:
    print(f"{sum(of.users):,} memories of {len(of.users):,} users, the largest {of.users[0]:,}")
    print(f"written by COPY: {of.per_second:,.0f} rows/s, 0 of them in the vector index")
    print(f"the job puts {of.job_rows:,} rows of large scopes into it: {of.job_ms:.2f} ms a row")
    print(f"all {of.built_rows:,} at once: {of.built_s:.0f} s")
    print("MiB: " + ", ".join(f"{name} {size:,.0f}" for name, size in sorted(of.sizes.items())))


def measured(asked: Sequence[Asked]) -> None:
    _by_size(asked)
    _by_kind(asked)
    _choices(asked)


def _by_size(asked: Sequence[Asked]) -> None:
    """Plain questions: p50 and p95 of each strategy, and of search as it is."""
    by_size: dict[int, list[Asked]] = defaultdict(list)
    for one in asked:
        if not one.question.kind:
            by_size[one.size].append(one)
    print(f"\n{'memories':>10}{'questions':>11}{'search':>16}{'exact':>16}{'hnsw':>16}{'recall@10':>11}  chosen")
    for size, rows in sorted(by_size.items()):
        recalls = [row.recall for row in rows if row.recall is not None]
        recall = f"{statistics.mean(recalls):.3f}" if recalls else ""
        times = [_p50_p95([row.chosen_ms for row in rows])]
        times += [
            _p50_p95([row.ms[name] for row in rows if name in row.ms]) for name in (Strategy.EXACT, Strategy.HNSW)
        ]
        chosen = ", ".join(sorted({str(row.chosen) for row in rows}))
        print(f"{size:10,}{len(rows):11}{times[0]:>16}{times[1]:>16}{times[2]:>16}{recall:>11}  {chosen}")


def _by_kind(asked: Sequence[Asked]) -> None:
    """Questions to large scopes that more than one strategy can answer."""
    by_kind: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        if len(one.ms) > 1:
            by_kind[one.question.kind or "no filter"].append(one)
    print(f"\n{'':24}{'questions':>11}{'exact':>16}{'hnsw':>16}{'words':>16}{'recall@10':>11}")
    for kind, rows in by_kind.items():
        recalls = [row.recall for row in rows if row.recall is not None]
        times = [
            _p50_p95([row.ms[name] for row in rows if name in row.ms])
            for name in (Strategy.EXACT, Strategy.HNSW, Strategy.WORDS)
        ]
        recall = f"{statistics.mean(recalls):.3f}" if recalls else ""
        print(f"{kind:24}{len(rows):11}{times[0]:>16}{times[1]:>16}{times[2]:>16}{recall:>11}")


def _choices(asked: Sequence[Asked]) -> None:
    open_ones = [one for one in asked if len(one.ms) > 1]
    recalls = [one.recall for one in asked if one.recall is not None]
    if recalls:
        print(f"\nrecall@10 of the vector index: {statistics.mean(recalls):.3f}, least {min(recalls):.1f}")
    for name, rows in (("all questions", list(asked)), ("those with more than one strategy", open_ones)):
        if rows:
            right = sum(one.times_best <= NEAR for one in rows) / len(rows)
            worst = max(one.times_best for one in rows)
            print(f"the choice is within {NEAR} x the best in {right:.1%} of {len(rows)} ({name}); worst {worst:.1f} x")


def _p50_p95(times: Sequence[float]) -> str:
    if not times:
        return ""
    ordered = sorted(times)
    return f"{statistics.median(ordered):.1f} / {ordered[int(len(ordered) * 0.95)]:.1f}"
