"""The console's pages and fragments that flags serves."""

from __future__ import annotations

from django.urls import path

from flags.views import page, panel, unit
from flags.views.acts import instant, second, settle
from flags.views.acts.form import delete
from flags.views.acts.form import page as form
from flags.views.acts.plan import start, steps
from flags.views.acts.share import page as share

urlpatterns = [
    path("rollouts/", page.rollouts, name="rollouts"),
    path("rollouts/live/", page.rollouts_live, name="rollouts-live"),
    path("rollouts/unit/", unit.rollouts_unit, name="rollouts-unit"),
    path("rollouts/panel/", panel.rollouts_panel, name="rollouts-panel"),
    path("rollouts/new/", form.rollout_new, name="rollout-new"),
    path("rollouts/freeze/", settle.rollouts_freeze, name="rollouts-freeze"),
    path("rollouts/guard/", settle.rollouts_guard, name="rollouts-guard"),
    path("rollouts/approval/", second.rollouts_approval, name="rollouts-approval"),
    path("rollouts/changes/<uuid:id>/undo/", instant.rollout_undo, name="rollout-undo"),
    path("rollouts/proposals/<uuid:id>/<slug:act>/", second.rollout_proposal, name="rollout-proposal"),
    path("rollouts/<str:name>/share/", share.rollout_share, name="rollout-share"),
    path("rollouts/<str:name>/kill/", instant.rollout_kill, name="rollout-kill"),
    path("rollouts/<str:name>/override/", instant.rollout_override, name="rollout-override"),
    path("rollouts/<str:name>/edit/", form.rollout_edit, name="rollout-edit"),
    path("rollouts/<str:name>/delete/", delete.rollout_delete, name="rollout-delete"),
    path("rollouts/<str:name>/plan/", start.rollout_plan, name="rollout-plan"),
    path("rollouts/<str:name>/plan/<slug:act>/", steps.rollout_act, name="rollout-act"),
    path("rollouts/<str:name>/unit/", unit.rollout_unit, name="rollout-unit"),
    # last: what is called as one of the paths above is opened by the page's own URL
    path("rollouts/<str:name>/", page.rollout_open, name="rollout-open"),
]
