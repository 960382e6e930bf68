"""The journeys' own ground: what their rooms' tests share."""

from tests.connectors.conftest import billing, crm

__all__ = ["billing", "crm"]
