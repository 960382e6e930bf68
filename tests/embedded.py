"""The servers under the tests: embedded ones in a temporary folder, gone when the run ends.

A DATABASE_URL or REDIS_URL in the environment means: use that server. Its role (or that of
MIGRATION_DATABASE_URL) must be allowed to make databases.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from meshline.shell import children, servers

# Set by the first process of a run; the workers it starts find everything made.
_MADE = "MESHLINE_TEST_BED"
# Never used for anything but tests; the second is 32 zero bytes in base64.
_KEYS = {"SECRET_KEY": "only-for-tests", "SECRETS_KEYS": "A" * 43 + "="}


def prepare() -> None:
    """Start what is missing and say in the environment where it is."""
    if _MADE not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="meshline-tests-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ[_MADE] = str(folder)
        # A developer's own state folder must neither be read nor written.
        os.environ["MESHLINE_STATE"] = str(folder / "state")
        os.environ.update(_KEYS)
        os.environ["MESHLINE_BELL"] = "silent"
        _start_what_is_missing(folder)
    os.environ["REDIS_URL"] = _own_redis(os.environ["REDIS_URL"])


def _start_what_is_missing(folder: Path) -> None:
    if "DATABASE_URL" not in os.environ:
        data = folder / "postgres"
        _start(servers.postgres(data, servers.POSTGRES_SETTINGS_FOR_TESTS), folder)
        servers.make_database(data, owner_makes_databases=True)
        os.environ.update(servers.postgres_addresses(data))
    if "REDIS_URL" not in os.environ:
        data = folder / "redis"
        _start(servers.redis_server(data), folder)
        os.environ.update(servers.redis_addresses(data))


def _start(server: servers.Server, folder: Path) -> None:
    process = servers.start(server, folder / f"{server.child.name}.log")
    # Registered after the folder's removal, so done before it.
    atexit.register(children.stop, process, server.child)


def _own_redis(address: str) -> str:
    """A logical database of its own for each worker of a run: gw0 has 1, gw1 has 2."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    return f"{address.partition('?')[0]}?db={number}"
