"""Fields that contracts name and nobody tells."""

from collections.abc import Iterator

from proposals.fields import LABELS
from reconciliation.lints.lint import CONTRACTS, Fix, Grade, Lint, of_outcome
from reconciliation.model_facts import Asked, Door, Facts, Source

# From so many events on, a field that none of them filled is one nobody maps.
_ENOUGH_EVENTS = 5
# What of every proposal somebody must have said.
_REQUIRED = ("title", "amount", "owner_email")


def fields_nobody_maps(facts: Facts) -> Iterator[Lint]:
    """A text names what nothing fills; or a source has never told what the contracts need."""
    for asked in facts.asked:
        for place in sorted(asked.places - facts.behind.keys()):
            sentence = f"{asked.name} of {asked.of} names {{{place}}}, which nothing fills."
            yield of_outcome(asked, "field-unknown", Grade.ERROR, sentence, CONTRACTS)
    needed = _needed(facts)
    for source in facts.sources:
        if source.events < _ENOUGH_EVENTS:
            continue
        for name, wanted_by in needed.items():
            if not source.told & set(facts.behind[name]):
                sentence = (
                    f"None of the last {source.events} events of {source.name} told "
                    f"{' or '.join(facts.behind[name])}, which {wanted_by.name} after "
                    f"{wanted_by.trigger.label.lower()} names as {{{name}}}."
                )
                fix = _mapping_of(facts.door(source.connection), source)
                yield of_outcome(wanted_by, "field-not-mapped", Grade.WARNING, sentence, fix)
    yield from _fields_it_cannot_tell(facts.door(facts.parts.get("quoting", "")))


def _fields_it_cannot_tell(door: Door | None) -> Iterator[Lint]:
    """What brings proposals must say what each is, over how much, and whose."""
    if door is None or door.tells is None:
        return
    for name in _REQUIRED:
        if name not in door.tells:
            sentence = (
                f"{door.name} brings proposals and says nothing of their {LABELS[name]}: neither "
                "its connector nor its mapping knows where that stands."
            )
            fix = Fix(f"Mapping of {door.name}", "connectors:mapping", (door.slug,))
            yield Lint("field-not-mapped", Grade.WARNING, sentence, fix)


def _mapping_of(door: Door | None, source: Source) -> Fix:
    if door and door.is_mapped:
        return Fix(f"Mapping of {source.name}", "connectors:mapping", (source.connection,))
    return Fix(source.name, "connectors:connection", (source.connection,))


def _needed(facts: Facts) -> dict[str, Asked]:
    """What the contracts' texts name, each with the first outcome that does."""
    needed: dict[str, Asked] = {}
    for asked in facts.asked:
        for place in sorted(asked.places & facts.behind.keys()):
            if facts.behind[place]:
                needed.setdefault(place, asked)
    return needed
