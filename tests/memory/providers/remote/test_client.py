"""What is sent, what is read, and what becomes of everything that goes wrong on the way."""

from __future__ import annotations

import gzip
import multiprocessing
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler

import pytest
from pytest_django.fixtures import Settings

from memory.providers.base import (
    ProviderBadAnswerError,
    ProviderCredentialsError,
    ProviderError,
    ProviderRateLimitedError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from memory.providers.guard import Deadline
from memory.providers.remote.http.client import ANSWER_LIMIT, Answer, Site
from memory.providers.remote.http.problems import problem_of, retry_after_s
from monitoring import addresses
from tests.memory.providers.remote.made import Asked, Says, Scripted

OK = Says(body={"fine": True})


def post(
    server: Scripted, body: dict[str, object] | None = None, *, timeout_s: float = 5.0, **fields: object
) -> Answer:
    site = Site(server.url, {"Authorization": "Bearer sk-test"}, **fields)  # type: ignore[arg-type]
    return site.post("/v1/things", body or {"text": "hello"}, Deadline(timeout_s))


def test_the_body_the_key_and_the_query_arrive() -> None:
    with Scripted(OK) as server:
        answer = post(server, {"text": "grüße"}, query={"api-version": "1"})
    assert answer.document == {"fine": True}
    assert server.asked[0].path == "/v1/things?api-version=1"
    assert server.asked[0].headers["Authorization"] == "Bearer sk-test"
    assert server.asked[0].document == {"text": "grüße"}
    assert answer.bytes_raw == answer.bytes_sent == len('{"text":"grüße"}'.encode())


def test_one_connection_serves_many_calls() -> None:
    with Scripted(OK) as server:
        for _ in range(5):
            post(server)
        assert server.connections == 1


def test_half_a_surrogate_pair_is_replaced_not_refused() -> None:
    with Scripted(OK) as server:
        post(server, {"text": "a\ud800b"})
    assert server.asked[0].document == {"text": "a?b"}


def test_only_bodies_over_the_threshold_are_gzipped() -> None:
    with Scripted(OK) as server:
        site = Site(server.url, {}, gzip_from=1000)
        small = site.post("", {"text": "x" * 100}, Deadline(5))
        large = site.post("", {"text": "x" * 5000}, Deadline(5))
    assert [asked.is_packed for asked in server.asked] == [False, True]
    assert small.bytes_sent == small.bytes_raw
    assert large.bytes_sent < large.bytes_raw / 10
    assert server.asked[1].document == {"text": "x" * 5000}


def test_an_endpoint_that_does_not_unpack_is_sent_plain_bodies_from_then_on() -> None:
    def picky(asked: Asked, _: BaseHTTPRequestHandler) -> Says:
        return Says(400, {"error": {"message": "can't parse"}}) if asked.is_packed else OK

    with Scripted(picky) as server:
        site = Site(server.url, {}, gzip_from=10)
        for _ in range(2):
            assert site.post("", {"text": "x" * 500}, Deadline(5)).document == {"fine": True}
    assert [asked.is_packed for asked in server.asked] == [True, False, False]


def test_an_endpoint_that_has_unpacked_before_is_believed_when_it_refuses() -> None:
    with Scripted(OK, Says(400)) as server:
        site = Site(server.url, {}, gzip_from=10)
        site.post("", {"text": "x" * 500}, Deadline(5))
        with pytest.raises(ProviderRefusedError):
            site.post("", {"text": "x" * 500}, Deadline(5))
    assert len(server.asked) == 2


def test_a_gzipped_answer_is_unpacked_and_another_packing_is_not_taken() -> None:
    packed = Says(body=gzip.compress(b'{"fine":true}'), headers={"Content-Encoding": "gzip"})
    odd = Says(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip, gzip"})
    with Scripted(packed, odd) as server:
        assert post(server).document == {"fine": True}
        with pytest.raises(ProviderBadAnswerError):
            post(server)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, ProviderRefusedError),
        (400, ProviderRefusedError),
        (401, ProviderCredentialsError),
        (402, ProviderCredentialsError),
        (403, ProviderCredentialsError),
        (404, ProviderRefusedError),
        (408, ProviderTimeoutError),
        (409, ProviderUnavailableError),
        (413, ProviderRefusedError),
        (422, ProviderRefusedError),
        (429, ProviderRateLimitedError),
        (500, ProviderUnavailableError),
        (503, ProviderUnavailableError),
        (529, ProviderUnavailableError),
    ],
)
def test_each_status_has_its_error(status: int, error: type[ProviderError]) -> None:
    says = Says(status, {"error": {"code": "some_code"}}, {"Location": "http://127.0.0.1:1/"})
    with Scripted(says) as server, pytest.raises(error, match=f"HTTP {status} .some_code.") as raised:
        post(server)
    assert raised.type is error


def test_an_account_without_money_is_a_matter_of_credentials_although_it_is_a_429() -> None:
    says = Says(429, {"error": {"code": "insufficient_quota"}})
    with Scripted(says) as server, pytest.raises(ProviderCredentialsError):
        post(server)


def test_an_errors_text_never_quotes_what_was_sent_or_answered() -> None:
    told = {"error": {"message": "Incorrect key sk-test, you said hello", "code": "bad key: sk-test"}}
    with Scripted(Says(401, told)) as server, pytest.raises(ProviderCredentialsError) as raised:
        post(server)
    assert "sk-test" not in str(raised.value)
    assert "hello" not in str(raised.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "9", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Fri, 07 Nov 2025 10:00:30 GMT", "date": "Fri, 07 Nov 2025 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 07 Nov 2025 09:00:00 GMT", "date": "Fri, 07 Nov 2025 10:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds
    limited = problem_of(429, headers)
    assert isinstance(limited, ProviderRateLimitedError)
    assert limited.retry_after_s == seconds


def test_a_date_without_the_answers_own_date_is_read_by_our_clock() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert retry_after_s({"retry-after": soon}) == pytest.approx(60, abs=2)


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b'{"half":', b"\xff\xfe", b"[" * 100_000])
def test_an_answer_that_is_no_json_object_is_a_bad_answer(body: bytes) -> None:
    with Scripted(Says(body=body)) as server, pytest.raises(ProviderBadAnswerError):
        post(server)


def test_a_cut_connection_is_unavailable() -> None:
    def cut(_: Asked, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"half":')

    with Scripted(cut) as server, pytest.raises(ProviderUnavailableError):
        post(server)


def test_nobody_at_the_address_is_unavailable() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        site = Site(f"http://127.0.0.1:{bound.getsockname()[1]}", {})
        with pytest.raises(ProviderUnavailableError):
            site.post("", {}, Deadline(2))


def test_a_name_that_nobody_knows_is_unavailable() -> None:
    with pytest.raises(ProviderUnavailableError):
        Site("http://no-such-host.invalid", {}).post("", {}, Deadline(3))


def test_a_drip_of_bytes_does_not_outlast_the_deadline() -> None:
    stop = threading.Event()

    def drip(_: Asked, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not stop.wait(0.02):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    with Scripted(drip) as server:
        began = time.monotonic()
        with pytest.raises(ProviderTimeoutError):
            post(server, timeout_s=0.3)
        took_s = time.monotonic() - began
        stop.set()
    assert took_s >= 0.3
    assert took_s < 3  # every read alone was answered within 20 ms: without a deadline this would never end


def test_a_drip_of_headers_does_not_outlast_the_deadline() -> None:
    stop = threading.Event()

    def drip(_: Asked, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not stop.wait(0.02):
            handler.wfile.write(b"X-More: 1\r\n")
            handler.wfile.flush()

    with Scripted(drip) as server:
        with pytest.raises(ProviderTimeoutError):
            post(server, timeout_s=0.2)
        stop.set()


def test_a_deadline_that_has_passed_asks_nobody() -> None:
    with Scripted(OK) as server:
        with pytest.raises(ProviderTimeoutError):
            post(server, timeout_s=0.0)
        assert server.asked == []


def test_an_answer_is_read_up_to_a_limit() -> None:
    bomb = Says(body=gzip.compress(b" " * (ANSWER_LIMIT + 1)), headers={"Content-Encoding": "gzip"})
    with Scripted(bomb) as server, pytest.raises(ProviderBadAnswerError, match="larger"):
        post(server)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # Python 3.12 and later
def test_a_forked_child_makes_connections_of_its_own() -> None:
    with Scripted(OK) as server:
        post(server)
        context = multiprocessing.get_context("fork")
        receiving, sending = context.Pipe(duplex=False)
        child = context.Process(target=lambda: sending.send(dict(post(server).document)))
        child.start()
        child.join(20)
        assert child.exitcode == 0
        assert receiving.recv() == {"fine": True}
        post(server)
        assert server.connections == 2


def test_a_private_address_is_refused_at_connect_time_where_it_is_forbidden(settings: Settings) -> None:
    settings.HOLDFAST_PRIVATE_PROVIDERS = False
    with Scripted(OK) as server:
        with pytest.raises(ProviderRefusedError, match="HOLDFAST_PRIVATE_PROVIDERS"):
            post(server)
        # by name as well: what counts is where the name leads
        site = Site(server.url.replace("127.0.0.1", "localhost"), {})
        with pytest.raises(ProviderRefusedError, match="HOLDFAST_PRIVATE_PROVIDERS"):
            site.post("", {}, Deadline(5))
        assert server.asked == []


def test_a_name_with_several_addresses_is_tried_until_somebody_is_there() -> None:
    with Scripted(OK) as server:
        site = Site(server.url.replace("127.0.0.1", "localhost"), {})
        assert site.post("", {"a": 1}, Deadline(5)).document == {"fine": True}


@pytest.mark.parametrize(
    ("address", "is_private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("192.168.0.1", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),
        ("224.0.0.1", True),
        ("::1", True),
        ("fe80::1", True),
        ("fc00::1", True),
        ("::ffff:10.0.0.1", True),
        ("64:ff9b::7f00:1", True),
        ("2002:7f00:1::", True),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("64:ff9b::808:808", False),
    ],
)
def test_private_is_whatever_leads_not_to_the_public_internet(address: str, is_private: bool) -> None:
    assert addresses.is_private(address) is is_private
