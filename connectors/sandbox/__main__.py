"""`python -m connectors.sandbox --port 8100 --state DIR`: the stand-ins as a process."""

import argparse
from pathlib import Path

from connectors.sandbox.running import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Stand-ins for the outside systems.")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--state", type=Path, default=Path(".meshline/sandbox"))
    chosen = parser.parse_args()
    serve(chosen.port, chosen.state)
