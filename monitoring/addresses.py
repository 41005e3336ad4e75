"""Which addresses a name has, looked up within a deadline, and which of them are private."""

from __future__ import annotations

import ipaddress
import socket
import threading
from concurrent.futures import Future
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Both carry an IPv4 address that the packet goes to in the end: RFC 6052 (NAT64) and RFC 3056 (6to4).
NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class UnknownHostError(OSError):
    """No address is known for a name, or none was found in time."""


def is_private(address: str) -> bool:
    """Whether an IP address leads anywhere but to the public internet: loopback, private, link-local, reserved."""
    seen = _seen_through(ipaddress.ip_address(address))
    return not seen.is_global or seen.is_multicast


def resolve(host: str, port: int, *, timeout_s: float) -> list[str]:
    """The IP addresses of a host, best first; an IP address is its own. Raises UnknownHostError.

    The resolver knows no timeout, so it is asked in a thread that is left alone when it takes too long.
    """
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    found: Future[list[str]] = Future()
    threading.Thread(target=_look_up, args=(host, port, found), daemon=True, name="resolve").start()
    try:
        return found.result(timeout=timeout_s)
    except TimeoutError:
        raise UnknownHostError(f"the name {host!r} was not resolved in time") from None


def _look_up(host: str, port: int, found: Future[list[str]]) -> None:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found.set_exception(UnknownHostError(f"the name {host!r} is not known"))
    else:
        found.set_result(list(dict.fromkeys(str(row[4][0]) for row in rows)))


def _seen_through(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that stands for it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
