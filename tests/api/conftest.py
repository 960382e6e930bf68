"""A script with somebody's token: it speaks JSON, carries no session and no CSRF token."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from exceptions import troubles
from exceptions.models import Ticket
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people import tokens
from meshline.people.models import User


@dataclass
class Script:
    """Requests as somebody's script sends them."""

    token: str
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))

    def get(self, path: str, **query: Any):
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str):
        sent = {} if body is None else {"data": body, "content_type": "application/json"}
        return self.client.post(f"/api/v1/{path}", headers={**self.headers, **headers}, **sent)

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def script_of(user: User) -> Script:
    made = tokens.make(user_id=user.pk, name="test", by=user, at=instant.now())
    return Script(made.token)


def trouble(name: str = "x", **more: Any) -> Ticket:
    """A ticket of its own cause."""
    asked = Trouble(
        **{
            "kind": "delivery-failed", "cause": name, "title": f"Trouble {name}",
            "reason": "It did not go through for nina@customer.example.com: 1,234.50 EUR.",
            "subject": f"outcome:{name}", "evidence": {"answer": "500"}, **more,
        }
    )  # fmt: skip
    return troubles.open_ticket(asked, by=SETUP, at=instant.now())


@pytest.fixture
def scripts(staff):
    """A script of each person's, by their name."""
    return {name: script_of(user) for name, user in staff.items()}


@pytest.fixture
def script(scripts):
    """Olivia's: an operator sees everything."""
    return scripts["olivia"]


@pytest.fixture
def stranger():
    return Script("")
