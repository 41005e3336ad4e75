"""What the processing bench works off: messages of many users, as rows that wait."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from django.db import connection
from django.utils import timezone

from bench import ready as ready
from flags.models import Flag
from memory.dedupe.normalise import text_hash
from memory.dedupe.stored.candidates import Owner, Vectors
from memory.dedupe.stored.rows import Rows, Statement
from memory.jobs.kinds import PROCESS_MESSAGES
from memory.jobs.submit import submit_many
from memory.load.replay import turns
from memory.models import Cause, Conversation, Decision, Job, JobState, Memory, Message, Revision, Workspace
from memory.providers.local.embedder import LocalEmbedder
from memory.providers.local.tokens import estimate

KNOWN = 20  # memories that a user has before
CITIES = ("Leeds", "Ghent", "Oslo", "Porto", "Turin", "Graz", "Lyon", "Delft", "Split", "Cork")
THINGS = ("red bicycles", "green boats", "old maps", "brass lamps", "garden chairs", "drums", "tents", "chess sets")
_TURNS = [turn.message.content for turn in turns(now=timezone.now()) if turn.message.role == "user"]


def chat(random: random.Random) -> str:
    """What people say: four messages in ten have a fact."""
    return random.choice(_TURNS)


def facts(random: random.Random) -> str:
    """Each message states one fact, most of them new."""
    return f"I own {random.randrange(2, 400)} {random.choice(THINGS)} in {random.choice(CITIES)}."


SAID: dict[str, Callable[[random.Random], str]] = {"chat": chat, "facts": facts}


def set_flag(share: int) -> None:
    flag, _ = Flag.objects.get_or_create(name="batch_processing")
    flag.percent = share
    flag.everyone = None
    flag.save()


def pile_up(random: random.Random, *, what: str, users: int, most: int, posted: int) -> int:
    """Messages of new users, in jobs of 1 to `posted` messages; how many messages."""
    workspace = Workspace.objects.get()
    with connection.cursor() as cursor:
        tables = (Decision, Revision, Memory, Message, Conversation, Job)
        cursor.execute(f"TRUNCATE {', '.join(model._meta.db_table for model in tables)} CASCADE")
    name, now = f"{random.random()}", timezone.now()
    opened = [Conversation(workspace=workspace, user_id=f"{name}-{number}") for number in range(users)]
    messages, owners, payloads = [], [], []
    for conversation in opened:
        conversation.length = random.randint(1, most)
        places = iter(range(1, conversation.length + 1))
        while post := list(itertools.islice(places, random.randint(1, posted))):
            owners.append(conversation.user_id)
            payloads.append({"conversation": conversation.pk, "first": post[0], "last": post[-1]})
            for position in post:
                content = SAID[what](random)
                messages.append(
                    Message(workspace=workspace, conversation=conversation, position=position, role="user",
                            content=content, tokens=estimate(content), said_at=now)
                )  # fmt: skip
    # as they would be when users post by turns
    order = sorted(range(len(owners)), key=lambda _: random.random())
    Conversation.objects.bulk_create(opened)
    Message.objects.bulk_create(messages)
    _known(workspace, [conversation.user_id for conversation in opened], random)
    submit_many(
        kind=PROCESS_MESSAGES,
        workspace_id=workspace.pk,
        user_ids=[owners[place] for place in order],
        payloads=[payloads[place] for place in order],
        now=now,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does before long
    return len(messages)


def _known(workspace: Workspace, users: list[str], random: random.Random) -> None:
    """Memories that the users have from before."""
    statements = [
        Statement(f"Keeps {number} {random.choice(THINGS)} in {random.choice(CITIES)}", "other", 0.5, Cause.ADDED, "")
        for _ in users
        for number in range(400, 400 + KNOWN)
    ]  # fmt: skip
    embedder = LocalEmbedder()
    vectors = Vectors(embedder.embed([statement.text for statement in statements]), embedder.model)
    rows = Rows(vectors.model, timezone.now())
    for place, statement in enumerate(statements):
        owner = Owner(workspace.pk, users[place // KNOWN])
        rows.add(owner, statement, text_hash(statement.text), vectors.rows[place])
    rows.write()


def check(messages: int) -> None:
    """All of them were processed, none failed."""
    assert Message.objects.exclude(processed_at=None).count() == messages
    assert not Job.objects.exclude(state=JobState.SUCCEEDED).exists()
