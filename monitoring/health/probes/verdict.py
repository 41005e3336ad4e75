"""The verdict that a probe asks for, and how it is written: plain text, or health+json.

Format: I. Nadareishvili, "Health Check Response Format for HTTP APIs", draft-inadarei-api-health-check-06.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from monitoring.health.probes import draining
from monitoring.health.probes.registry import Status
from monitoring.health.probes.runner import OLD_S, Finding, Runner

SERVICE: Final = "holdfast"
API_VERSION: Final = "1"
WORDS: Final = {Status.PASS: "ok", Status.WARN: "warn", Status.FAIL: "fail"}


class UnknownCheckError(LookupError):
    """No check of that name is registered."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """May it serve? `output` says why not; `notes` what is to be known besides."""

    status: Status
    description: str
    output: str = ""
    notes: Sequence[str] = ()
    findings: Sequence[Finding] = field(default_factory=tuple)

    @property
    def http_status(self) -> int:
        return 503 if self.status is Status.FAIL else 200

    def as_text(self, *, is_verbose: bool) -> str:
        """One word and the reason; in full a line for each check."""
        word = WORDS[self.status]
        first = f"{word}: {self.output}" if self.output else word
        if not is_verbose:
            return f"{first}\n"
        lines = [_line(finding) for finding in self.findings]
        return "\n".join([*lines, *self.notes, first]) + "\n"

    def as_json(self) -> dict[str, Any]:
        """health+json. `output` is left out where all is well."""
        body: dict[str, Any] = {
            "status": self.status.value,
            "version": API_VERSION,
            "releaseId": settings.HOLDFAST_VERSION,
            "serviceId": SERVICE,
            "description": self.description,
        }
        if self.notes:
            body["notes"] = list(self.notes)
        if self.output:
            body["output"] = self.output
        checks: dict[str, list[dict[str, Any]]] = {}
        for finding in self.findings:
            key = f"{finding.check.component}:{finding.check.measurement}"
            checks.setdefault(key, []).append(_check(finding))
        return body | ({"checks": checks} if checks else {})


def live() -> Verdict:
    """The process answers: that is all. A liveness probe restarts what fails, which mends no other service."""
    return Verdict(Status.PASS, "the process answers")


def ready(runner: Runner, *, exclude: Collection[str] = (), only: str = "") -> Verdict:
    """By the last findings: not while draining, before the first round, or when that was too long ago.

    Names to exclude that no check has are noted. Raises UnknownCheckError for an `only` that no check has.
    """
    findings = runner.findings
    if only and findings and only not in findings:
        raise UnknownCheckError(only)
    unknown = [name for name in exclude if findings and name not in findings]
    notes = [f"no check is called {name[:40]!r}" for name in unknown[:5]]
    chosen = [found for name, found in findings.items() if (not only or name == only) and name not in exclude]
    status, output = _judged(chosen, runner, has_run=bool(findings))
    if draining.is_draining() and not only:
        status, output = Status.FAIL, "draining: this process is about to stop"
    return Verdict(status, "whether this process may be sent requests", output, notes, chosen)


def started(runner: Runner) -> Verdict:
    """Fails until all required checks have passed once; never again afterwards."""
    if runner.has_passed_once:
        return Verdict(Status.PASS, "whether this process has started", findings=list(runner.findings.values()))
    verdict = ready(runner)
    output = verdict.output or "starting: not everything has passed yet"
    return Verdict(Status.FAIL, "whether this process has started", output, verdict.notes, verdict.findings)


def _judged(findings: Sequence[Finding], runner: Runner, *, has_run: bool) -> tuple[Status, str]:
    if not has_run:
        return Status.FAIL, "starting: no check has run yet"
    if not findings:
        return Status.PASS, ""
    if (age_s := runner.clock() - min(finding.monotonic for finding in findings)) > OLD_S:
        return Status.FAIL, f"the last checks ran {age_s:.0f} s ago: the thread that runs them is stuck"
    worst = max((finding.status for finding in findings), key=lambda status: status.rank)
    names = ", ".join(finding.check.name for finding in findings if finding.status is worst)
    return worst, "" if worst is Status.PASS else names


def _line(finding: Finding) -> str:
    sign = {Status.PASS: "[+]", Status.WARN: "[~]", Status.FAIL: "[-]"}[finding.status]
    said = f": {finding.output}" if finding.output else ""
    return f"{sign} {finding.check.name} {WORDS[finding.status]} ({_figure(finding)}){said}"


def _figure(finding: Finding) -> str:
    return f"{finding.value:.4g} {finding.unit}".strip()


def _check(finding: Finding) -> dict[str, Any]:
    told: dict[str, Any] = {
        "componentId": finding.check.name,
        "componentType": finding.check.kind,
        "observedValue": round(finding.value, 3),
        "observedUnit": finding.unit,
        "status": finding.status.value,
        "time": finding.at.isoformat().replace("+00:00", "Z"),
    }
    return told | ({"output": finding.output} if finding.output else {})
