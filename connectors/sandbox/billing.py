"""The Stripe stand-in as one: its rooms, put together."""

import threading
from collections.abc import Callable

from connectors.sandbox.config import Config
from connectors.sandbox.faults import FaultBook
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.store import Store
from connectors.sandbox.stripe_api import StripeApi
from connectors.sandbox.stripe_books import Books
from connectors.sandbox.stripe_customers import Customers
from connectors.sandbox.stripe_desk import StripeDesk
from connectors.sandbox.stripe_invoices import Invoices
from connectors.sandbox.stripe_keys import Keys
from connectors.sandbox.stripe_pages import StripePages
from connectors.sandbox.stripe_payments import Payments
from connectors.sandbox.stripe_quotes import Quotes
from connectors.sandbox.stripe_webhooks import StripeWebhooks


class Billing:
    def __init__(
        self,
        store: Store,
        config: Config,
        faults: FaultBook,
        ledger: Ledger,
        wake: threading.Event,
        home: Callable[[], str],
    ) -> None:
        self.webhooks = StripeWebhooks(store, config, faults, wake)
        self.books = Books(store, config, ledger, self.webhooks, home)
        self.pages = StripePages(self.books.records)
        customers = Customers(self.books)
        invoices = Invoices(self.books, customers)
        payments = Payments(self.books, invoices)
        quotes, keys = Quotes(self.books, invoices), Keys(store, config)
        self.api = StripeApi(
            books=self.books,
            customers=customers,
            invoices=invoices,
            payments=payments,
            quotes=quotes,
            keys=keys,
            webhooks=self.webhooks,
            config=config,
        )
        self.desk = StripeDesk(
            books=self.books,
            customers=customers,
            invoices=invoices,
            payments=payments,
            quotes=quotes,
            keys=keys,
            webhooks=self.webhooks,
        )
