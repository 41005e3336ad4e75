"""The API of the caches: entries of a workspace, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from memory import caching
from memory.models import Job, Scope
from tests.memory.api.conftest import Api

pytestmark = pytest.mark.django_db


def put(api: Api, cache: str = "tool", **fields: Any) -> tuple[int, Any]:
    return api.call("PUT", f"caches/{cache}/entry", {"key": "k", "value": {"answer": 42}} | fields)


def get(api: Api, cache: str = "tool", key: str = "k", namespace: str = "") -> Any:
    status, body = api.get(f"caches/{cache}/entry?key={key}&namespace={namespace}")
    assert status in {200, 404}
    return body["value"] if status == 200 else None


def invalidate(api: Api, cache: str = "tool", **what: Any) -> tuple[int, Any]:
    return api.post(f"caches/{cache}/invalidate", what)


@pytest.mark.parametrize("value", [{"a": [1, None]}, "text: ü", 0, None, [], "x" * 100_000])
def test_a_value_comes_back_as_it_was_put(api: Api, value: Any) -> None:
    assert put(api, value=value) == (200, {"kept": True})
    status, body = api.get("caches/tool/entry?key=k")
    assert (status, body) == (200, {"namespace": "", "key": "k", "value": value})


def test_a_value_that_was_never_kept_is_not_found(api: Api) -> None:
    status, problem = api.get("caches/response/entry?key=k")
    assert status == 404
    assert "response" in problem["detail"]


def test_workspaces_caches_and_namespaces_do_not_see_each_other(make_api: Any) -> None:
    ours, theirs = make_api(), make_api()
    put(ours, namespace="a")
    assert get(ours, namespace="a") == {"answer": 42}
    assert get(theirs, namespace="a") is None
    assert get(ours, namespace="b") is None
    assert get(ours, "response", namespace="a") is None
    invalidate(theirs, everything=True)
    invalidate(theirs, namespace="a")
    assert get(ours, namespace="a") == {"answer": 42}


def test_entries_are_dropped_by_key_by_namespace_by_tag_and_all_at_once(api: Api) -> None:
    for namespace in ("a", "b"):
        for key in ("k", "l"):
            put(api, namespace=namespace, key=key, tags=["red"] if key == "k" else [])
    assert invalidate(api, namespace="a", keys=["l", "x"]) == (200, {"dropped": 1})
    assert invalidate(api, tag="red", namespace="a") == (200, {"dropped": 1})
    assert get(api, namespace="b") == {"answer": 42}
    assert invalidate(api, tag="red") == (200, {"dropped": 1})
    assert get(api, key="l", namespace="b") == {"answer": 42}
    assert invalidate(api, namespace="b") == (200, {"dropped": None})
    assert get(api, key="l", namespace="b") is None
    put(api)
    assert invalidate(api, everything=True) == (200, {"dropped": None})
    assert get(api) is None


def test_a_users_context_is_dropped_by_the_users_id(api: Api) -> None:
    workspace = api.workspace.pk
    looked = caching.look_up_context(workspace, "mara", "d")
    caching.keep_context(workspace, "mara", "d", b"{}", looked.version)
    assert invalidate(api, "context", namespace="mara")[0] == 200
    assert caching.peek_context(workspace, "mara", "d") is None


def test_an_answer_is_found_by_a_question_that_means_the_same_and_by_no_other(api: Api) -> None:
    put(api, "response", question="How many days of leave do I have in 2026?", model="m", value="25")
    status, found = api.post(
        "caches/response/similar", {"question": "how many days of leave do I have in 2026", "model": "m"}
    )
    assert (status, found["value"], found["question"]) == (200, "25", "How many days of leave do I have in 2026?")
    other = {"question": "How many days of leave do I have in 2027?", "model": "m"}
    assert api.post("caches/response/similar", other)[0] == 404
    same = {"question": "How many days of leave do I have in 2026?"}
    assert api.post("caches/response/similar", same | {"model": "n"})[0] == 404
    assert get(api, "response") == "25"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"value": "x" * (256 * 1024)}, "value"),
        ({"key": ""}, "key"),
        ({"key": "a\x00b"}, "key"),
        ({"ttl_s": 0}, "ttl_s"),
        ({"ttl_s": 100_000}, "ttl_s"),
        ({"tags": ["x" * 65]}, "tags.0"),
        ({"tags": [str(n) for n in range(17)]}, "tags"),
        ({"colour": "red"}, "colour"),
        ({"question": "Where?"}, "question"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_fields_name(api: Api, body: dict[str, Any], field: str) -> None:
    status, problem = put(api, **body)
    assert status == 422
    assert field in [fault["field"] for fault in problem["errors"]]


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"keys": ["k"]},
        {"namespace": "a", "keys": []},
        {"tag": "t", "everything": True},
        {"namespace": "a", "everything": True},
    ],
)
def test_an_invalidation_that_names_nothing_or_too_much_is_refused(api: Api, what: dict[str, Any]) -> None:
    assert invalidate(api, **what)[0] == 422


@pytest.mark.parametrize("cache", ["context", "embedding", "nonsense"])
def test_only_caches_of_applications_own_values_take_entries(api: Api, cache: str) -> None:
    status, problem = put(api, cache)
    assert status == 422
    assert "cache" in problem["detail"]


def test_a_key_that_may_only_read_changes_nothing(make_api: Any) -> None:
    reader = make_api(scope=Scope.READ)
    assert put(reader)[0] == 403
    assert invalidate(reader, everything=True)[0] == 403
    assert reader.post("caches/conversation/warm", {})[0] == 403
    assert reader.get("caches/tool/entry?key=k")[0] == 404
    assert reader.get("caches")[0] == 200


def test_the_list_shows_this_workspaces_part_under_its_own_names(make_api: Any) -> None:
    ours, theirs = make_api(), make_api()
    put(ours, namespace="a")
    put(theirs, namespace="secret")
    get(ours, namespace="a")
    get(theirs, namespace="secret")
    caching.TELLER.tell(now=caching.TOOL.clock())
    status, body = ours.get("caches?range=15m")
    assert status == 200
    shown = {cache["name"]: cache for cache in body["items"]}
    assert list(shown) == ["context", "conversation", "response", "tool", "embedding"]
    tool = shown["tool"]
    assert (tool["namespaces"], tool["entries"]) == (1, 1)
    assert tool["top_namespaces"] == [["a", 1]]
    assert tool["top_keys"] == [{"namespace": "a", "key": "k", "uses": 1}]
    assert ours.get("caches/tool")[1]["name"] == "tool"


def test_warming_is_a_job_and_once_is_enough(api: Api) -> None:
    status, first = api.post("caches/conversation/warm", {"limit": 10})
    again = api.post("caches/conversation/warm", {"limit": 10})[1]
    assert status == 202
    assert first == again
    assert Job.objects.get(pk=first["job_id"]).payload == {"cache": "conversation", "limit": 10}
    status, problem = api.post("caches/nonsense/warm", {})
    assert status == 422
    assert problem["errors"][0]["field"] == "cache"
