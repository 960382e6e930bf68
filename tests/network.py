"""The network is closed in tests: only loopback and unix sockets can be reached."""

import ipaddress
import socket
from typing import Any

_resolve = socket.getaddrinfo


class ClosedNetwork(OSError):
    """A test that reached for the outside world."""


class _LoopbackSocket(socket.socket):
    def connect(self, address: Any) -> None:
        _check(self.family, address)
        super().connect(address)

    def connect_ex(self, address: Any) -> int:
        _check(self.family, address)
        return super().connect_ex(address)


def close() -> None:
    """Refuse every connection and look-up that would leave this machine."""
    socket.socket = _LoopbackSocket  # type: ignore[misc]
    socket.getaddrinfo = _resolve_here


def _check(family: int, address: Any) -> None:
    if family == socket.AF_UNIX:
        return
    if not _is_loopback(address[0]):
        raise ClosedNetwork(f"The network is closed in tests; refused: {address!r}")


def _resolve_here(host: Any, *args: Any, **options: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name and not _is_address(name) and name != "localhost":
        raise socket.gaierror(socket.EAI_NONAME, f"Names are not looked up in tests: {name}")
    return _resolve(host, *args, **options)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host.partition("%")[0]).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
