"""All URLs: the console and the probes at the root, the admin, the API, and the drills at their own paths."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from holdfast import problems
from holdfast.api import api
from holdfast.api_diagnostics import api as diagnostics
from holdfast.api_ofrep import api as ofrep

handler404 = problems.not_found
handler500 = problems.failed

urlpatterns = [
    path("api/v1/", api.urls),
    path("api/memory/", diagnostics.urls),
    path("ofrep/v1/", ofrep.urls),
    path("admin/", admin.site.urls),
    path("", include("monitoring.urls")),
    path("", include("flags.urls")),
    path("", include("memory.urls")),
]
