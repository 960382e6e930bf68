"""Is the operating model whole? What is missing, too long or against itself: pure, over facts.

A file for each thing it can be about, all of them in the table below. Reading the facts is
gathering's.
"""

from collections.abc import Callable, Iterator

from reconciliation.lints import (
    against_itself,
    authorities,
    fields,
    outcomes,
    owners,
    routing,
    times,
)
from reconciliation.lints.lint import Grade, Lint
from reconciliation.model_facts import Facts

_LOOKS: list[Callable[[Facts], Iterator[Lint]]] = [
    outcomes.outcomes_without_a_connection,
    authorities.moves_nobody_may_make,
    authorities.moves_whose_source_is_shut,
    authorities.authorities_that_say_nothing,
    owners.owners_who_are_gone,
    owners.contracts_that_name_nobody,
    owners.gates_with_one_alone,
    routing.routing_without_an_end,
    routing.routing_by_connections_that_are_gone,
    routing.contracts_by_connections_that_are_gone,
    times.rota_gaps,
    times.on_call_twice,
    times.on_call_without_the_right,
    times.promises_too_long,
    times.graver_is_slower,
    fields.fields_nobody_maps,
    against_itself.circles,
    against_itself.contradictions,
    against_itself.asked_for_twice,
]


def every(facts: Facts) -> list[Lint]:
    """All that is not as it should be, the gravest first."""
    found = [lint for look in _LOOKS for lint in look(facts)]
    order = {grade: place for place, grade in enumerate(Grade)}
    return sorted(found, key=lambda one: (order[one.grade], one.code, one.path, one.sentence))
