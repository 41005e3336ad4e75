"""The console's pages that monitoring serves, and the doors in and out."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from monitoring.views import export
from monitoring.views.alerts import urls as alerts
from monitoring.views.audit import page as audit
from monitoring.views.breakers import page as breakers
from monitoring.views.events import page as events
from monitoring.views.latency import page as latency
from monitoring.views.overview import page as overview
from monitoring.views.palette import page as find
from monitoring.views.queries import page as queries
from monitoring.views.readiness import page as readiness
from monitoring.views.readiness import probes

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("overview/live/", overview.overview_live, name="overview-live"),
    path("alerts/", include(alerts)),
    path("latency/", latency.latency, name="latency"),
    path("latency/live/", latency.latency_live, name="latency-live"),
    path("breakers/", breakers.breakers, name="breakers"),
    path("breakers/live/", breakers.breakers_live, name="breakers-live"),
    path("breakers/panel/", breakers.breakers_panel, name="breakers-panel"),
    path("breakers/<path:name>/<slug:act>/", breakers.breaker_act, name="breaker-act"),
    path("queries/", queries.queries, name="queries"),
    path("queries/live/", queries.queries_live, name="queries-live"),
    path("queries/threshold/", queries.threshold, name="queries-threshold"),
    path("queries/<slug:fingerprint>/prove/<str:index>/", queries.prove, name="queries-prove"),
    path("events/", events.events, name="events"),
    path("events/live/", events.events_live, name="events-live"),
    path("audit/", audit.audit, name="audit"),
    path("audit/live/", audit.audit_live, name="audit-live"),
    path("find/", find.find, name="find"),
    path("find/list/", find.find_list, name="find-list"),
    path("metrics", export.metrics, name="metrics"),
    path("livez", probes.livez, name="livez"),
    path("readyz", probes.readyz, name="readyz"),
    path("readyz/<slug:check>", probes.readyz, name="readyz-check"),
    path("startupz", probes.startupz, name="startupz"),
    path("readiness/", readiness.readiness, name="readiness"),
    path("readiness/live/", readiness.readiness_live, name="readiness-live"),
    path("readiness/drills/<slug:name>/run/", readiness.drill_run, name="drill-run"),
    path("readiness/drills/<slug:name>/", readiness.drill, name="drill"),
    path("sign-in/", LoginView.as_view(template_name="sign_in.html", redirect_authenticated_user=True), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
]
