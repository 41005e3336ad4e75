"""All URLs: the console at the root, the admin, the API, and whether the process lives."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from holdfast import problems
from holdfast.api import api


def livez(request: HttpRequest) -> HttpResponse:
    """200 while this process answers; asks no other service."""
    return HttpResponse("ok\n", content_type="text/plain")


handler404 = problems.not_found
handler500 = problems.failed

urlpatterns = [
    path("livez", livez, name="livez"),
    path("api/v1/", api.urls),
    path("admin/", admin.site.urls),
    path("", include("monitoring.urls")),
    path("", include("flags.urls")),
    path("", include("memory.urls")),
]
