"""Certificates are checked against the host's name, although connections are made to its address."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from memory.providers.base import ProviderUnavailableError
from memory.providers.guard import Deadline
from memory.providers.remote.agent import McpAgent
from memory.providers.remote.http.client import Site
from memory.providers.remote.http.connect import tls
from memory.providers.simulator.answers import mcp
from tests.memory.providers.guard.made import make_guard
from tests.memory.providers.remote.made import Asked, Says, Scripted

NAME = "localhost"


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A server's certificate for `localhost`, which this process trusts for one test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = tmp_path / "certificate.pem", tmp_path / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    secret.write_bytes(encoded)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    tls.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    yield context
    tls.cache_clear()


def test_an_endpoint_with_the_right_certificate_is_asked(certified: ssl.SSLContext) -> None:
    with Scripted(Says(body={"fine": True}), tls=certified) as server:
        site = Site(server.url.replace("http://127.0.0.1", f"https://{NAME}"), {})
        for _ in range(2):
            assert site.post("", {"text": "x" * 200_000}, Deadline(5)).document == {"fine": True}
        assert server.connections == 1


def test_an_endpoint_by_another_name_is_not_asked(certified: ssl.SSLContext) -> None:
    with Scripted(Says(body={"fine": True}), tls=certified) as server:
        with pytest.raises(ProviderUnavailableError):
            Site(server.url.replace("http", "https"), {}).post("", {}, Deadline(5))
        assert server.asked == []


def test_the_agent_checks_the_hosts_name_too(certified: ssl.SSLContext) -> None:
    def answer(asked: Asked, _: BaseHTTPRequestHandler) -> Says:
        status, document = mcp.answer(asked.document)
        return Says(status, document or {}, {"Content-Type": "application/json"})

    with Scripted(answer, tls=certified) as server:
        arguments = {"messages": [{"role": "user", "content": "I moved to Lisbon in 2019."}]}
        for url, is_trusted in ((f"https://{NAME}", True), ("https://127.0.0.1", False)):
            address = server.url.replace("http://127.0.0.1", url)
            agent = McpAgent(url=address, tool="summarize", key="", guard=make_guard(attempts=1))
            if is_trusted:
                assert "Lisbon" in agent.call(arguments)
            else:
                with pytest.raises(ProviderUnavailableError):
                    agent.call(arguments)
