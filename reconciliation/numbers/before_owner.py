"""What passed before anybody could act, because it was nobody's yet?"""

from django.db.models import Q

from reconciliation.numbers.number import How, Number

NUMBER = Number(
    "before-owner", "Latency before assignment", How.SPAN,
    "From when an event occurred until its owner was decided and its outcomes were promised: "
    "occurred → received → translated → routed. It hides from whoever measures from assignment on.",
    Q(), "rule-ownership", column="before_owner", unit="time", cuts=("all", "path", "source"),
)  # fmt: skip
