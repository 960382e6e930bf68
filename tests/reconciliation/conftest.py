"""What these rooms' tests share: the stand-in CRM of the connectors' tests."""

from tests.connectors.conftest import crm  # noqa: F401
