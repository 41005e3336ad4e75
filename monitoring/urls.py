"""The console's pages that monitoring serves, and the doors in and out."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from monitoring.views.breakers import page as breakers
from monitoring.views.overview import page as overview

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("overview/live/", overview.overview_live, name="overview-live"),
    path("breakers/", breakers.breakers, name="breakers"),
    path("breakers/live/", breakers.breakers_live, name="breakers-live"),
    path("breakers/panel/", breakers.breakers_panel, name="breakers-panel"),
    path("breakers/<path:name>/<slug:act>/", breakers.breaker_act, name="breaker-act"),
    path("sign-in/", LoginView.as_view(template_name="sign_in.html", redirect_authenticated_user=True), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
]
