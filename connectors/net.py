"""Where a call may go, and how it gets there: URLs, addresses, and sockets that keep a deadline.

The people who type a URL into a connection are trusted with that connection, not with the network
behind this server. So every name is looked up once, every address it leads to is judged, and one
refused address refuses them all. Closed by default: of IPv6 only what is handed out to the public
passes, minus the exceptions below.

Sources: the IANA special-purpose address registries; RFC 6052 and 8215 (NAT64), 3056 (6to4), 4380
(Teredo), 5214 (ISATAP). `ipaddress.is_global` is not used: it passes inside addresses in NAT64.
"""

import queue
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import inf
from time import monotonic

Address = IPv4Address | IPv6Address

LOOKUP_SECONDS = 3.0
LONGEST_URL = 2048
ADDRESSES_TRIED = 3


class CallError(Exception):
    """A call that brought no usable answer; str() is a sentence for the person who hears of it.

    `failure` is one word for the kind: address, request, dns, connect, tls, timeout, reset,
    garbled, too_large, unreadable. `reached` says whether the other side may have acted: False,
    certainly not; None, nobody knows; True, it answered. The sentence names the host and never the
    path or the query, for these may hold a secret.
    """

    def __init__(self, sentence: str, *, failure: str, reached: bool | None) -> None:
        super().__init__(sentence)
        self.failure = failure
        self.reached = reached


class AddressRefused(CallError):
    """The URL itself may not be called. Permanent, until a person changes it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, failure="address", reached=False)


@dataclass(frozen=True)
class Target:
    """The part of a URL that decides where a call goes. `host` is without brackets."""

    scheme: str
    host: str
    port: int


def check_url(url: str, *, allow_loopback: bool = False) -> None:
    """Whether `url` may be called, asked when a person saves it; silence is consent.

    It looks the name up (up to 3 s) but sends nothing. A yes is not kept: every call judges again.
    Raises AddressRefused with what would be right, or CallError "dns" for a name without an answer.
    """
    target = target_of(url, allow_loopback=allow_loopback)
    checked_addresses(target, allow_loopback=allow_loopback, within=LOOKUP_SECONDS)


def connect(target: Target, *, allow_loopback: bool) -> "Socket":
    """Look `target` up, judge every address, and connect to one of exactly these.

    Asking for the name a second time could bring another answer, so it is asked for once. Waits as
    long as the `clock` of this thread says. Raises AddressRefused, CallError "dns", or OSError.
    """
    addresses = checked_addresses(
        target, allow_loopback=allow_loopback, within=clock.left_to_connect()
    )
    return _dial(addresses[:ADDRESSES_TRIED], target.port)


def checked_addresses(
    target: Target, *, allow_loopback: bool, within: float
) -> tuple[Address, ...]:
    """The addresses `target` leads to, each of them judged; `within` is in seconds.

    Raises AddressRefused or CallError "dns".
    """
    addresses = _addresses_of(target, within=within)
    for address in addresses:
        _check(address, target, allow_loopback=allow_loopback)
    return addresses


# -- What a URL may look like ---------------------------------------------------------------------

_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(#.*)?")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER_LIKE = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_PORTS = {"https": 443, "http": 80}


def target_of(url: str, *, allow_loopback: bool = False) -> Target:
    """Read `url` by one narrow grammar, so that no two readers can take it for different places.

    Raises AddressRefused.
    """
    if len(url) > LONGEST_URL:
        raise AddressRefused(f"The URL is too long: up to {LONGEST_URL} characters are taken.")
    if not re.fullmatch(r"[!-~]*", url) or "\\" in url:
        raise AddressRefused(
            "A URL is written in plain ASCII without spaces or backslashes; "
            "a name in another script is written in its xn-- form."
        )
    shape = _SHAPE.fullmatch(url)
    if shape is None:
        raise AddressRefused("The URL must begin with https:// and a host name.")
    scheme, authority, _, fragment = shape.groups()
    if fragment is not None:
        raise AddressRefused("Leave out the part of the URL from # on; it is never sent.")
    return _target(scheme.lower(), authority, allow_loopback=allow_loopback)


def _target(scheme: str, authority: str, *, allow_loopback: bool) -> Target:
    if scheme != "https" and not (scheme == "http" and allow_loopback):
        raise AddressRefused("The URL must begin with https://; nothing is sent unencrypted.")
    if "@" in authority:
        raise AddressRefused(
            "Leave the user name and password out of the URL; credentials have their own place."
        )
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise AddressRefused(
            "Between https:// and the path belongs a host name, and if need be a colon and a port."
        )
    host, port = parts[1], int(parts[2] or _PORTS[scheme])
    if not 1 <= port <= 65535:
        raise AddressRefused("A port is a number from 1 to 65535.")
    return Target(scheme, _host(host), port)


def _host(host: str) -> str:
    """A host in the one spelling we take: an address in its usual form, or labels with dots."""
    if host.startswith("["):
        return _literal(IPv6Address, host[1:-1], "An IPv6 address is written like [2606:4700::1].")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused(
            "A host name is written like api.example.com: letters, digits and hyphens between "
            "single dots, and no dot at the end."
        )
    if _NUMBER_LIKE.fullmatch(labels[-1]):
        return _literal(IPv4Address, host, "An IPv4 address is written like 9.9.9.9: four numbers.")
    return host.lower()


def _literal(kind: type[Address], text: str, advice: str) -> str:
    try:
        return str(kind(text))
    except ValueError:
        raise AddressRefused(advice) from None


# -- Which addresses a name leads to --------------------------------------------------------------

# The system's resolver cannot be interrupted, so a lookup that hangs keeps its thread until it
# gives up by itself. This many may hang at once; beyond it, lookups fail instead of piling up.
LOOKUPS_AT_ONCE = 32
_free_lookups = threading.BoundedSemaphore(LOOKUPS_AT_ONCE)


def _addresses_of(target: Target, *, within: float) -> tuple[Address, ...]:
    """What the resolver says, without repetition and in its order. Raises CallError "dns"."""
    try:
        return (ip_address(target.host),)
    except ValueError:
        pass
    found = _look_up(target, within=within)
    if isinstance(found, Exception):
        raise _no_answer(target, "could not be resolved; check its spelling") from found
    try:
        addresses = tuple(dict.fromkeys(ip_address(entry[4][0]) for entry in found))
    except ValueError:
        raise _no_answer(target, "resolves to something that is no IP address") from None
    if not addresses:
        raise _no_answer(target, "resolves to nothing")
    return addresses


def _look_up(target: Target, *, within: float) -> list | Exception:
    if not _free_lookups.acquire(blocking=False):
        raise _no_answer(target, "was not looked up: too many lookups are hanging")
    answers: queue.SimpleQueue[list | Exception] = queue.SimpleQueue()
    threading.Thread(
        target=_ask, args=(target, answers, _free_lookups), name="lookup", daemon=True
    ).start()
    try:
        return answers.get(timeout=max(within, 0))
    except queue.Empty:
        raise _no_answer(target, f"was not resolved within {within:.1f} s") from None


def _ask(target: Target, answers: queue.SimpleQueue, free: threading.BoundedSemaphore) -> None:
    try:
        answers.put(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        answers.put(error)
    finally:
        free.release()


def _no_answer(target: Target, why: str) -> CallError:
    return CallError(f"The name {target.host} {why}.", failure="dns", reached=False)


# -- Which addresses are refused ------------------------------------------------------------------

_REASONS = {
    "this machine itself": "0.0.0.0/8 127.0.0.0/8 ::/128 ::1/128",
    "inside a private network": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10",
    "shared address space of a provider": "100.64.0.0/10",
    "valid on the local link only, where clouds keep their metadata": "169.254.0.0/16 fe80::/10",
    # Azure answers its machines from a public address.
    "a cloud's metadata service": "168.63.129.16/32",
    "set aside for protocols": (
        "192.0.0.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.175.48.0/24 "
        # One inside address can be written into this NAT64 range in several ways: none is taken.
        "64:ff9b:1::/48 2001:1::/32 2001:3::/32 2001:4::/32 2001:5::/32 2001:10::/28 2001:20::/27 "
        "2620:4f:8000::/48 5f00::/16"
    ),
    "set aside for measurements": "198.18.0.0/15 2001:2::/48",
    "set aside for examples in documents": (
        "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"
    ),
    "for many receivers at once (multicast)": "224.0.0.0/4 ff00::/8",
    "reserved": "240.0.0.0/4",
    "a hole that swallows everything": "100::/64",
}
_REFUSED = [(ip_network(range_), why) for why, row in _REASONS.items() for range_ in row.split()]

_PUBLIC_IPV6 = ip_network("2000::/3")
_MAPPED = ip_network("::ffff:0:0/96")
_NAT64 = ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ip_network("2002::/16")
_TEREDO = ip_network("2001::/32")
_LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


def _check(address: Address, target: Target, *, allow_loopback: bool) -> None:
    if allow_loopback and _is_loopback(address):
        return
    why = why_refused(address)
    if why is None and target.scheme != "https":
        why = "not this machine, and plain http is for this machine only"
    if why is not None:
        leads = "is" if target.host == str(address) else f"leads to {address}, which is"
        raise AddressRefused(
            f"{target.host} {leads} {why}. "
            "Give the https address of a system on the public internet."
        )


def why_refused(address: Address) -> str | None:
    """What is wrong with `address`, to be read after "it is"; None when it may be called."""
    for inner in carried_by(address):
        if why := why_refused(inner):
            return f"a wrapping of {inner}, {why}"
    for range_, why in _REFUSED:
        if address in range_:
            return why
    if address.version == 4 or address in _MAPPED or address in _NAT64 or address in _PUBLIC_IPV6:
        return None
    return "not handed out to the public"


def carried_by(address: Address) -> Iterator[IPv4Address]:
    """Every IPv4 address that a router or a tunnel could read out of `address`."""
    if not isinstance(address, IPv6Address):
        return
    bits = int(address)
    last = IPv4Address(bits & 0xFFFFFFFF)
    compatible = 1 < bits < 2**32
    # An ISATAP interface id is 0000:5efe or 0200:5efe; the two bits in question are masked.
    isatap = (bits >> 32) & 0xFCFFFFFF == 0x5EFE
    if compatible or isatap or address in _MAPPED or address in _NAT64:
        yield last
    if address in _SIX_TO_FOUR:
        yield IPv4Address((bits >> 80) & 0xFFFFFFFF)
    if address in _TEREDO:
        yield IPv4Address((bits >> 64) & 0xFFFFFFFF)
        yield IPv4Address(int(last) ^ 0xFFFFFFFF)


def _is_loopback(address: Address) -> bool:
    """Whether it is this machine, a mapped spelling included (how some resolvers answer)."""
    plain = next(carried_by(address)) if address in _MAPPED else address
    return any(plain in range_ for range_ in _LOOPBACK)


# -- Sockets that keep a deadline -----------------------------------------------------------------


class _Clock(threading.local):
    """The time limits of the call this thread is in; every socket below asks how long to wait."""

    def __init__(self) -> None:
        self.ends_at = inf
        self.connect_timeout = inf

    def start(self, *, deadline: float, connect_timeout: float) -> float:
        """Begin a call; both limits are in seconds. Returns the moment, by the monotonic clock."""
        now = monotonic()
        self.ends_at, self.connect_timeout = now + deadline, connect_timeout
        return now

    def left(self) -> float:
        """Seconds until the deadline. Raises TimeoutError when there are none."""
        seconds = self.ends_at - monotonic()
        if seconds <= 0:
            raise TimeoutError("the time for the call is over")
        return seconds

    def left_to_connect(self) -> float:
        return min(self.connect_timeout, self.left())


clock = _Clock()


class Socket(socket.socket):
    """A socket whose every wait is cut to what is left of the call.

    A limit per read would not do: who sends one byte a second never runs into it.
    """

    def recv(self, *args):
        self.settimeout(clock.left())
        return super().recv(*args)

    def recv_into(self, *args):
        self.settimeout(clock.left())
        return super().recv_into(*args)

    def send(self, *args):
        self.settimeout(clock.left())
        return super().send(*args)

    def sendall(self, *args):
        self.settimeout(clock.left())
        return super().sendall(*args)


class TlsSocket(ssl.SSLSocket):
    """The same for TLS, whose `sendall` is made of `send`; a handshake keeps the older limit."""

    def recv(self, *args):
        self.settimeout(clock.left())
        return super().recv(*args)

    def recv_into(self, *args):
        self.settimeout(clock.left())
        return super().recv_into(*args)

    def send(self, *args):
        self.settimeout(clock.left())
        return super().send(*args)


def _dial(addresses: tuple[Address, ...], port: int) -> Socket:
    """Connect to the first address that answers.

    The time to connect is shared evenly among the addresses still to be tried, so that a silent
    first one does not use it all. Raises OSError.
    """
    ends_at = monotonic() + clock.left_to_connect()
    problem = OSError("there is no address to connect to")
    for tried, address in enumerate(addresses):
        share = (ends_at - monotonic()) / (len(addresses) - tried)
        try:
            return _open(address, port, within=max(share, 0.001))
        except OSError as error:
            problem = error
    raise problem


def _open(address: Address, port: int, *, within: float) -> Socket:
    """Connect to exactly this address; a handshake that follows has the time to connect anew."""
    sock = Socket(socket.AF_INET if address.version == 4 else socket.AF_INET6)
    try:
        sock.settimeout(within)
        sock.connect((str(address), port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(clock.left_to_connect())
    except BaseException:
        sock.close()
        raise
    return sock
