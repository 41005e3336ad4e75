"""The console's pages that memory serves."""

from __future__ import annotations

from django.urls import path, re_path

from memory.views import tuning
from memory.views.caches import page as caches
from memory.views.clusters import act
from memory.views.clusters import page as clusters
from memory.views.explain import page as explain
from memory.views.memories import page as memories
from memory.views.memories.acts import back, edit, forget, merge, split
from memory.views.providers import page as providers
from memory.views.queues import job, page
from memory.views.review import page as review

urlpatterns = [
    path("caches/", caches.caches, name="caches"),
    path("caches/live/", caches.caches_live, name="caches-live"),
    path("caches/<slug:name>/invalidate/", caches.invalidate, name="cache-invalidate"),
    path("caches/<slug:name>/warm/", caches.warm, name="cache-warm"),
    path("memories/", memories.memories, name="memories"),
    path("memories/list/", memories.memories_list, name="memories-list"),
    path("memories/review/", review.review, name="memories-review"),
    path("memories/review/<uuid:id>/<slug:as_>/", review.resolve, name="review-resolve"),
    path("memories/clusters/", clusters.clusters, name="memories-clusters"),
    path("memories/clusters/<slug:act>/", act.act, name="clusters-act"),
    path("memories/explain/", explain.explain, name="memories-explain"),
    path("memories/<uuid:id>/", memories.memory, name="memory"),
    path("memories/<uuid:id>/edit/", edit.edit, name="memory-edit"),
    path("memories/<uuid:id>/merge/", merge.merge, name="memory-merge"),
    path("memories/<uuid:id>/split/", split.split, name="memory-split"),
    path("memories/<uuid:id>/restore/", back.restore, name="memory-restore"),
    path("memories/<uuid:id>/forget/", forget.forget, name="memory-forget"),
    path("memories/decisions/<uuid:id>/undo/", back.undo, name="memory-undo"),
    path("providers/", providers.providers, name="providers"),
    path("providers/live/", providers.providers_live, name="providers-live"),
    path("queues/", page.queues, name="queues"),
    path("queues/live/", page.queues_live, name="queues-live"),
    path("queues/jobs/<uuid:id>/", job.job, name="job"),
    path("queues/jobs/<uuid:id>/live/", job.job_live, name="job-live"),
    path("queues/jobs/<uuid:id>/retry/", job.act, {"action": "retry"}, name="job-retry"),
    path("queues/jobs/<uuid:id>/cancel/", job.act, {"action": "cancel"}, name="job-cancel"),
    path("queues/jobs/<uuid:id>/discard/", job.act, {"action": "discard"}, name="job-discard"),
    path("settings/", tuning.choose, name="tuning-choose"),
    path("settings/<uuid:workspace>/", tuning.edit, name="tuning"),
    re_path(r"^queues/dead/(?P<action>retry|discard)/$", job.change_dead, name="dead-change"),
]
