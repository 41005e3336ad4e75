"""The console's pages and fragments that flags serves."""

from __future__ import annotations

from django.urls import path

from flags.views import panel

urlpatterns = [path("rollouts/panel/", panel.rollouts_panel, name="rollouts-panel")]
