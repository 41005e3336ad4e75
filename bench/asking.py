"""What an evaluation costs, beside waffle's own on the same model, and with a thousand flags; and the flags' page.

Waffle's is its unchanged code (`BaseModel.get`, then `AbstractBaseFlag.is_active`) on a flag of 50 % that has no other
condition, for a signed-in user without cookies, with its cache warm: three look-ups in the cache, and dice.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client, RequestFactory, override_settings
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from waffle.models import AbstractBaseFlag, BaseModel

from flags import rollout, snapshot
from flags.models import Flag, Unit
from flags.snapshot.load import load

ROUNDS, FAST, SLOW = 40, 500, 25  # calls a round: of ours, of what asks Redis
LIST, MANY, LOADS, VIEWS = 50, 1000, 7, 60
UNITS: Final = [f"user-{number}" for number in range(FAST)]
EVALUATION_US, TIMES, PAGE_MS = 10.0, 50, 75.0
OURS, DICT, LOCMEM, REDIS = "Holdfast: a share", "a dict look-up", "waffle on locmem", "waffle on Redis"
RULES: Final = [
    {"if": [{"attribute": "workspace", "operator": "in", "values": ["other"]}], "then": False},
    {"if": [{"attribute": "plan", "operator": "in", "values": ["gold", "team"]}], "then": True},
]
Row = Sequence[str]
Call = Callable[[str], object]


def prepare() -> None:
    now = timezone.now()
    Flag(name="bench-share", percent=Decimal(50)).save()
    Flag(name="bench-kill", everyone=False, percent=Decimal(50)).save()
    Flag(name="bench-needed", percent=Decimal(100), unit=Unit.WORKSPACE).save()
    needs: Any = ["bench-needed", "bench-share"]
    ruled = Flag(name="bench-ruled", percent=Decimal(50), rules=RULES, needs=needs, starts_at=now)
    ruled.save()
    ruled.overrides.create(unit="user-1", is_on=True, actor="bench", reason="For the benchmark.", at=now)
    snapshot.forget()


def evaluation() -> Iterator[Row]:
    known = snapshot.current().flags
    ruled = partial(rollout.is_on, "bench-ruled", workspace="w1", attributes={"plan": "free"})
    locmem = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    with override_settings(CACHES=settings.CACHES | {"locmem": locmem}):
        took = _timed(
            {
                DICT: (FAST, known.get),
                OURS: (FAST, partial(rollout.is_on, "bench-share")),
                "Holdfast: two flags needed, rules, override, schedule, share": (FAST, lambda unit: ruled(unit)),
                "Holdfast: killed": (FAST, partial(rollout.is_on, "bench-kill")),
                "Holdfast: a name that nobody knows": (FAST, partial(rollout.is_on, "bench-unknown")),
                "Holdfast: why (decide)": (FAST, partial(rollout.decide, "bench-share")),
                LOCMEM: (FAST, _waffle("locmem")),
                REDIS: (SLOW, _waffle("default")),
            }
        )
    bare = _at(took[DICT], 0.5)
    for name, times in took.items():
        p50, p99 = _at(times, 0.5), _at(times, 0.99)
        is_ours = name.startswith("Holdfast") and "why" not in name
        limit = (f"p99 < {EVALUATION_US:g}", _met(p99 < EVALUATION_US)) if is_ours else ("", "")
        yield name, f"{p50:.2f}", f"{p99:.2f}", f"{p50 / bare:.0f}", *limit
    times_faster = _at(took[REDIS], 0.5) / _at(took[OURS], 0.5)
    yield "waffle on Redis / ours", f"{times_faster:.0f} x", "", "", f">= {TIMES} x", _met(times_faster >= TIMES)
    on_locmem = _at(took[LOCMEM], 0.5) / _at(took[OURS], 0.5)
    yield "waffle on locmem / ours", f"{on_locmem:.0f} x", "", "", "", ""


def page() -> Iterator[Row]:
    """The console's list, in this process, as its reader asks for it the first time."""
    for number in range(LIST - Flag.objects.count()):
        Flag(name=f"bench-{number}", percent=Decimal(number), owner="bench", note="One of fifty.").save()
    try:
        url = reverse("rollouts")
    except NoReverseMatch:
        yield "rollouts: there is no such page yet", "", "", "", "skipped"
        return
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("bench-flags"))
    times = []
    for turn in range(VIEWS + 5):
        began = time.perf_counter()
        status = client.get(url).status_code
        if turn >= 5:
            times.append((time.perf_counter() - began) * 1000)
        assert status == 200, f"{url} answered {status}"
    times.sort()
    p95 = _at(times, 0.95)
    yield (
        f"{url}, {Flag.objects.count()} flags",
        f"{_at(times, 0.5):.1f}",
        f"{p95:.1f}",
        f"p95 < {PAGE_MS:g}",
        _met(p95 < PAGE_MS),
    )


def thousand() -> Iterator[Row]:
    rules: Any = RULES
    Flag.objects.bulk_create(
        Flag(name=f"many-{number}", percent=Decimal(number % 100), rules=rules if number % 4 == 0 else [])
        for number in range(MANY - Flag.objects.count())
    )
    loads = []
    for _ in range(LOADS):
        began = time.perf_counter()
        load()
        loads.append((time.perf_counter() - began) * 1000)
    yield f"reading it, p50 of {LOADS}", f"{_at(sorted(loads), 0.5):.0f} ms", "", ""
    tracemalloc.start()
    kept = load()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    yield "its memory in a process", f"{size / 1024:.0f} KiB ({size / len(kept.flags):.0f} B a flag)", "", ""
    snapshot.forget()
    snapshot.current()
    times = _timed({OURS: (FAST, partial(rollout.is_on, "bench-share"))})[OURS]
    p99 = _at(times, 0.99)
    what = f"p50 {_at(times, 0.5):.2f}, p99 {p99:.2f} µs"
    yield "one evaluation with it", what, f"p99 < {EVALUATION_US:g} µs", _met(p99 < EVALUATION_US)
    Flag.objects.filter(name__startswith="many-").delete()


def _waffle(cache: str) -> Call:
    """The stock evaluation, with its dice: what it would remember in the request is taken away again."""
    request = RequestFactory().get("/")
    request.user = User(username="mara", pk=1)
    get: Any = vars(BaseModel)["get"].__func__

    def ask(unit: str) -> object:
        request.__dict__.pop("waffles", None)
        return AbstractBaseFlag.is_active(get(Flag, "bench-share"), request)

    ask.__dict__["cache"] = cache
    return ask


def _timed(calls: dict[str, tuple[int, Call]]) -> dict[str, list[float]]:
    """Microseconds of each call, timed one by one, in turns, sorted. The timer's own 0.05 µs are in it."""
    took: dict[str, list[float]] = {name: [] for name in calls}
    clock = time.perf_counter_ns
    for _ in range(ROUNDS):
        for name, (times, call) in calls.items():
            with override_settings(WAFFLE_CACHE_NAME=getattr(call, "cache", "none")):
                call(UNITS[0])
                for unit in UNITS[:times]:
                    began = clock()
                    call(unit)
                    took[name].append((clock() - began) / 1000)
    return {name: sorted(times) for name, times in took.items()}


def _at(times: list[float], share: float) -> float:
    return times[int(share * (len(times) - 1))]


def _met(is_met: bool) -> str:
    return "met" if is_met else "missed"
