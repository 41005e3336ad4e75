"""The console's pages that monitoring serves, and the doors in and out."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from monitoring import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("overview/live/", views.overview_live, name="overview-live"),
    path("breakers/", views.breakers, name="breakers"),
    path("breakers/live/", views.breakers_live, name="breakers-live"),
    path("breakers/panel/", views.breakers_panel, name="breakers-panel"),
    path("breakers/<path:name>/<slug:act>/", views.breaker_act, name="breaker-act"),
    path("sign-in/", LoginView.as_view(template_name="sign_in.html", redirect_authenticated_user=True), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
]
