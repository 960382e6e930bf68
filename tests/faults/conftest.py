"""One installation for all tests of a run: each has documents of its own, and mends its faults."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import report
from tests.faults.house import House
from tests.faults.judge import check_books
from tests.faults.size import SIZE


@pytest.fixture(scope="session")
def installation() -> Iterator[House]:
    # Not below pytest's own folder, which every other run of pytest closes to the servers' user.
    folder = Path(tempfile.mkdtemp(prefix="meshline-faults-"))
    house = House(folder)
    try:
        house.start()
        yield house
        check_books(house)
    finally:
        house.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def house(installation: House) -> Iterator[House]:
    """Ready, with all guards in; and left so."""
    yield installation
    installation.orders()
    for vendor in ("hubspot", "stripe", "slack", "listener"):
        installation.vendors.mends(vendor)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """What the installation said stands under a test that failed."""
    outcome = yield
    report = outcome.get_result()
    house = getattr(item, "funcargs", {}).get("house")
    if report.failed and house is not None:
        report.sections.append(("The installation said", house.logs()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SIZE.is_long:
        terminalreporter.section("What came out")
        for line in report.lines():
            terminalreporter.write_line(line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
