"""The console's pages and fragments that flags serves."""

from __future__ import annotations

from django.urls import path

from flags import views

urlpatterns = [path("rollouts/panel/", views.rollouts_panel, name="rollouts-panel")]
