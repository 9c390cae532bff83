"""Where a Ray cluster is, and whether anybody answers there: Ray itself tries for many minutes."""

from __future__ import annotations

import ipaddress
import socket

from rtdet.errors import SourceError


def check_answers(address: str, own_ip: str) -> bool:
    """Raises SourceError where the address names a host and a port, and nobody listens there.

    Ray takes an address of loopback, as 127.0.0.1:6379, for this machine's `own_ip`. True where only loopback itself
    answers: the cluster was started there, and is to be looked for there.
    """
    place = place_of(address)
    if place is None:
        return False
    host, port = place
    if _is_loopback(host) and not refusal(own_ip, port):
        return False
    if reason := refusal(host, port):
        raise SourceError(
            f"the Ray cluster {address} does not answer: {reason}; start it, or name another --address"
        )
    return _is_loopback(host)


def place_of(address: str) -> tuple[str, int] | None:
    """Host and port; None of what Ray looks up by itself ("auto", "local")."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        return None
    return host.strip("[]"), int(port)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refusal(host: str, port: int, timeout_s: float = 10.0) -> str:
    """Why nobody answers; "" where somebody does."""
    try:
        socket.create_connection((host, port), timeout=timeout_s).close()
    except (OSError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""
