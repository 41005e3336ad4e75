"""What the detail shows of one memory, read in a bounded number of queries however much there is about it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q
from django.urls import reverse

from flags import rollout
from flags.catalog import Entry
from flags.models import Unit
from memory import catalogue
from memory.models import Decision, Memory, Outcome, State
from memory.views.memories import words
from memory.views.memories.detail import past
from memory.views.memories.detail.erasure import Proof, proof
from memory.views.memories.detail.past import Text, Time
from memory.views.memories.detail.source import Quote, quotes
from memory.views.memories.detail.trace import Step, Trace, ids_in, steps, trace
from memory.views.memories.detail.use import Use, use
from memory.views.memories.listing.asked import Asked, as_uuid
from memory.views.memories.listing.find import UNLOADED
from monitoring.views.alerts.frame import Act

DECISIONS: Final = 20
LOADED: Final = tuple(name for name in UNLOADED if name != "metadata")
MAY_CHANGE, MAY_FORGET = "memory.change_memory", "memory.delete_memory"
REFUSED: Final = "Needs the permission to {} memories"


@dataclass(frozen=True, slots=True)
class Detail:
    """`why` is the decision that is shown in full, None where none is kept."""

    memory: Memory
    name: str
    state: str
    about: str
    user_href: str
    acts: list[Act]
    forget: Act
    why: Trace | None
    steps: list[Step]
    more_steps: bool
    texts: list[Text]
    older_texts: int
    times: list[Time]
    span: str
    quotes: list[Quote]
    use: Use
    variants: list[tuple[Entry, bool]]
    variants_href: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    proof: Proof | None = None
    refused: str = ""

    @property
    def alone(self) -> Step | None:
        """The only decision, where its trace says all that there is to say of it."""
        if len(self.steps) != 1 or self.why is None:
            return None
        step = self.steps[0]
        is_named = not step.other or any(line.id == step.other_id for line in self.why.lines)
        return step if is_named and not (step.undone or step.reason or step.waits) else None

    @property
    def is_forgotten(self) -> bool:
        return self.memory.state == State.FORGOTTEN


def find(id: uuid.UUID) -> Memory | None:
    """The memory with what the detail reads of it."""
    related = ("workspace", "source__conversation")
    return Memory.objects.select_related(*related).defer(*LOADED).filter(pk=id).first()


def detail(memory: Memory, asked: Asked, person: User | AnonymousUser, *, decision: str, now: datetime) -> Detail:
    """`decision` is the id of the one to show in full; without it, the latest that says most."""
    made = _decisions(memory)
    shown = _shown(made[:DECISIONS], decision)
    candidates = Memory.objects.filter(pk__in=ids_in(shown)).only("text", "state").in_bulk() if shown else {}
    texts, older = past.texts(memory, now)
    used = use(memory, now)
    refused = _refused(person, MAY_CHANGE, "change")
    gone = "Its text is erased" if memory.state == State.FORGOTTEN else ""
    return Detail(
        memory=memory,
        name=words.short(memory.pk),
        state=State(memory.state).label,
        about=_about(memory, texts, used, now),
        user_href=asked.url(user=memory.user_id, workspace=_named(memory, asked), q=""),
        acts=_acts(memory, refused),
        forget=_forget(memory, _refused(person, MAY_FORGET, "delete")),
        why=trace(shown, memory, candidates, now) if shown else None,
        steps=steps(made[:DECISIONS], memory, shown, now),
        more_steps=len(made) > DECISIONS,
        texts=texts,
        older_texts=older,
        times=past.times(memory, now),
        span=past.span(memory, now),
        quotes=quotes(memory, made[:DECISIONS], now, may_read=person.has_perm("memory.view_conversation")),
        use=used,
        facts=_facts(memory, now),
        proof=proof(memory, now),
        refused=refused or gone,
        **_variants(memory),
    )


def _decisions(memory: Memory) -> list[Decision]:
    """The latest about it, whichever side it was on, and one more to know whether there are older ones."""
    about = Decision.objects.filter(Q(memory=memory) | Q(other=memory))
    return list(about.select_related("message__conversation").order_by("-pk")[: DECISIONS + 1])


def _shown(made: list[Decision], wanted: str) -> Decision | None:
    """The one that is asked for; else the latest that says more than that the fact was said again."""
    id = as_uuid(wanted)
    chosen = next((one for one in made if one.pk == id), None)
    telling = (one for one in made if one.outcome != Outcome.DUPLICATE and not one.undone_at)
    return chosen or next(telling, None) or (made[0] if made else None)


def _about(memory: Memory, texts: list[Text], used: Use, now: datetime) -> str:
    """learned 11 Nov, revised 14:12 today, served 37 times"""
    said = [f"learned {_when(memory.created_at, now)}"]
    if memory.version > 1 and texts:
        said.append(f"revised {_when(memory.updated_at, now)}")
    if memory.state == State.FORGOTTEN:
        return ", ".join(said)
    return ", ".join([*said, used.said])


def _when(then: datetime, now: datetime) -> str:
    moment = words.moment(then, now)
    return f"{moment} today" if ":" in moment else moment


def _named(memory: Memory, asked: Asked) -> str:
    """The workspace stays in the address only where it was chosen."""
    return memory.workspace.name if asked.workspace else ""


def _refused(person: User | AnonymousUser, permission: str, verb: str) -> str:
    return "" if person.has_perm(permission) else REFUSED.format(verb)


def _acts(memory: Memory, refused: str) -> list[Act]:
    """The four that change a text; each that can't be done now says why."""
    state = State(memory.state)
    gone = "Its text is erased" if state == State.FORGOTTEN else ""
    resting = "" if state == State.ACTIVE else gone or f"It is {state.label.lower()}: restore it first"
    restorable = gone or ("It is active: there is nothing to restore" if state == State.ACTIVE else "")
    return [
        _act("edit", "Edit", "edit", memory, refused or gone),
        _act("merge", "Merge with", "merge", memory, refused or resting),
        _act("split", "Split", "split", memory, refused or resting),
        _act("restore", "Restore", "restore", memory, refused or restorable),
    ]


def _forget(memory: Memory, refused: str) -> Act:
    gone = "It is forgotten already" if memory.state == State.FORGOTTEN else ""
    return _act("forget", "Forget", "forget", memory, refused or gone, look="danger")


def _act(key: str, word: str, icon: str, memory: Memory, refused: str, look: str = "") -> Act:
    return Act(key, word, icon, reverse(f"memory-{key}", args=[memory.pk]), refused, look)


def _facts(memory: Memory, now: datetime) -> list[tuple[str, str]]:
    """What is set and not said elsewhere."""
    scope = (("Agent", memory.agent_id), ("App", memory.app_id), ("Run", memory.run_id))
    expires = words.exactly(memory.expires_at, now) if memory.expires_at else ""
    facts = (("Workspace", memory.workspace.name), *scope, ("Expires", expires), ("Vector by", memory.embedding_model))
    more = [(key[:40], str(value)[:120]) for key, value in list(memory.metadata.items())[:12]]
    return [fact for fact in (*facts, *more) if fact[1]]


def _variants(memory: Memory) -> Mapping[str, Any]:
    """What this memory's user gets."""
    workspace = str(memory.workspace_id)
    asked = [entry for entry in catalogue.ALL if entry.unit is Unit.USER]
    got = [(entry, rollout.is_on(entry.name, memory.user_id, workspace=workspace)) for entry in asked]
    query = urlencode({"unit": memory.user_id, "workspace": workspace})
    return {"variants": got, "variants_href": f"{reverse('rollouts-unit')}?{query}"}
