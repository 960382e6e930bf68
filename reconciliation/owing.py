"""Who owes a leg of the clock: its process, and who is responsible for that now."""

from dataclasses import dataclass
from datetime import datetime

from meshline.people.models import User
from meshline.policy import called, processes
from meshline.policy.raci import Answers
from reconciliation.legs import Stage


@dataclass(frozen=True)
class Debtor:
    """A process in words, and the person responsible for it."""

    process: str
    label: str
    person: User


class Debtors:
    """Everybody who owes something at one moment; each process is looked up once."""

    def __init__(self, *, at: datetime) -> None:
        self._answers, self._names = Answers(at=at), called.names()
        self._known: dict[str, Debtor] = {}

    def of(self, stage: Stage, source: str = "") -> Debtor:
        """`source` is the connection that told the event; without one it is connections at all."""
        return self.of_process(_process(stage, source))

    def of_process(self, name: str) -> Debtor:
        if name not in self._known:
            label = processes.known(name, self._names).label
            person = self._answers.responsible_for(name).user
            self._known[name] = Debtor(name, label, person)
        return self._known[name]


def _process(stage: Stage, source: str) -> str:
    if not stage.process.endswith(":"):
        return stage.process
    return processes.of_connection(source) if source else processes.HEALTH
