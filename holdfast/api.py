"""The one API: all groups of operations under /api/v1/."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from flags.api.cohorts import router as cohorts
from flags.api.flags import router as flags
from flags.api.flagset import router as flagset
from flags.api.plans import router as plans
from holdfast import problems
from memory.api import (
    acts,
    batch,
    caches,
    context,
    conversations,
    decisions,
    jobs,
    memories,
    messages,
    providers,
    searching,
    tuning,
)
from memory.api.auth import KeyAuth
from monitoring.api.alerts import router as alerts
from monitoring.api.audit import router as audit
from monitoring.api.breakers import router as breakers
from monitoring.api.events import router as events
from monitoring.api.metrics import router as metrics
from monitoring.api.queries import router as queries
from monitoring.api.readiness import router as readiness
from monitoring.api.summary import router as summary


class OrjsonParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        try:
            return orjson.loads(request.body)
        except orjson.JSONDecodeError as problem:
            raise HttpError(400, f"The body is not JSON: {problem}") from None


class OrjsonRenderer(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data, option=orjson.OPT_UTC_Z)


api = NinjaAPI(
    title="Holdfast",
    version=settings.HOLDFAST_VERSION,
    description="Memory for LLM chat applications: post messages, read context.",
    auth=KeyAuth(),
    parser=OrjsonParser(),
    renderer=OrjsonRenderer(),
    urls_namespace="api",
)
problems.register(api, body_limit=settings.HOLDFAST_BODY_LIMIT)
api.add_router("/conversations", conversations.router)
api.add_router("/context", context.router)
api.add_router("/memories", batch.router)
api.add_router("/memories", acts.router)  # first: its addresses could be memories' ids
api.add_router("/memories/search", searching.router)  # first: "search" is no memory's id
api.add_router("/memories", memories.router)
api.add_router("/decisions", decisions.router)
api.add_router("/review", decisions.review)
api.add_router("/messages", messages.router)
api.add_router("/jobs", jobs.router)
api.add_router("/settings", tuning.router)
api.add_router("/caches", caches.router)
api.add_router("/providers", providers.router)
api.add_router("/breakers", breakers)
api.add_router("/flags", flagset)  # first: its addresses could be flags' names
api.add_router("/flags", plans)
api.add_router("/flags", flags)
api.add_router("/flags", cohorts)
api.add_router("/alerts", alerts)
api.add_router("/queries", queries)
api.add_router("/events", events)
api.add_router("/audit", audit)
api.add_router("/metrics/summary", summary)
api.add_router("/metrics", metrics)
api.add_router("/readiness", readiness)
