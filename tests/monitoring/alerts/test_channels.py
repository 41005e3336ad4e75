from __future__ import annotations

import hashlib
import hmac
import logging
from typing import Any

import pytest
from django.test import override_settings

from monitoring import addresses
from monitoring.alerts import RefusedError, channels
from monitoring.alerts.channels.wire import connect
from monitoring.alerts.channels.wire.seal import SealError, seal, unseal
from monitoring.models import AuditEntry, Channel
from tests.monitoring.alerts.made import make_rule
from tests.monitoring.alerts.receivers import mail_server, webhook
from tests.monitoring.blobs import NOON, moment

pytestmark = pytest.mark.django_db
NOW = moment(NOON)
BY: dict[str, Any] = {"actor": "ada", "reason": "new colleague", "now": NOW}
private = override_settings(HOLDFAST_PRIVATE_WEBHOOKS=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://10.1.2.3/x",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://[64:ff9b::7f00:1]/",
        "http://localhost/",
    ],
)
def test_a_webhook_into_this_network_is_refused_when_it_is_saved(url: str) -> None:
    with pytest.raises(RefusedError) as refused:
        channels.create(name="inside", kind="webhook", target=url, **BY)
    assert "has a private address, which HOLDFAST_PRIVATE_WEBHOOKS forbids" in str(refused.value.problems["target"])
    assert not Channel.objects.exists()


def test_and_again_when_it_is_called_since_a_name_can_change_its_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as hook:
        with private:
            channel = channels.create(name="hook", kind="webhook", target=hook.url, **BY)
        with pytest.raises(channels.DeliveryError, match="has a private address") as refused:
            channels.send(channel, {"id": "1"}, now=NOW)
        assert refused.value.is_permanent
        monkeypatch.setattr(connect, "resolve", lambda host, port, timeout_s: ["127.0.0.1"])
        with pytest.raises(connect.PrivateAddressError):
            connect.post("http://public.example/", b"{}", {})
        assert hook.got == []
    assert addresses.is_private("::ffff:10.0.0.1")


@private
def test_a_webhook_is_signed_so_that_its_receiver_can_tell() -> None:
    with webhook() as hook:
        channel = channels.create(name="hook", kind="webhook", target=hook.url, **BY)
        secret = channel.new_secret
        outcome = channels.test(channel.pk, actor="ada", now=NOW)
    assert (outcome.ok, outcome.answer) == (True, "127.0.0.1 answered 200")
    [got] = hook.got
    stamp, digest = (part.partition("=")[2] for part in got.headers["Holdfast-Signature"].split(","))
    assert stamp == str(NOON)
    assert digest == hmac.new(secret.encode(), f"{NOON}.".encode() + got.body, hashlib.sha256).hexdigest()
    assert got.path == "/alerts?token=hidden"
    assert got.json["about"] == "test"


@private
def test_the_test_button_says_what_went_wrong() -> None:
    with webhook() as hook:
        hook.answers = [403]
        channel = channels.create(name="hook", kind="slack", target=hook.url, **BY)
        assert channels.test(channel.pk, actor="ada", now=NOW).answer == "127.0.0.1 answered 403"
        assert "Holdfast can reach you" in hook.got[0].json["text"]
    outcome = channels.test(channel.pk, actor="ada", now=NOW)
    assert (outcome.ok, outcome.answer) == (False, "127.0.0.1 could not be reached: ConnectError")


@private
def test_a_receiver_that_redirects_is_not_followed() -> None:
    with webhook() as hook:
        hook.answers, hook.headers = [302], {"Location": "http://127.0.0.1:1/"}
        channel = channels.create(name="hook", kind="webhook", target=hook.url, **BY)
        assert channels.test(channel.pk, actor="ada", now=NOW).answer == "127.0.0.1 answered 302"


@private
def test_targets_and_secrets_are_sealed_and_never_shown_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with webhook() as hook:
        channel = channels.create(name="hook", kind="webhook", target=hook.url, secret="sesame-sesame-sesame", **BY)
        channels.test(channel.pk, actor="ada", now=NOW)
        hook.answers = [500]
        channels.test(channel.pk, actor="ada", now=NOW)
    stored = Channel.objects.values().get()
    told = repr(stored) + repr(list(AuditEntry.objects.values())) + caplog.text
    assert "hidden" not in told
    assert "sesame" not in told
    assert stored["shown"].startswith("http://127.0.0.1:")
    assert stored["shown"].endswith("/…")


def test_what_is_sealed_is_opened_by_the_old_key_too_and_by_no_other() -> None:
    with override_settings(SECRET_KEY="old"):
        sealed = seal("https://hooks.example/T0")
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):
        assert unseal(sealed) == "https://hooks.example/T0"
    with override_settings(SECRET_KEY="new"), pytest.raises(SealError, match="enter its target again"):
        unseal(sealed)


def test_mail_needs_a_server_and_real_addresses() -> None:
    with pytest.raises(RefusedError) as refused:
        channels.create(name="mail", kind="email", target="nobody", **BY)
    assert refused.value.problems["kind"].message == "HOLDFAST_EMAIL_URL names no mail server"
    assert "'nobody' is no e-mail address" in refused.value.problems["target"].message
    with mail_server() as box, override_settings(HOLDFAST_EMAIL_URL=box.url):
        channel = channels.create(name="mail", kind="email", target="ops@example.com", **BY)
        assert channels.test(channel.pk, actor="ada", now=NOW).ok
        assert box.mails[0]["Subject"] == "[test] Holdfast can reach you (local)"
        box.refuses = "550 nobody here"
        answer = channels.test(channel.pk, actor="ada", now=NOW).answer
    assert answer == "The server refused all addresses (550)"


@pytest.mark.parametrize("url", ["mail.example.com", "smtp://", "smtp://host:port", "smtp://[", "http://host/"])
def test_a_mail_server_that_makes_no_sense_is_told_at_start(url: str) -> None:
    assert channels.check() == []
    with override_settings(HOLDFAST_EMAIL_URL=url):
        assert [problem.id for problem in channels.check()] == ["holdfast.E061"]


def test_apprise_is_offered_where_it_is_installed_and_for_hosted_services_only() -> None:
    usable = {str(each.kind): each.why_not for each in channels.kinds()}
    assert usable["webhook"] == ""
    with pytest.raises(RefusedError) as refused:
        channels.create(name="chat", kind="apprise", target="json://10.0.0.1/", **BY)
    assert "begins with one of discord, gchat" in refused.value.problems["target"].message
    if usable["apprise"]:
        assert refused.value.problems["kind"].message == "the package apprise is not installed"


@private
def test_a_channel_is_changed_by_version_and_deleted_when_no_rule_names_it() -> None:
    channel = channels.create(name="hook", kind="webhook", target="http://127.0.0.1:9/a", **BY)
    changed = channels.change(channel.pk, version=1, target="http://127.0.0.1:8/b", is_enabled=False, **BY)
    assert (changed.version, changed.is_enabled, changed.shown) == (2, False, "http://127.0.0.1:8/…")
    rule = make_rule(channels=["hook"])
    with pytest.raises(RefusedError, match="the rules depth send to hook"):
        channels.delete(channel.pk, **BY)
    rule.delete()
    channels.delete(channel.pk, **BY)
    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == [
        *("channel.create", "channel.change"),
        "channel.delete",
    ]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "On Call"}, "name"),
        ({"kind": "pigeon"}, "kind"),
        ({"target": "ftp://example.com/"}, "target"),
        ({"target": "https://"}, "target"),
        ({"secret": "short"}, "secret"),
    ],
)
@private
def test_what_is_no_channel_is_refused(given: dict[str, str], field: str) -> None:
    with pytest.raises(RefusedError) as refused:
        channels.create(**{"name": "hook", "kind": "webhook", "target": "http://127.0.0.1/", **BY} | given)
    assert field in refused.value.problems
