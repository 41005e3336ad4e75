from __future__ import annotations

import re
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from memory.models import Decision, Job, Memory, Outcome, State, Tally, Workspace
from memory.views.clusters import walk
from monitoring.models import AuditEntry
from tests.make import make_memory, make_workspace
from tests.memory.views.memories_made import make_reader

pytestmark = pytest.mark.django_db
PAGE = "/memories/clusters/"
SAME = ("Lives in Leeds", "She lives in Leeds, near the canal")


def make_cluster(home: Workspace, *texts: str, user: str = "mara") -> list[Memory]:
    return [make_memory(text, home, user_id=user) for text in texts or SAME]


def act(client: Client, act: str, memories: list[Memory], **fields: str) -> str:
    home = memories[0].workspace_id
    sent = {"id": [str(memory.pk) for memory in memories], "workspace": str(home), "user": memories[0].user_id}
    answer = client.post(reverse("clusters-act", args=[act]), sent | fields, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def states(memories: list[Memory]) -> list[str]:
    return [Memory.objects.get(pk=memory.pk).state for memory in memories]


def test_memories_that_say_the_same_stand_together_and_the_richest_is_the_one_to_stay(admin_client: Client) -> None:
    poorer, richer = make_cluster(make_workspace())
    make_memory("Plays the cello", poorer.workspace)
    page = admin_client.get(PAGE).content.decode()
    checked = re.search(r'value="([-0-9a-f]{36})"\s+checked', page)
    assert checked is not None
    assert UUID(checked[1]) == richer.pk
    assert "2 memories say the same" in page
    assert "cello" not in page


def test_a_cluster_is_merged_into_the_one_that_was_chosen_and_that_can_be_undone(admin_client: Client) -> None:
    poorer, richer = make_cluster(make_workspace())
    page = act(admin_client, "merge", [richer, poorer], into=str(poorer.pk), reason="the canal is wrong")
    assert states([poorer, richer]) == [State.ACTIVE, State.MERGED]
    decision = Decision.objects.get(outcome=Outcome.MERGED)
    assert (decision.actor, decision.reason) == ("admin", "the canal is wrong")
    assert reverse("memory-undo", args=[decision.pk]) in page
    assert "No two say the same" in page


def test_what_is_kept_apart_is_offered_no_more(admin_client: Client) -> None:
    memories = make_cluster(make_workspace())
    page = act(admin_client, "apart", memories)
    assert states(memories) == [State.ACTIVE, State.ACTIVE]
    assert "No two say the same" in page
    assert Decision.objects.get().outcome == Outcome.KEPT_APART


def test_all_of_a_user_is_compared_in_the_background_by_one_job_at_a_time(admin_client: Client) -> None:
    memories = make_cluster(make_workspace())
    for _ in range(2):
        page = act(admin_client, "find", memories[:1], next=f"{PAGE}?user=mara")
    job = Job.objects.get(kind="dedupe")
    assert (job.user_id, job.payload) == ("mara", {"after": None})
    assert reverse("job", args=[job.pk]) in page
    assert AuditEntry.objects.filter(action="memory.dedupe", subject="mara", actor="admin").exists()


def test_an_act_that_is_refused_says_why_and_changes_nothing(admin_client: Client) -> None:
    memories = make_cluster(make_workspace())
    stranger = make_memory("Lives in Leeds", memories[0].workspace, user_id="noor")
    assert "user" in act(admin_client, "merge", [memories[0], stranger])
    assert "2 to 50 different memories" in act(admin_client, "merge", memories[:1])
    assert states([*memories, stranger]) == [State.ACTIVE] * 3


def test_who_may_only_read_sees_disabled_acts_and_cannot_act(client: Client) -> None:
    memories = make_cluster(make_workspace())
    client.force_login(make_reader())
    assert "Needs the permission to change memories" in client.get(PAGE).content.decode()
    sent = client.post(reverse("clusters-act", args=["merge"]), {"workspace": str(memories[0].workspace_id)})
    assert sent.status_code == 403


def test_no_act_without_a_token_by_get_or_by_another_name(admin_client: Client, admin_user: object) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin_user)  # type: ignore[arg-type]
    where = reverse("clusters-act", args=["merge"])
    assert strict.post(where).status_code == 403
    assert admin_client.get(where).status_code == 405
    assert admin_client.post(reverse("clusters-act", args=["forget"])).status_code == 404


def test_an_act_leads_nowhere_but_to_the_page(admin_client: Client) -> None:
    home = make_workspace()
    sent = admin_client.post(
        reverse("clusters-act", args=["find"]), {"workspace": str(home.pk), "user": "mara", "next": "//evil.example/"}
    )
    assert sent["Location"] == PAGE


def test_users_come_one_after_the_other_and_very_large_ones_are_left_to_the_background(admin_client: Client) -> None:
    home = make_workspace()
    for number in range(3):
        make_cluster(home, user=f"user-{number}")
    Tally.objects.create(workspace_id=home.pk, user_id="giant", active=walk.LARGE + 1)
    page = admin_client.get(PAGE).content.decode()
    assert "giant" in page
    assert "They are not compared here" in page
    assert page.count("2 memories say the same") == 3
    # a clock on which each user takes longer than anybody waits
    ticks = iter(range(0, 100, 10))
    first = walk.of_workspace(home.pk, after="", clock=lambda: float(next(ticks)))
    assert (first.large, first.groups, first.looked) == ([("giant", walk.LARGE + 1)], [], 1)
    second = walk.of_workspace(home.pk, after=first.after, clock=lambda: float(next(ticks)))
    assert [group.user_id for group in second.groups] == ["user-0"]


def test_a_user_is_looked_for_in_the_workspace_where_most_is_known(admin_client: Client) -> None:
    make_workspace(name="aa")
    make_cluster(make_workspace(name="bb"))
    assert "2 memories say the same" in admin_client.get(f"{PAGE}?user=mara").content.decode()
    assert "No two say the same" in admin_client.get(f"{PAGE}?user=mara&workspace=aa").content.decode()
    assert "There is no such workspace" in admin_client.get(f"{PAGE}?workspace=cc").content.decode()
    assert admin_client.get(f"{PAGE}?user=mara&cursor=nonsense").status_code == 200


def test_the_page_asks_as_often_for_one_cluster_as_for_eight(
    admin_client: Client, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    home = make_workspace()
    for city in ("Leeds", "Oslo", "Turin", "Porto", "Ghent", "Malmo", "Bonn", "Graz"):
        make_cluster(home, f"Visited {city} in May", f"She visited {city} in May with Ana")
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        page = admin_client.get(f"{PAGE}?user=mara").content.decode()
    assert page.count('class="panel cluster"') == 8
