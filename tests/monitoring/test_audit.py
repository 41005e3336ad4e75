from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, transaction
from django.test import Client
from django.utils import timezone

from memory import remember
from memory.jobs import change
from memory.models import Job, JobState, Scope
from monitoring import audit, breakers
from monitoring.models import AuditEntry
from monitoring.views.audit import page as door
from monitoring.views.audit.diff import changes, parts
from tests.make import make_key, make_memory, make_workspace

NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)


@pytest.fixture
def ops(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("ops"))
    return client


def write(**given: Any) -> AuditEntry:
    of = {"actor": "ops", "action": "flag.raise", "subject": "enhanced_prompts", "reason": "It holds"}
    return audit.record(**({"at": timezone.now()} | of | given))


@pytest.mark.django_db
def test_an_entry_keeps_what_differs_and_refuses_what_it_can_not_say() -> None:
    entry = write(before={"share": 10, "salt": "a"}, after={"share": 25, "salt": "a", "until": NOW}, at=NOW)
    assert (entry.before, entry.after) == ({"share": 10}, {"share": 25, "until": "2026-11-21T14:00:00Z"})
    long = write(subject="x" * 400, reason="why " * 400, after={"n": float("nan"), "deep": {"list": [{1}]}})
    assert (len(long.subject), len(long.reason)) == (300, 500)
    assert long.after == {"n": "nan", "deep": {"list": [[1]]}}
    for bad in ({"actor": ""}, {"action": "raise"}, {"action": "Flag.Raise"}, {"at": datetime(2026, 1, 1)}):  # noqa: DTZ001
        with pytest.raises(ValueError, match=r"entry|action"):
            write(**bad)


@pytest.mark.django_db
def test_the_log_can_not_be_rewritten_and_forgets_after_13_months() -> None:
    entry, old = write(), write(at=timezone.now() - timedelta(days=400))
    for verb in (lambda: AuditEntry.objects.update(actor="nobody"), lambda: entry.delete()):
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            verb()
    assert audit.prune(now=timezone.now()) == 1
    assert list(AuditEntry.objects.all()) == [entry]
    assert old.pk is not None


@pytest.mark.django_db
def test_what_people_change_is_written_with_who_and_why() -> None:
    memory = make_memory("Lives in Leeds")
    remember.forget(workspace_id=memory.workspace_id, memory_id=memory.pk, actor="ops", now=NOW, reason="She asked")
    job = Job.objects.create(workspace=memory.workspace, kind="process_messages", state=JobState.DEAD, available_at=NOW)
    change.discard(job, actor="ops", reason="It can't work", now=NOW)
    breakers.register("provider.audited", title="Audited", policy=breakers.Policy())
    breakers.force_open("provider.audited", actor="ops", reason="It is down.", until=NOW + timedelta(hours=1), now=NOW)
    breakers.end_override("provider.audited", actor="ops", reason="It is back.", now=NOW)
    found = {entry.action: entry for entry in AuditEntry.objects.all()}
    assert set(found) == {"memory.forget", "job.discard", "breaker.force", "breaker.end"}
    assert "Leeds" not in str([entry.__dict__ for entry in found.values()])
    assert found["memory.forget"].after == {"state": "forgotten", "revision": 2}
    assert (found["job.discard"].before, found["job.discard"].after) == ({"state": "dead"}, {"state": "cancelled"})
    assert found["breaker.force"].reason == "It is down."


@pytest.mark.django_db
def test_people_who_come_and_go_are_written_and_a_guesser_does_not_fill_the_log(client: Client) -> None:
    User.objects.create_user("ada", password="watch-and-wait")
    for _ in range(25):
        client.post("/sign-in/", {"username": "ada", "password": "wrong"})
    client.post("/sign-in/", {"username": "my-password", "password": ""})
    client.post("/sign-in/", {"username": "ada", "password": "watch-and-wait"})
    client.post("/sign-out/")
    said = list(AuditEntry.objects.order_by("pk").values_list("action", "actor"))
    refused = [one for one in said if one[0] == "session.refuse"]
    assert 20 <= len(refused) <= 25, "a minute may end in between"
    assert said[-2:] == [("session.sign_in", "ada"), ("session.sign_out", "ada")]
    assert "my-password" not in str(said)


def test_a_diff_is_word_by_word() -> None:
    assert [(part.kind, part.text) for part in parts("limit 10 % of users", "limit 25 % of users")] == [
        ("same", "limit "),
        ("gone", "10"),
        ("new", "25"),
        ("same", " % of users"),
    ]
    assert [part.kind for part in parts("abc", "xyz")] == ["gone", "new"]
    entry = AuditEntry(before={"on": True, "who": None}, after={"on": False, "who": "ops", "n": 3})
    assert [(one.field, [part.text for part in one.parts]) for one in changes(entry)] == [
        ("on", ["yes", "no"]),
        ("who", ["none", "ops"]),
        ("n", ["3"]),
    ]


def test_the_page_filters_pages_and_exports(ops: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in range(120):
        who = "ada" if count % 3 else "bob"
        write(subject=f"flag_{count % 2}", actor=who, before={"n": count}, after={"n": count + 1})
    write(action="alert.silence", subject="queue-depth", reason="=cmd() <b>noise</b>")
    first = ops.get("/audit/", {"text": "flag_1"})
    assert len(first.context["lines"]) == 50
    second = ops.get("/audit/", {"text": "flag_1", "after": first.context["next"]})
    assert len(second.context["lines"]) == 10
    assert second.context["next"] is None
    page = ops.get("/audit/", {"action": "alert"}).content.decode()
    assert "=cmd() &lt;b&gt;noise&lt;/b&gt;" in page
    assert "<del>" in ops.get("/audit/", {"actor": "bob"}).content.decode()
    assert "No entry fits" in ops.get("/audit/", {"actor": "eve"}).content.decode()
    assert ops.get("/audit/", {"after": "x"}).status_code == 404
    monkeypatch.setattr(door, "EXPORTED", 100)
    sent = ops.get("/audit/", {"csv": "audit", "action": "alert"})
    rows = list(csv.reader(io.StringIO(sent.getvalue().decode())))
    assert rows[0][:4] == ["time", "actor", "action", "subject"]
    assert rows[1][6] == "'=cmd() <b>noise</b>"
    cut = list(csv.reader(io.StringIO(ops.get("/audit/?csv=audit").getvalue().decode())))
    assert len(cut) == 102
    assert cut[-1] == ["Cut after 100 entries. Choose a shorter range or filter for the rest."]


def test_only_staff_look_at_the_log(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("reader"))
    assert client.get("/audit/").status_code == 403
    assert client.get("/audit/live/").status_code == 403
    assert "Audit log" not in client.get("/events/").content.decode()


@pytest.mark.django_db
def test_the_api_reads_the_log_with_an_admin_key(client: Client) -> None:
    workspace = make_workspace()
    keys = (make_key(workspace, name=scope, scope=scope) for scope in (Scope.ADMIN, Scope.READ))
    admin, reader = ({"Authorization": f"Bearer {key}"} for key in keys)
    for _ in range(3):
        write()
    page = client.get("/api/v1/audit?limit=2&action=flag", headers=admin).json()
    assert len(page["items"]) == 2
    rest = client.get(f"/api/v1/audit?cursor={page['next']}", headers=admin).json()
    assert (len(rest["items"]), rest["next"]) == (1, None)
    assert client.get(f"/api/v1/audit?cursor={workspace.pk}", headers=admin).status_code == 422
    assert client.get("/api/v1/audit", headers=reader).status_code == 403
    assert client.get("/api/v1/events?kind=flag", headers=reader).json() == {"items": [], "next": None}
