"""The product's URLs and the bare endpoint: django-ninja with pydantic output and no I/O."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI, Schema

from holdfast.urls import urlpatterns as product

bare = NinjaAPI(urls_namespace="bare", docs_url=None, openapi_url=None)


class Hello(Schema):
    id: int
    name: str
    tags: list[str]


@bare.get("/hello", response=Hello)
def hello(request: HttpRequest) -> dict[str, object]:
    return {"id": 1, "name": "hello", "tags": ["a", "b", "c"]}


urlpatterns = [path("bare/", bare.urls), *product]
