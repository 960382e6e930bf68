"""A no to a file: every problem with its line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

# Whoever has that many wrong lines has one cause to look for.
SHOWN_MOST = 30


def _no_advice() -> str:
    return ""


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong on a line, and what would be right."""

    line: int
    sentence: str
    # The sentence's end, where it takes time to find: asked of the few that are shown.
    advice: Callable[[], str] = field(default=_no_advice, compare=False)

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence}{self.advice()}"


class Refused(Exception):
    """The file cannot be; nothing of it was applied."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        lines = [str(problem) for problem in self.problems[:SHOWN_MOST]]
        left = len(self.problems) - len(lines)
        return [*lines, f"and {left} more"] if left else lines
