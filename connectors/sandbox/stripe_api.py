"""The HTTP side of the Stripe stand-in: whose key, how often, once or again, and which object."""

import base64
import binascii
import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.sandbox import ids, times
from connectors.sandbox.config import Config
from connectors.sandbox.exchange import Answer, RefusalError, Request, json_answer
from connectors.sandbox.limits import Limits
from connectors.sandbox.records import Record
from connectors.sandbox.stripe_books import Books, Who, view
from connectors.sandbox.stripe_customers import Customers
from connectors.sandbox.stripe_forms import Params, parse, refusal
from connectors.sandbox.stripe_invoices import Invoices
from connectors.sandbox.stripe_keys import Keys
from connectors.sandbox.stripe_lists import FILTERS, listed, searched
from connectors.sandbox.stripe_payments import Payments
from connectors.sandbox.stripe_quotes import Quotes
from connectors.sandbox.stripe_webhooks import StripeWebhooks

ID = r"/(?P<number>[0-9A-Za-z_-]+)"
LISTED = r"/v1/(?P<kind>" + "|".join(FILTERS) + ")"
ROUTES = [
    ("GET", re.compile(r"/v1/(?P<kind>customers|invoices)/search"), "search"),
    ("GET", re.compile(LISTED), "list"),
    ("GET", re.compile(LISTED + ID), "read"),
    ("POST", re.compile("/v1/customers"), "create_customer"),
    ("POST", re.compile("/v1/customers" + ID), "update_customer"),
    ("DELETE", re.compile("/v1/customers" + ID), "delete_customer"),
    ("POST", re.compile("/v1/invoiceitems"), "create_item"),
    ("DELETE", re.compile("/v1/invoiceitems" + ID), "delete_item"),
    ("POST", re.compile("/v1/invoices"), "create_invoice"),
    ("POST", re.compile("/v1/invoices" + ID), "update_invoice"),
    ("DELETE", re.compile("/v1/invoices" + ID), "delete_invoice"),
    ("POST", re.compile("/v1/invoices" + ID + "/pay"), "pay"),
    (
        "POST",
        re.compile("/v1/invoices" + ID + "/(?P<act>finalize|send|void|mark_uncollectible)"),
        "move_invoice",
    ),
    ("POST", re.compile("/v1/quotes"), "create_quote"),
    ("POST", re.compile("/v1/quotes" + ID + "/(?P<act>finalize|accept|cancel)"), "move_quote"),
]
FORM = "application/x-www-form-urlencoded"
VERSION = re.compile(r"20\d\d-\d\d-\d\d(\.[a-z]+)?")
ERRORS = {
    401: ("invalid_request_error", "api_key_expired", "Expired API Key provided"),
    402: ("card_error", "card_declined", "Your card was declined."),
    403: ("invalid_request_error", "", "The provided key does not have the required permissions."),
    404: ("invalid_request_error", "resource_missing", "No such object"),
    409: ("idempotency_error", "idempotency_key_in_use", "Another request uses this key."),
    429: ("invalid_request_error", "rate_limit", "Request rate limit exceeded."),
}
LOCKED = "This object cannot be accessed right now because another API request is accessing it."
NO_CARD = (
    "There is no `default_payment_method` set on this Customer or Invoice. Please set either field"
    " to a valid payment method."
)
DECLINED = "pm_card_chargeDeclined"


class StripeApi:
    name = "stripe"

    def __init__(
        self,
        *,
        books: Books,
        customers: Customers,
        invoices: Invoices,
        payments: Payments,
        quotes: Quotes,
        keys: Keys,
        webhooks: StripeWebhooks,
        config: Config,
    ) -> None:
        self._books = books
        self._customers = customers
        self._invoices = invoices
        self._payments = payments
        self._quotes = quotes
        self._keys = keys
        self._webhooks = webhooks
        self._config = config
        self.limits = Limits()

    def answer(self, request: Request) -> Answer:
        request_id = ids.stripe_id("req", 14)
        try:
            version = self._check_version(request)
            self._check_key(request)
            self._check_limits()
            answer = self._once(request, request_id)
        except RefusalError as no:
            version, answer = "", no.answer
        answer.headers["Request-Id"] = request_id
        if answer.status == 429:
            answer.headers["Stripe-Rate-Limited-Reason"] = "global-rate"
        if version:
            answer.headers["Stripe-Version"] = version
        return answer

    def error_body(self, code: int, policy: str | None) -> dict[str, Any]:
        """What Stripe says with a status that a fault asks for."""
        kind, name, message = ERRORS.get(code, ("api_error", "", "Something went wrong."))
        if policy == "lock_timeout":
            name, message = "lock_timeout", LOCKED
        error = {"type": kind, "message": message} | ({"code": name} if name else {})
        return {"error": error}

    def key_of(self, request: Request) -> str | None:
        return request.headers.get("Idempotency-Key")

    # Once, or again

    def keep(self, request: Request, answer: Answer) -> None:
        """A 500 that a fault gave is remembered like every answer of an endpoint that began."""
        key = _key(request)
        if key and answer.status == 500:
            with self._books.all_or_nothing():
                self._keys.keep(key, request, answer, ids.stripe_id("req", 14))

    @contextmanager
    def in_flight(self, request: Request) -> Iterator[None]:
        """While it is being worked on, a second call with its key is refused."""
        key = _key(request)
        began = bool(key) and self._keys.begin(key)
        try:
            yield
        finally:
            if began:
                self._keys.end(key)

    def _once(self, request: Request, request_id: str) -> Answer:
        key = _key(request)
        if key and (known := self._keys.answered(key, request)):
            return known
        who = Who("api", request_id, key or None)
        try:
            with self._books.all_or_nothing():
                answer = self._do(request, who)
        except RefusalError as no:
            answer = no.answer
        if key:
            answer.headers["Idempotency-Key"] = key
            self._keys.keep(key, request, answer, request_id)
        return answer

    def _do(self, request: Request, who: Who) -> Answer:
        action, named = _route(request)
        params = _params(request)
        expanded = {name.removeprefix("data.") for name in _expand(request)}
        found = getattr(self, f"_{action}")(Params(params), who, **named)
        if isinstance(found, Answer):
            return found
        return json_answer(200, view(found, expanded) if isinstance(found, Record) else found)

    # Who and how often

    def _check_version(self, request: Request) -> str:
        version: str = request.headers.get("Stripe-Version") or self._endpoint_version()
        if not VERSION.fullmatch(version):
            raise refusal(400, f"Invalid Stripe API version: {version[:80]}")
        return version

    def _endpoint_version(self) -> str:
        version: str = self._config["stripe"]["api_version"]
        return version

    def _check_key(self, request: Request) -> None:
        key, given = self._config["stripe"]["api_key"], _given_key(request)
        if not given:
            message = (
                "You did not provide an API key. You need to provide your API key in the"
                " Authorization header, using Bearer auth (e.g. 'Authorization: Bearer"
                " YOUR_SECRET_KEY')."
            )
            raise refusal(401, message)
        if not key or not hmac.compare_digest(given.encode(), key.encode()):
            raise refusal(401, f"Invalid API Key provided: {given[:7]}****")

    def _check_limits(self) -> None:
        most = self._config["stripe"]["rate_limit"]["per_second"]
        if self.limits.take("second", most=most, seconds=1) is None:
            raise RefusalError(json_answer(429, self.error_body(429, None)))

    # The calls

    def _search(self, params: Params, who: Who, kind: str) -> dict[str, Any]:
        found = self._books.records.indexed(kind, at=times.now())
        return searched(found, params, f"/v1/{kind}/search")

    def _list(self, params: Params, who: Who, kind: str) -> dict[str, Any]:
        undelivered = self._webhooks.waiting() if kind == "events" else set()
        return listed(self._books.records, kind, params, f"/v1/{kind}", undelivered=undelivered)

    def _read(self, params: Params, who: Who, kind: str, number: str) -> Record | dict[str, Any]:
        known = self._books.records.get(kind, number)
        if known and known.archived and kind == "customers":
            return {"id": number, "object": "customer", "deleted": True}
        return self._books.get(kind, number)

    def _create_customer(self, params: Params, who: Who) -> Record:
        return self._customers.create(params, who=who, at=times.now())

    def _update_customer(self, params: Params, who: Who, number: str) -> Record:
        return self._customers.update(number, params, who=who, at=times.now())

    def _delete_customer(self, params: Params, who: Who, number: str) -> dict[str, Any]:
        self._customers.delete(number, who=who, at=times.now())
        return {"id": number, "object": "customer", "deleted": True}

    def _create_item(self, params: Params, who: Who) -> Record:
        return self._invoices.add_item(params, who=who, at=times.now())

    def _delete_item(self, params: Params, who: Who, number: str) -> dict[str, Any]:
        self._invoices.delete_item(number, who=who, at=times.now())
        return {"id": number, "object": "invoiceitem", "deleted": True}

    def _create_invoice(self, params: Params, who: Who) -> Record:
        return self._invoices.create(params, who=who, at=times.now())

    def _update_invoice(self, params: Params, who: Who, number: str) -> Record:
        return self._invoices.update(number, params, who=who, at=times.now())

    def _delete_invoice(self, params: Params, who: Who, number: str) -> dict[str, Any]:
        self._invoices.delete(number, who=who, at=times.now())
        return {"id": number, "object": "invoice", "deleted": True}

    def _move_invoice(self, params: Params, who: Who, number: str, act: str) -> Record:
        params.drop("auto_advance")
        params.done()
        found: Record = getattr(self._invoices, act)(number, who=who, at=times.now())
        return found

    def _pay(self, params: Params, who: Who, number: str) -> Record | Answer:
        elsewhere, card = params.flag("paid_out_of_band"), params.text("payment_method")
        params.drop("source", "off_session", "forgive", "mandate")
        params.done()
        if elsewhere:
            return self._payments.pay_elsewhere(number, who=who, at=times.now())
        if not card:
            self._invoices.ready_to_pay(number, who=who, at=times.now())
            raise refusal(400, NO_CARD, code="missing")
        if card != DECLINED:
            return self._payments.pay(number, who=who, at=times.now())
        self._payments.fail(number, who=who, at=times.now())
        return json_answer(402, self.error_body(402, None))

    def _create_quote(self, params: Params, who: Who) -> Record:
        return self._quotes.create(params, who=who, at=times.now())

    def _move_quote(self, params: Params, who: Who, number: str, act: str) -> Record:
        params.drop("expires_at")
        params.done()
        return self._quotes.move(number, act, who=who, at=times.now())


def _key(request: Request) -> str:
    """Only a POST can be made idempotent; the rest is by itself."""
    return request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""


def _given_key(request: Request) -> str:
    """The secret key, as a bearer token or as the user of Basic."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def _params(request: Request) -> dict[str, Any]:
    if request.method != "POST":
        return parse(request.target.partition("?")[2])
    kind = request.headers.get("Content-Type", FORM).partition(";")[0].strip().lower()
    try:
        text = request.body.decode()
    except ValueError:
        raise refusal(400, "Invalid UTF-8 in the request.") from None
    if text and kind != FORM:
        message = f"Invalid request (check that your POST content type is {FORM})."
        raise refusal(400, message)
    return parse(text)


def _expand(request: Request) -> list[str]:
    found = _params(request).get("expand", [])
    return [str(name) for name in found] if isinstance(found, list) else [str(found)]


def _route(request: Request) -> tuple[str, dict[str, str]]:
    for method, pattern, action in ROUTES:
        found = pattern.fullmatch(request.path)
        if found and method == request.method:
            return action, found.groupdict()
    message = (
        f"Unrecognized request URL ({request.method}: {request.path}). Please see"
        " https://stripe.com/docs or we can help at https://support.stripe.com/."
    )
    raise refusal(404, message)
