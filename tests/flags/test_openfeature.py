"""OpenFeature's own SDK and its OFREP provider, unmodified, against this process and against /ofrep/v1/."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from openfeature.track import TrackingEventDetails
from pytest_django.live_server_helper import LiveServer

from flags import bucketing, cohorts, snapshot
from flags.api.ofrep import limit
from flags.models import Flag
from flags.openfeature import HoldfastProvider
from memory.models import Scope
from monitoring.metrics import record
from tests.flags.make import make_flag
from tests.make import make_key

WHO = EvaluationContext("user-7", {"plan": "pro"})
ON_PRO = [{"if": [{"attribute": "plan", "operator": "in", "values": ["pro"]}], "then": True}]


@pytest.fixture
def here() -> Iterator[OpenFeatureClient]:
    """A client of the provider in this process."""
    api.set_provider_and_wait(HoldfastProvider())
    yield api.get_client()
    api.clear_providers()


@pytest.fixture
def there(live_server: LiveServer) -> Iterator[OpenFeatureClient]:
    """A client of the OFREP provider, with a key that may read."""
    limit.forget()
    key = make_key(scope=Scope.READ)
    provider = OFREPProvider(live_server.url, headers_factory=lambda: {"Authorization": f"Bearer {key}"})
    api.set_provider_and_wait(provider)
    yield api.get_client()
    provider.session.close()
    api.clear_providers()


def asks_a_share_and_what_goes_wrong(client: OpenFeatureClient) -> None:
    flag = make_flag("dedup-v2", 50, salt="dedup-v2")
    make_flag("ruled", 0, rules=ON_PRO)
    make_flag("killed", 100, everyone=False)
    flag.refresh_from_db()
    told = client.get_boolean_details("dedup-v2", False, WHO)
    enters_at = float(bucketing.enters_at("dedup-v2", "user-7"))
    assert (told.value, told.variant) == (enters_at <= 50, "on" if enters_at <= 50 else "off")
    assert (told.reason, told.error_code) == (Reason.SPLIT, None)
    assert told.flag_metadata["flagVersion"] == flag.version
    assert told.flag_metadata["enters_at"] == enters_at
    assert told.flag_metadata["contextId"] == "user-7"
    ruled = client.get_boolean_details("ruled", False, WHO)
    assert (ruled.value, ruled.reason) == (True, Reason.TARGETING_MATCH)
    killed = client.get_boolean_details("killed", True, WHO)
    assert (killed.value, killed.reason) == (False, Reason.DISABLED)
    gone = client.get_boolean_details("nobody", True, WHO)
    assert (gone.value, gone.error_code, gone.reason) == (True, ErrorCode.FLAG_NOT_FOUND, Reason.ERROR)
    missing = client.get_boolean_details("dedup-v2", True)
    assert (missing.value, missing.error_code) == (True, ErrorCode.TARGETING_KEY_MISSING)
    assert "targetingKey" in str(missing.error_message)
    number = client.get_float_details("dedup-v2", 0.5, WHO)
    assert (number.value, number.error_code) == (0.5, ErrorCode.TYPE_MISMATCH)
    assert client.get_string_details("dedup-v2", "no", WHO).error_code is ErrorCode.TYPE_MISMATCH
    assert client.get_object_details("dedup-v2", {"a": 1}, WHO).value == {"a": 1}


@pytest.mark.django_db
def test_the_sdk_asks_in_the_process(here: OpenFeatureClient) -> None:
    asks_a_share_and_what_goes_wrong(here)
    assert here.get_integer_details("dedup-v2", 3, WHO).error_code is ErrorCode.TYPE_MISMATCH


@pytest.mark.django_db(transaction=True)
def test_the_sdk_asks_over_http(there: OpenFeatureClient) -> None:
    asks_a_share_and_what_goes_wrong(there)
    # that provider takes JSON's true for an integer, as Python does
    assert there.get_integer_details("killed", 3, WHO).value == 0


@pytest.mark.django_db(transaction=True)
def test_without_a_key_the_default_holds(live_server: LiveServer) -> None:
    make_flag("any", 100)
    provider = OFREPProvider(live_server.url)
    api.set_provider_and_wait(provider)
    told = api.get_client().get_boolean_details("any", False, WHO)
    provider.session.close()
    api.clear_providers()
    assert (told.value, told.error_code, told.error_message) == (False, ErrorCode.GENERAL, "unauthorized")


@pytest.mark.django_db(transaction=True)
def test_a_client_that_polls_all_flags_gets_304_until_one_changes(live_server: LiveServer) -> None:
    limit.forget()
    flag = make_flag("any", 0)
    headers = {"X-API-Key": make_key(scope=Scope.READ)}
    url, body = f"{live_server.url}/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "user-7"}}
    with httpx.Client(headers=headers) as client:
        tag = client.post(url, json=body).headers["ETag"]
        kept = client.post(url, json=body, headers={"If-None-Match": tag})
        assert (kept.status_code, kept.content) == (304, b"")
        Flag.objects.filter(pk=flag.pk).update(everyone=True)
        snapshot.forget()
        assert client.post(url, json=body, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.django_db
def test_listeners_hear_which_flags_changed(here: OpenFeatureClient) -> None:
    heard: list[EventDetails] = []
    is_heard = threading.Event()

    def hear(details: EventDetails) -> None:
        heard.append(details)
        is_heard.set()

    flag = make_flag("first", 0)
    make_flag("second", 0)
    here.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, hear)
    here.get_boolean_value("first", False, WHO)
    Flag.objects.filter(pk=flag.pk).update(percent=100)
    snapshot.forget()
    assert here.get_boolean_value("second", True, WHO) is False
    assert is_heard.wait(5)
    assert [details.flags_changed for details in heard] == [["first"]]
    here.remove_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, hear)


@pytest.mark.django_db
def test_what_is_tracked_is_counted_under_one_name(here: OpenFeatureClient) -> None:
    record.drain()
    here.track("bought", WHO, TrackingEventDetails(value=9.5))
    here.track("left")
    assert record.drain().counters["flags.tracked"] == 2


@pytest.mark.django_db
def test_what_is_asked_within_a_measured_request_is_noted_in_it(here: OpenFeatureClient) -> None:
    make_flag("split", 50)
    make_flag("ruled", 0, rules=ON_PRO)
    with cohorts.measured("a.request") as scope:
        here.get_boolean_value("split", False, WHO)
        here.get_boolean_value("ruled", False, WHO)
        here.get_boolean_value("nobody", False, WHO)
        assert [flag.name for flag, *_ in scope.noted] == ["split"]
