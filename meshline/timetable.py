"""What the clock does and how often, and which job answers which bell.

Everything to be called is named by its dotted path: this module is read while Django still loads
the apps, when no model can be imported yet.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sweep:
    """Every `every` seconds ask `due` (dotted path, () -> bool); when True, push the bell."""

    bell: str
    every: float
    due: str


@dataclass(frozen=True)
class Task:
    """A short verb (`run`: dotted path, () -> None) the clock itself does every `every` seconds."""

    name: str
    every: float
    run: str


# Bell name -> the job that answers (dotted path) and its queue.
BELLS: dict[str, tuple[str, str]] = {}
SWEEPS: list[Sweep] = []
TASKS: list[Task] = []
