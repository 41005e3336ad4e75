"""Caches: what they do, and answers of models and tools that an application keeps in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import orjson
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from memory import caching
from memory.access import Caller
from memory.api.auth import caller
from memory.api.schemas import STORABLE, Id, In, OptionalId, Submitted
from memory.caching import stats
from memory.dedupe import guards
from memory.dedupe.normalise import normalise
from memory.errors import InvalidError, NotFoundError
from memory.jobs.delivery import hints
from memory.jobs.submit import submit
from memory.models import Scope
from memory.providers import configured
from memory.providers.base import Embedded
from monitoring.metrics import read

router = Router(tags=["caches"])

VALUE_BYTES = 256 * 1024
DAY_S = 86_400

Kept = Literal["response", "tool"]  # whose entries an application puts there itself
Scoped = Literal["context", "conversation", "response", "tool"]  # whose namespaces belong to workspaces
Range = Literal["15m", "1h", "6h", "24h", "7d"]


def _small(value: Any) -> Any:
    if (size := len(orjson.dumps(value))) > VALUE_BYTES:
        raise ValueError(f"must be at most {VALUE_BYTES:,} bytes as JSON, got {size:,}")
    return value


Value = Annotated[Any, AfterValidator(_small)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True), STORABLE]
Question = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True), STORABLE]
Namespace = Annotated[OptionalId, Query("", description="Yours to choose; '' is one, too.")]
Key = Annotated[Id, Query(description="What the value was kept under.")]


class UsedOut(Schema):
    namespace: str
    key: str
    uses: int


class CacheOut(Schema):
    """One cache of the installation in the span, and what lies in it of this workspace; null while Redis is away."""

    name: str
    title: str
    ttl_s: float
    stale_s: float
    hits: int
    misses: int
    stale: int
    similar: int
    vetoed: int
    errors: int
    evictions: int
    oversized: int
    bytes_raw: int
    bytes_stored: int
    hit_rate: float | None
    compression_ratio: float | None
    p50_ms: float | None
    p95_ms: float | None
    namespaces: int | None
    entries: int | None
    bytes: int | None
    is_estimate: bool
    top_namespaces: list[tuple[str, int]]
    top_keys: list[UsedOut]


class Caches(Schema):
    items: list[CacheOut]
    next: None = None


class EntryIn(In):
    """A value to keep. With a `question` (cache `response`), questions that mean the same find it, too."""

    namespace: OptionalId = ""
    key: Id
    value: Value
    ttl_s: Annotated[float, Field(ge=1, le=DAY_S)] | None = None
    tags: Annotated[list[Tag], Field(max_length=16)] = Field(default_factory=list)
    question: Question | None = None
    model: OptionalId = ""


class EntryOut(Schema):
    namespace: str
    key: str
    value: Any


class KeptOut(Schema):
    kept: bool


class SimilarIn(In):
    question: Question
    namespace: OptionalId = ""
    model: OptionalId = ""
    least: Annotated[float, Field(ge=0.5, le=1)] = 0.93


class SimilarOut(Schema):
    value: Any
    question: str
    similarity: float


class Invalidation(In):
    """What to drop: `keys` of a namespace, a `tag` (of a namespace, or wherever it is), a namespace, or everything."""

    namespace: OptionalId | None = None
    keys: Annotated[list[Id], Field(min_length=1, max_length=1000)] | None = None
    tag: Tag | None = None
    everything: bool = False

    @model_validator(mode="after")
    def _is_one_thing(self) -> Invalidation:
        if self.keys is not None and self.namespace is None:
            raise ValueError("keys need the namespace that they are in")
        chosen = [self.keys is not None, self.tag is not None, self.everything]
        if sum(chosen) > 1 or (self.everything and self.namespace is not None):
            raise ValueError("name one of keys, tag, or everything")
        if not any(chosen) and self.namespace is None:
            raise ValueError("name keys and their namespace, a tag, a namespace, or everything")
        return self


class Dropped(Schema):
    """How many there were; null where whole namespaces went, which are not counted."""

    dropped: int | None


class WarmIn(In):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


@router.get("", response=Caches, url_name="caches")
def list_caches(request: HttpRequest, range: Annotated[Range, Query("1h")] = "1h") -> dict[str, Any]:
    """All caches: what they did in the whole installation, and what lies in them of this workspace."""
    who, now = caller(request), timezone.now()
    return {"items": [_shown(name, who, range, now) for name in caching.CACHES]}


@router.get("/{cache}", response=CacheOut, url_name="cache")
def get_cache(request: HttpRequest, cache: str, range: Annotated[Range, Query("1h")] = "1h") -> dict[str, Any]:
    """One cache."""
    who = caller(request)
    return _shown(caching.cache_of(cache).policy.name, who, range, timezone.now())


@router.get("/{cache}/entry", response=EntryOut, url_name="cache_entry")
def get_entry(request: HttpRequest, cache: Kept, key: Key, namespace: Namespace = "") -> dict[str, Any]:
    """The value kept under a key; 404 when there is none, or not any more."""
    found = caching.CACHES[cache].get(_namespace(caller(request), namespace), key)
    if found is None:
        raise NotFoundError(f"The cache {cache} has no value under this key.")
    return {"namespace": namespace, "key": key, "value": _json(found)}


@router.put("/{cache}/entry", response=KeptOut, url_name="cache_entry")
def put_entry(request: HttpRequest, cache: Kept, body: EntryIn) -> dict[str, Any]:
    """Keep a value. `kept` is false when the cache can't take it now; that is no error, only a miss to come."""
    who = caller(request, Scope.WRITE)
    keep = caching.CACHES[cache].keep
    if body.question is not None:
        if cache != "response":
            raise InvalidError(("question", "only the cache response compares questions"))
        keep = _by_meaning(body.question, body.model)
    value = orjson.dumps(body.value)
    return {"kept": keep(_namespace(who, body.namespace), body.key, value, ttl_s=body.ttl_s, tags=body.tags)}


@router.post("/response/similar", response=SimilarOut, url_name="similar_answer")
def find_similar_answer(request: HttpRequest, body: SimilarIn) -> dict[str, Any]:
    """The answer kept for a question that means the same, for the same `model`; 404 when there is none.

    However near two questions are, one that differs in a number, a date, a negation, a name or who does what to whom
    is another question.
    """
    who = caller(request)
    embedded = _embedded(body.question)
    found = caching.find_similar(
        caching.RESPONSE,
        _namespace(who, body.namespace),
        question=body.question,
        vector=embedded.rows[0],
        model=_compared_by(body.model, embedded.model),
        veto=lambda a, b: bool(guards.fired(a, b)),
        least=body.least,
    )
    if found is None:
        raise NotFoundError("No answer is kept for a question that means the same.")
    return {"value": _json(found.value), "question": found.question, "similarity": round(found.similarity, 4)}


@router.post("/{cache}/invalidate", response=Dropped, url_name="invalidate_cache")
def invalidate_cache(request: HttpRequest, cache: Scoped, body: Invalidation) -> dict[str, Any]:
    """Drop entries of this workspace, and whatever is being made for them now. A user's id names the user's context
    and conversations."""
    who = caller(request, Scope.WRITE)
    chosen, scope = caching.CACHES[cache], str(who.workspace_id)
    namespace = None if body.namespace is None else _namespace(who, body.namespace)
    if body.everything:
        caching.forget_scope(chosen, scope)
    elif body.tag is not None:
        return {"dropped": caching.forget_tag(chosen, body.tag, scope=scope, namespace=namespace)}
    elif namespace is not None and body.keys is not None:
        return {"dropped": chosen.forget(namespace, *body.keys)}
    elif namespace is not None:
        chosen.forget_namespaces([namespace])
    return {"dropped": None}


@router.post("/{cache}/warm", response={202: Submitted}, url_name="warm_cache")
def warm_cache(request: HttpRequest, cache: str, body: WarmIn) -> Status[Any]:
    """Have the most used values of a cache made again in the background, those that are missing."""
    who = caller(request, Scope.WRITE)
    caching.cache_of(cache)
    job = submit(
        kind="warm_cache",
        workspace_id=who.workspace_id,
        user_id="",
        payload={"cache": cache, "limit": body.limit},
        key=cache,
        now=timezone.now(),
    )
    transaction.on_commit(partial(hints.wake, job.priority))
    return Status(202, {"job_id": job.pk})


def _namespace(who: Caller, namespace: str) -> str:
    return f"{who.workspace_id}:{namespace}"


def _by_meaning(question: str, model: str) -> Callable[..., bool]:
    """Keeps an answer under its question's vector, too."""
    embedded = _embedded(question)
    by = _compared_by(model, embedded.model)
    return partial(caching.keep_answer, caching.RESPONSE, question=question, vector=embedded.rows[0], model=by)


def _embedded(question: str) -> Embedded:
    """Without case and punctuation, which move a static embedding more than a word does."""
    return configured.standby().embed([normalise(question)])


def _compared_by(model: str, embedding_model: str) -> str:
    return f"{model}\n{embedding_model}"


def _json(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise NotFoundError("What is kept under this key is no JSON.") from None


def _shown(name: str, who: Caller, range_name: str, now: datetime) -> dict[str, Any]:
    cache, scope = caching.CACHES[name], f"{who.workspace_id}:"
    traffic = stats.traffic(name, read.span(range_name, now=now))
    held = stats.contents(cache, scope=scope)
    policy = cache.policy
    shown = {"name": name, "title": policy.title, "ttl_s": policy.ttl_s, "stale_s": policy.stale_s}
    shown |= asdict(traffic) | {"hit_rate": traffic.hit_rate, "compression_ratio": traffic.ratio}
    if held is None:
        return shown | dict.fromkeys(("namespaces", "entries", "bytes")) | _nothing()
    # without the workspace's id: the caller knows its own names only
    names = [(name.removeprefix(scope), uses) for name, uses in held.top_namespaces]
    keys = [{"namespace": u.namespace.removeprefix(scope), "key": u.key, "uses": u.uses} for u in held.top_keys]
    return shown | asdict(held) | {"top_namespaces": names, "top_keys": keys}


def _nothing() -> dict[str, Any]:
    return {"is_estimate": False, "top_namespaces": [], "top_keys": []}
