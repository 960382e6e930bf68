"""`python -m tests.bench [intake] [drain] …`: each ratio with its limit, in one run."""

import os
import sys

import django

from tests.bench.rig import Rig

NAMES = (
    "intake", "drain", "latency", "seconds-tier", "starvation", "rules", "memory", "queue",
    "reconcile", "dashboard",
)  # fmt: skip


def main(names: list[str]) -> int:
    """Run the named benches (all by default); 0 when every ratio is reached."""
    unknown = set(names) - set(NAMES)
    if unknown:
        sys.exit(f"There is no bench {', '.join(sorted(unknown))}; there is {', '.join(NAMES)}.")
    bed = Rig()
    try:
        bed.start()
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meshline.settings")
        django.setup()
        from tests.bench import benches

        ratios = benches.run(bed, names or list(NAMES))
    finally:
        bed.stop()
    return 0 if all(ratio.reached for ratio in ratios) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
