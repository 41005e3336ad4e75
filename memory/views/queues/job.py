"""One job's page, and what somebody may do to jobs by hand: each asks for a reason first."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_http_methods, require_safe

from memory.errors import HoldfastError
from memory.jobs import change
from memory.jobs.delivery import hints
from memory.models import WAITING, Job, JobState, Priority
from memory.views.queues import board, listing
from memory.views.queues.page import refused
from memory.views.queues.story import steps
from monitoring import events
from monitoring.console import pages
from monitoring.console.pages import Answer, Fact, Question
from monitoring.formats import age, at, number, zone
from monitoring.models import Event

Verb = Callable[..., Job]

TEMPLATE: Final = "memory/job.html"
AT_ONCE: Final = 500  # dead jobs that one decision changes at most
RETRIED: Final = (JobState.DEAD, JobState.CANCELLED, JobState.FAILED)


@require_safe
@login_required
def job(request: HttpRequest, id: uuid.UUID) -> TemplateResponse:
    return pages.respond(request, TEMPLATE, _context(request, get_object_or_404(Job, pk=id)))


def _etag(request: HttpRequest, id: uuid.UUID) -> str | None:
    row = (
        Job.objects.filter(pk=id).values_list("state", "attempts", "lease_until", "available_at", "finished_at").first()
    )
    return pages.etag(request, "-".join(str(value) for value in row)) if row else None


@require_safe
@login_required
@cache_control(private=True, no_cache=True)
@condition(etag_func=_etag)
def job_live(request: HttpRequest, id: uuid.UUID) -> TemplateResponse:
    """What moves on the job's page; 304 while nothing did."""
    return TemplateResponse(request, f"{TEMPLATE}#live", _context(request, get_object_or_404(Job, pk=id)))


def _context(request: HttpRequest, job: Job) -> dict[str, Any]:
    now = timezone.now()
    may_read = request.user.has_perm("memory.view_job") or request.user.has_perm("memory.change_job")
    return {
        "row": listing.row(job, now=now),
        "job": job,
        "live": pages.live(request, "job", "job-live", is_exact=True, has_range=False, id=job.pk),
        "steps": steps(job, now=now),
        "payload": json.dumps(job.payload, indent=2, ensure_ascii=False) if may_read else "",
        "result": json.dumps(job.result, indent=2, ensure_ascii=False) if may_read and job.result is not None else "",
        "may_read": may_read,
        "can_retry": job.state in RETRIED,
        "can_cancel": job.state in WAITING,
        "can_discard": job.state == JobState.DEAD,
        "refused": refused(request),
    }


@require_http_methods(["GET", "POST"])
@login_required
@permission_required("memory.change_job", raise_exception=True)
def act(request: HttpRequest, id: uuid.UUID, action: str) -> HttpResponse:
    """Ask, then retry, cancel or discard the job."""
    about, verb, done = ACTS[action]
    job = get_object_or_404(Job, pk=id)
    answer = pages.ask(request, about(job))
    if not isinstance(answer, Answer):
        return answer
    try:
        changed = verb(job, actor=answer.actor, reason=answer.reason, now=timezone.now())
    except HoldfastError as error:
        return pages.refused(request, answer.back, f"Nothing was changed. {error}")
    board.changed()
    if changed.state == JobState.PENDING:
        hints.wake(Priority(changed.priority))
    return pages.done(request, answer.back, f"{listing.title(job.kind)} {done}")


@require_http_methods(["GET", "POST"])
@login_required
@permission_required("memory.change_job", raise_exception=True)
def change_dead(request: HttpRequest, action: str) -> HttpResponse:
    """Ask, then retry or discard the dead jobs, the oldest first, as many as one decision may change."""
    is_retry = action == "retry"
    jobs = list(Job.objects.filter(state=JobState.DEAD).defer(*listing.UNLOADED).order_by("pk")[:AT_ONCE])
    if not jobs:
        return pages.refused(request, reverse("queues"), "Nothing to do. No job is dead any more.")
    answer = pages.ask(request, _about_all(jobs, is_retry=is_retry))
    if not isinstance(answer, Answer):
        return answer
    verb = change.retry if is_retry else change.discard
    count = sum(_changes(verb, job, answer, timezone.now()) for job in jobs)
    board.changed()
    done = f"{number(count)} dead job{'' if count == 1 else 's'} {'retried' if is_retry else 'discarded'}"
    events.record(kind="jobs", text=done, at=timezone.now(), tone=Event.Tone.HAND, actor=answer.actor)
    for priority in {job.priority for job in jobs} if is_retry else ():
        hints.wake(Priority(priority))
    return pages.done(request, answer.back, f"{done}.")


def _about_retry(job: Job) -> Question:
    return Question(
        title="Retry the job",
        subject=_name(job),
        verb="Retry now",
        keep=f"Leave it {listing.word(job).lower()}",
        back=_page(job),
        about="It runs again with all its attempts, as soon as a worker is free.",
        facts=(*_facts(job), Fact("Attempts", "all again", f"{job.attempts} so far")),
        warning=_last_error(job),
        outlook=(("If it fails again", "backoff, then dead"), ("What it did before", "is not done twice")),
        icon="reset",
    )


def _about_cancel(job: Job) -> Question:
    return Question(
        title="Cancel the job",
        subject=_name(job),
        verb="Cancel job",
        keep="Keep it waiting",
        back=_page(job),
        about="It will not run. Others of the same user go on in their order.",
        facts=(*_facts(job), Fact("Work", "not done", "its effects are missing")),
        outlook=(("Undo", "retry it from its page"),),
        icon="x",
        is_danger=True,
    )


def _about_discard(job: Job) -> Question:
    return Question(
        title="Discard the dead letter",
        subject=_name(job),
        verb="Discard job",
        keep="Keep it",
        back=_page(job),
        about="It leaves the dead letters. What it should have done stays undone.",
        facts=(*_facts(job), Fact("Work", "given up", "after all its attempts")),
        warning=_last_error(job),
        outlook=(("Undo", "retry it from its page"), ("Kept", "until jobs of its age are pruned")),
        icon="forget",
        is_danger=True,
    )


def _about_all(jobs: list[Job], *, is_retry: bool) -> Question:
    count = len(jobs)
    many = f"{number(count)} dead job{'' if count == 1 else 's'}"
    kinds = sorted({listing.title(job.kind) for job in jobs})
    more = f" One decision changes {AT_ONCE} at most, the oldest first." if count == AT_ONCE else ""
    return Question(
        title=f"{'Retry' if is_retry else 'Discard'} {many}?",
        verb=f"{'Retry' if is_retry else 'Discard'} {many}",
        keep="Keep them",
        back=reverse("queues"),
        about=("They run again with all their attempts." if is_retry else "What they should have done stays undone.")
        + more,
        facts=(
            Fact("Jobs", number(count), "all dead now"),
            Fact("Users", number(len({job.user_id for job in jobs if job.user_id})), "whose work it is"),
            Fact("Kinds", number(len(kinds)), ", ".join(kinds[:2]) + (" and others" if len(kinds) > 2 else "")),
        ),
        outlook=(("If they fail again", "backoff, then dead"),)
        if is_retry
        else (("Undo", "retry each from its page"),),
        icon="reset" if is_retry else "forget",
        is_danger=not is_retry,
    )


def _changes(verb: Verb, job: Job, answer: Answer, now: datetime) -> bool:
    """False where somebody else was faster."""
    try:
        verb(job, actor=answer.actor, reason=answer.reason, now=now)
    except HoldfastError:
        return False
    return True


def _facts(job: Job) -> tuple[Fact, ...]:
    priority = Priority(job.priority).name.lower()
    waits = (timezone.now() - job.created_at).total_seconds()
    return (
        Fact("User", job.user_id or "none", f"{priority} priority"),
        Fact("Submitted", f"{age(waits)} ago", f"{at(job.created_at, '%d %b %H:%M')} {zone()}"),
    )


def _last_error(job: Job) -> str:
    return f"It failed with: {job.error}" if job.error else ""


def _name(job: Job) -> str:
    return f"{job.kind} {job.pk.hex[-8:]}"


def _page(job: Job) -> str:
    return reverse("job", kwargs={"id": job.pk})


ACTS: Final[dict[str, tuple[Callable[[Job], Question], Verb, str]]] = {
    "retry": (_about_retry, change.retry, "Retried: it waits for a free worker."),
    "cancel": (_about_cancel, change.cancel, "Cancelled: it will not run."),
    "discard": (_about_discard, change.discard, "Discarded: nobody waits for it any more."),
}
