"""The console's pages that memory serves."""

from __future__ import annotations

from django.urls import path, re_path

from memory.views.caches import page as caches
from memory.views.providers import page as providers
from memory.views.queues import job, page

urlpatterns = [
    path("caches/", caches.caches, name="caches"),
    path("caches/live/", caches.caches_live, name="caches-live"),
    path("caches/<slug:name>/invalidate/", caches.invalidate, name="cache-invalidate"),
    path("caches/<slug:name>/warm/", caches.warm, name="cache-warm"),
    path("providers/", providers.providers, name="providers"),
    path("providers/live/", providers.providers_live, name="providers-live"),
    path("queues/", page.queues, name="queues"),
    path("queues/live/", page.queues_live, name="queues-live"),
    path("queues/jobs/<uuid:id>/", job.job, name="job"),
    path("queues/jobs/<uuid:id>/live/", job.job_live, name="job-live"),
    path("queues/jobs/<uuid:id>/retry/", job.act, {"action": "retry"}, name="job-retry"),
    path("queues/jobs/<uuid:id>/cancel/", job.act, {"action": "cancel"}, name="job-cancel"),
    path("queues/jobs/<uuid:id>/discard/", job.act, {"action": "discard"}, name="job-discard"),
    re_path(r"^queues/dead/(?P<action>retry|discard)/$", job.change_dead, name="dead-change"),
]
