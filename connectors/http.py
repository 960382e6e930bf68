"""The one way out: every HTTP call leaves through `call`, and nothing else imports `requests`.

What holds for each call, whoever makes it:

- It goes to an address that was judged on the very connection it uses (`connectors.net`), with the
  name it was asked for in SNI, in the certificate check and in Host.
- It ends by its deadline, however slowly the other side sends.
- Nothing of the environment takes part: no proxies, no .netrc, no cookies, no other certificates.
  That is why an adapter is driven here without a session around it.
- A redirect is an answer like any other, and is never followed.
- 64 KiB of the body are kept, as they came: what is compressed stays so. The head is bounded by
  http.client: 100 header lines of 64 KiB each, beyond which the call fails as "too_large".
"""

import logging
import os
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, partial
from http.client import BadStatusLine, HTTPException, LineTooLong
from http.client import HTTPResponse as ClientResponse
from json import dumps, loads
from time import monotonic
from typing import Any, NoReturn
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import HTTPResponse

from connectors import net
from connectors.net import AddressRefused, CallError, check_url

__all__ = ["AddressRefused", "CallError", "Reply", "UnreadableReply", "call", "check_url"]

KEPT_BYTES = 64 * 1024
# Kept-alive connections older than this are not used again: many servers close theirs after five
# seconds, and a request that meets such a close has an unknown end.
IDLE_SECONDS = 4.0

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
# These frame or route the request; a caller who sets them could make two requests out of one.
OUR_HEADERS = {
    *("host", "content-length", "transfer-encoding", "te", "trailer", "expect", "upgrade"),
    *("connection", "keep-alive", "accept-encoding", "proxy-connection", "proxy-authorization"),
}

# urllib3 writes whole URLs into its log, and the path of some vendors' URLs is the secret.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class UnreadableReply(CallError):
    """The other side answered, but not with JSON that can be taken at its word."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, failure="unreadable", reached=True)


@dataclass(frozen=True)
class Reply:
    """What came back, whatever its status: errors and redirects are replies too.

    `headers` are found in any case of letters. `body` is raw, at most 64 KiB; `truncated` says that
    there was more. `seconds` is the length of the whole call.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    truncated: bool = False
    seconds: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", CaseInsensitiveDict(self.headers))

    def json(self) -> Any:
        """The body as JSON: strict UTF-8, numbers exact (Decimal), no NaN, no key twice.

        Raises UnreadableReply.
        """
        if self.truncated:
            raise UnreadableReply(
                "The answer is longer than 64 KiB, so only its beginning is kept."
            )
        if self.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise UnreadableReply("The answer is compressed, although it was asked not to be.")
        try:
            return loads(
                self.body.decode("utf-8"),
                parse_float=Decimal,
                parse_constant=_no_such_number,
                object_pairs_hook=_each_key_once,
            )
        # ArithmeticError: an exponent beyond what Decimal holds.
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise UnreadableReply(f"The answer is not readable JSON ({_short(error)}).") from None


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    form: Mapping[str, str] | None = None,
    content: bytes | None = None,
    params: Mapping[str, str] | None = None,
    deadline: float = 15.0,
    connect_timeout: float = 3.0,
    allow_loopback: bool = False,
) -> Reply:
    """Send one request and return what came back; the only door through which anything leaves.

    `deadline` is for everything from the lookup to the last byte kept; looking up, connecting and
    the TLS handshake have `connect_timeout` each, within it. Both are in seconds. `json` is sent
    unless it is None; `content` is JSON already written, to the byte; they and `form` exclude each
    other. `allow_loopback` is for the stand-ins
    on this machine: it lets a call go here, also by plain http. Never retries.

    Raises CallError, of it AddressRefused when the URL may not be called; see there for what
    `reached` promises.
    """
    target = net.target_of(url, allow_loopback=allow_loopback)
    request = _written(
        method, url, headers=headers, json=json, form=form, content=content, params=params
    )
    adapter = _mine.adapter(allow_loopback=allow_loopback)
    begun_at = net.clock.start(deadline=deadline, connect_timeout=connect_timeout)
    try:
        with adapter.send(request, stream=True, timeout=(connect_timeout, deadline)) as answer:
            body = _beginning(answer.raw, KEPT_BYTES + 1)
            return Reply(
                status=answer.status_code,
                headers=answer.headers,
                body=body[:KEPT_BYTES],
                truncated=len(body) > KEPT_BYTES,
                seconds=monotonic() - begun_at,
            )
    except (OSError, HTTPException, HTTPError) as error:
        # The chain is cut: messages from below quote the path.
        raise _lost(target.host, error) from None
    finally:
        _mine.used_at = monotonic()


def _beginning(raw: HTTPResponse, size: int) -> bytes:
    """The first `size` bytes of a body, as they came.

    Only the read that finds nothing more tells a body that is over from one that was cut short, so
    it is read until then.
    """
    body = b""
    while len(body) < size and (more := raw.read(size - len(body), decode_content=False)):
        body += more
    return body


# -- Writing the request --------------------------------------------------------------------------

_TOKEN_CHARACTERS = frozenset(
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)


def _written(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None,
    json: Any,
    form: Mapping[str, str] | None,
    content: bytes | None,
    params: Mapping[str, str] | None,
) -> requests.PreparedRequest:
    """The request as it will stand on the wire. Raises CallError "request"; nothing is sent yet."""
    if method not in METHODS:
        _unsendable(f"Only {', '.join(sorted(METHODS))} are sent.")
    if sum(body is not None for body in (json, form, content)) > 1:
        _unsendable("A request has a JSON body, a form or written content, and only one of them.")
    lines = CaseInsensitiveDict({"User-Agent": "Meshline", "Accept": "application/json"})
    body = None
    if json is not None or content is not None:
        lines["Content-Type"] = "application/json"
        body = content if content is not None else _json_bytes(json)
    if form is not None:
        lines["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(form, doseq=True).encode("ascii")
    for name, value in (headers or {}).items():
        _check_header(name, value)
        lines[name] = value
    lines["Accept-Encoding"] = "identity"
    try:
        return requests.Request(method, url, headers=lines, data=body, params=params).prepare()
    except (requests.RequestException, HTTPError, ValueError) as error:
        _unsendable(f"The request cannot be written ({type(error).__name__}).")


def _json_bytes(value: Any) -> bytes:
    try:
        return dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        _unsendable(f"The body cannot be written as JSON ({_short(error)}).")


def _check_header(name: str, value: str) -> None:
    """Refuse what could end a header line early. The value may be a secret and is never quoted."""
    if not name or not set(name) <= _TOKEN_CHARACTERS:
        _unsendable("A header name holds letters, digits and hyphens only.")
    if name.lower() in OUR_HEADERS:
        _unsendable(f"The header {name} is not a caller's to set.")
    if not all(sign == "\t" or " " <= sign <= "~" or "\xa0" <= sign <= "\xff" for sign in value):
        _unsendable(
            f"The value of the header {name} holds a line break or another sign that may not."
        )
    if value != value.strip():
        _unsendable(f"The value of the header {name} begins or ends with a blank; leave that out.")


def _unsendable(sentence: str) -> NoReturn:
    raise CallError(sentence, failure="request", reached=False)


# -- One thread's connections ---------------------------------------------------------------------


class _Mine(threading.local):
    """The connections one thread keeps from call to call.

    Those opened under `allow_loopback` are kept apart, so that no other call can come to use one.
    """

    def __init__(self) -> None:
        self.used_at = 0.0
        self.adapters: dict[bool, _Adapter] = {}

    def adapter(self, *, allow_loopback: bool) -> "_Adapter":
        """The adapter for one call, rid of connections that have been idle too long."""
        if monotonic() - self.used_at > IDLE_SECONDS:
            self.forget()
        if allow_loopback not in self.adapters:
            self.adapters[allow_loopback] = _Adapter(allow_loopback=allow_loopback)
        return self.adapters[allow_loopback]

    def forget(self) -> None:
        """Close every connection this thread keeps."""
        for adapter in self.adapters.values():
            adapter.close()
        self.adapters = {}


_mine = _Mine()
# A forked child must not write into connections its parent is still using.
os.register_at_fork(after_in_child=lambda: _mine.forget())


@cache
def _trust() -> ssl.SSLContext:
    """TLS 1.2 or later, certificates and names checked against the bundle `requests` brings."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    context.sslsocket_class = net.TlsSocket
    return context


# -- Connections that go where the check went -----------------------------------------------------


class _Head:
    """The lines of an answer's head.

    http.client takes the end of the stream for the end of the head, and would make a whole answer
    of one that broke off.
    """

    def __init__(self, stream) -> None:
        self.stream = stream
        self.close = stream.close

    def readline(self, limit: int) -> bytes:
        line = self.stream.readline(limit)
        if not line:
            raise ConnectionResetError("the answer ended within its head")
        return line


class _Answer(ClientResponse):
    """An answer whose head is read to its end or not at all."""

    def begin(self) -> None:
        stream = self.fp
        self.fp = _Head(stream)  # type: ignore[assignment]
        try:
            super().begin()
        finally:
            if self.fp is not None:
                self.fp = stream


class _Checked(HTTPConnection):
    """A connection that looks its name up, has every address judged, and takes one of these.

    Whatever goes wrong up to the point where it stands leaves as CallError with `reached` False;
    so anything else that comes out of the adapter came after.
    """

    scheme: str
    response_class = _Answer

    def __init__(self, *args, allow_loopback: bool, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.allow_loopback = allow_loopback

    def _new_conn(self) -> socket.socket:
        target = net.Target(self.scheme, self.host, self.port)
        return net.connect(target, allow_loopback=self.allow_loopback)

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, HTTPError) as error:
            raise _not_connected(self.host, error) from None


class _Plain(_Checked):
    scheme = "http"


class _Tls(_Checked, HTTPSConnection):
    scheme = "https"


class _Adapter(HTTPAdapter):
    """The adapter of `requests` over the connections above; up to four hosts are kept alive."""

    def __init__(self, *, allow_loopback: bool) -> None:
        self.allow_loopback = allow_loopback
        super().__init__(pool_connections=4, pool_maxsize=1)

    def init_poolmanager(self, *args, **kwargs) -> None:
        super().init_poolmanager(*args, ssl_context=_trust(), **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_PlainPool, allow_loopback=self.allow_loopback),
            "https": partial(_TlsPool, allow_loopback=self.allow_loopback),
        }

    def cert_verify(self, conn, url, verify, cert) -> None:
        """Leave the context as it is; `requests` would read its bundle anew for each connection."""
        conn.cert_reqs = "CERT_REQUIRED"


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


# -- What went wrong ------------------------------------------------------------------------------


def _not_connected(host: str, error: Exception) -> CallError:
    """Before the connection stood: nothing can have been done over there."""
    if isinstance(error, TimeoutError):
        sentence, failure = f"{host} did not take the connection in time.", "timeout"
    elif isinstance(error, ssl.SSLCertVerificationError):
        sentence = f"{host} did not prove who it is ({error.verify_message.rstrip('.')})."
        failure = "tls"
    elif isinstance(error, ssl.SSLError):
        sentence, failure = f"No secure connection with {host} came about.", "tls"
    else:
        sentence, failure = f"{host} did not take the connection ({_short(error)}).", "connect"
    return CallError(sentence, failure=failure, reached=False)


def _lost(host: str, error: BaseException) -> CallError:
    """After the connection stood: the request may have arrived, and been acted upon."""
    causes = list(_causes(error))
    if any(isinstance(cause, TimeoutError | ReadTimeoutError) for cause in causes):
        sentence, failure = f"{host} did not answer in time.", "timeout"
    elif any(isinstance(cause, LineTooLong) or type(cause) is HTTPException for cause in causes):
        sentence, failure = f"The head of the answer from {host} is too large.", "too_large"
    elif any(isinstance(cause, BadStatusLine) for cause in causes):
        sentence, failure = f"{host} answered with something that is not HTTP.", "garbled"
    else:
        sentence, failure = f"{host} ended the connection before its answer was complete.", "reset"
    return CallError(
        f"{sentence} Whether it acted on the request is not known.", failure=failure, reached=None
    )


def _causes(error: BaseException | None):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _short(error: BaseException) -> str:
    """An error in a few words, for a sentence in brackets."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.strip(".")[:200]


def _no_such_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError("a key occurs twice")
        found[key] = value
    return found
