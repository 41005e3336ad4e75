"""The drill feature-toggle-test: a change by the verb, and the time until each living process says that it has it."""

from __future__ import annotations

from functools import partial
from typing import Final

from django.utils import timezone

from flags import change, rollout, snapshot
from flags.health import sandbox
from flags.snapshot import Receipt
from monitoring.health.drills import Drill, require

UNIT: Final = "unit-0"
SEEN_S: Final = 5.0  # without Redis the poll of PostgreSQL needs so long
TARGET_MS: Final = 1000.0


def feature_toggle(drill: Drill) -> None:
    with drill.step("make a flag at 0 %") as step:
        name = sandbox.make(drill, percent=0)
        require(not rollout.is_on(name, UNIT), "It is on at 0 %.")
        step.detail = "no other flag is touched"
    waits_s, took_ms, counted = [], [], 0
    for wanted in (True, False):
        with drill.step(f"switch it {'on' if wanted else 'off'} for everyone") as step:
            sandbox.edit(drill, name, {"everyone": wanted})
            version = change.flagset().version
            waits_s.append(drill.wait(partial(_all_have, version), at_most_s=SEEN_S, otherwise=_who(version)))
            require(rollout.is_on(name, UNIT) is wanted, "This process evaluates it as it was before.")
            told = _receipts()
            counted = len(told)
            took_ms += [
                receipt.took_ms for receipt in told if receipt.version >= version and receipt.took_ms is not None
            ]
            step.detail = f"processes: {counted}, after {waits_s[-1] * 1000:.0f} ms" if told else "this process alone"
    if counted:
        drill.figure("processes that told", counted, "", 1, at_most=False)
    if took_ms:
        drill.figure("from the change to the slowest process", max(took_ms), "ms", TARGET_MS)
    drill.figure("until all had told", max(waits_s) * 1000, "ms", SEEN_S * 1000)


def _receipts() -> list[Receipt]:
    return snapshot.receipts(timezone.now())


def _all_have(version: int) -> bool:
    return all(receipt.version >= version for receipt in _receipts())


def _who(version: int) -> str:
    return (
        f"A process had not taken version {version} after {SEEN_S:g} s: the page Rollouts says which. "
        "One that was killed is waited for 15 s."
    )
