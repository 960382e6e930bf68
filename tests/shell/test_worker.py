"""The worker has everything loaded before it forks: no job pays for it."""

import json
import subprocess
import sys

from meshline import environment

_LOADED = """
import json, sys
import django
django.setup()
import rq
from meshline.shell.worker import Worker
rq.Worker.work = lambda self, *args, **options: True
before = sorted(sys.modules)
Worker.work(object.__new__(Worker))
print(json.dumps([name for name in sys.modules if name not in before]))
"""


def test_what_its_jobs_need_is_loaded_before_the_first_fork():
    """In a process of its own: here everything is loaded already."""
    said = subprocess.run(
        [sys.executable, "-c", _LOADED], cwd=environment.PROJECT, check=True, text=True,
        capture_output=True,
    ).stdout  # fmt: skip
    loaded = set(json.loads(said))
    # The jobs themselves, what they call out with, and the pages whose addresses they write down.
    assert {"connectors.jobs", "connectors.http", "connectors.views.outcomes"} <= loaded
