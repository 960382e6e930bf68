"""A no to a file: every problem with its line."""

from collections.abc import Sequence
from dataclasses import dataclass

# Whoever has that many wrong lines has one cause to look for.
SHOWN_MOST = 30


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong on a line, and what would be right."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence}"


class Refused(Exception):
    """The file cannot be; nothing of it was applied."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        lines = [str(problem) for problem in self.problems[:SHOWN_MOST]]
        left = len(self.problems) - len(lines)
        return [*lines, f"and {left} more"] if left else lines
