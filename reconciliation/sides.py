"""One field of ours and of theirs side by side, as SQL: are they equal, and how do they differ?

`o` is a proposal and `t` a record over there, each with the columns that `ours` and `theirs` make.
Pure: it writes SQL from the table of kinds and from checked numbers, never from typed text.
"""

from dataclasses import dataclass

from meshline.policy.tolerance import EXACT, Near, Tolerance
from reconciliation.kinds import As, Field, Kind, minor_units

# What a day looks like; whether the month has it is asked before it is taken for one.
_DAY = "^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


@dataclass(frozen=True)
class Sides:
    """The SQL of one field: its two values as compared and as written, and whether they agree."""

    field: Field
    ours: str
    theirs: str
    is_same: str
    cause: str
    at_risk: str
    currency: str


def our_columns(kind: Kind) -> list[str]:
    """What of a proposal is compared."""
    columns = []
    for one in kind.fields:
        columns.append(f"({one.ours}) AS o_{one.name}")
        if one.how is As.MONEY:
            units = f"({one.ours}) * {minor_units(one.our_currency)}"
            columns += [f"{units} AS ou_{one.name}", f"{one.our_currency} AS oc_{one.name}"]
    return columns


def their_columns(kind: Kind) -> list[str]:
    """What of a record over there is compared."""
    columns = []
    for one in kind.fields:
        columns.append(f"({one.theirs}) AS t_{one.name}")
        if one.how is As.MONEY:
            columns += [
                f"({one.their_units})::numeric AS tu_{one.name}",
                f"({one.their_currency}) AS tc_{one.name}",
            ]
    return columns


def sides(field: Field, tolerance: Tolerance = EXACT, *, adds_up: bool = False) -> Sides:
    """The two sides of a field under what is agreed to pass as equal."""
    made = _OF[field.how](field, tolerance)
    same = made.is_same
    if field.silent:
        same = f"({_their_blank(field)} OR {same})"
    if not adds_up and field.how is not As.MONEY:
        same = f"({same} AND NOT {_is_odd(field)})"
    cause = (
        made.cause
        if adds_up
        else f"CASE WHEN {_is_odd(field)} THEN 'theirs is no longer text' ELSE {made.cause} END"
    )
    return Sides(
        field, made.ours, made.theirs, f"coalesce({same}, false)", cause, made.at_risk,
        made.currency,
    )  # fmt: skip


def _is_odd(field: Field) -> str:
    """Whether it is a list or an object over there; asked only of what looks like one."""
    typed = f"jsonb_typeof(t.fields -> '{field.name}') IN ('array', 'object')"
    return f"(left(t.t_{field.name}, 1) IN ('[', '{{') AND {typed})"


def _quoted(word: str) -> str:
    return f"'{word}'"


def _blank(column: str) -> str:
    return f"(coalesce({column}, '') = '')"


def _their_blank(field: Field) -> str:
    return _blank(f"t.t_{field.name}")


def _text_cause(ours: str, theirs: str, otherwise: str) -> str:
    return (
        f"CASE WHEN {_blank(theirs)} THEN 'theirs is blank' WHEN {_blank(ours)} "
        f"THEN 'ours is blank' ELSE '{otherwise}' END"
    )


def _text(field: Field, tolerance: Tolerance) -> Sides:
    ours, theirs = f"coalesce(o.o_{field.name}, '')", f"coalesce(t.t_{field.name}, '')"
    normal = _spaced if tolerance.near is Near.SPACING else _composed
    same = f"({ours} = {theirs} OR {normal(ours)} = {normal(theirs)})"
    cause = _text_cause(ours, theirs, "another value")
    return Sides(field, normal(ours), normal(theirs), same, cause, "NULL::bigint", "''")


def _composed(value: str) -> str:
    """One letter is one letter, however it is put together."""
    return f"normalize({value}, NFC)"


def _spaced(value: str) -> str:
    return rf"lower(btrim(regexp_replace(normalize({value}, NFC), '\s+', ' ', 'g')))"


def _email(field: Field, tolerance: Tolerance) -> Sides:
    ours = f"lower(btrim(coalesce(o.o_{field.name}, '')))"
    theirs = f"lower(btrim(coalesce(t.t_{field.name}, '')))"
    cause = _text_cause(ours, theirs, "another value")
    return Sides(field, ours, theirs, f"({ours} = {theirs})", cause, "NULL::bigint", "''")


def _state(field: Field, tolerance: Tolerance) -> Sides:
    ours, theirs = f"o.o_{field.name}", f"coalesce(t.t_{field.name}, '')"
    cases = " ".join(
        f"WHEN '{state}' THEN ARRAY[{', '.join(map(_quoted, words))}]"
        for state, words in (field.words or {}).items()
    )
    accepted = f"(CASE {ours} {cases} END)"
    same = f"({accepted} IS NULL OR {theirs} = ANY({accepted}))"
    cause = f"CASE WHEN {_blank(theirs)} THEN 'theirs is blank' ELSE {ours} || ' here, ' || {theirs} || ' there' END"  # noqa: E501
    return Sides(field, f"({accepted})[1]", theirs, same, cause, "NULL::bigint", "''")


def _money(field: Field, tolerance: Tolerance) -> Sides:
    name = field.name
    ours, our_currency = f"o.ou_{name}", f"coalesce(o.oc_{name}, '')"
    theirs, their_currency = f"t.tu_{name}", f"coalesce(t.tc_{name}, '')"
    equal = f"{ours} = {theirs}"
    if tolerance.near is Near.PERCENT:
        equal = f"abs({ours} - {theirs}) * 100 <= {tolerance.by:f} * abs({ours})"
    nothing = f"({ours} IS NULL AND {theirs} IS NULL AND {_their_blank(field)})"
    is_one_currency = f"{our_currency} = {their_currency}"
    same = f"({nothing} OR ({is_one_currency} AND {equal}))"
    cause = f"""CASE WHEN {theirs} IS NULL AND {_their_blank(field)} THEN 'theirs is blank'
        WHEN {ours} IS NULL THEN 'ours is blank' WHEN {theirs} IS NULL THEN 'theirs is no amount'
        WHEN NOT ({is_one_currency}) THEN 'another currency'
        WHEN {theirs} > {ours} THEN 'more over there' ELSE 'less over there' END"""
    apart = f"CASE WHEN {is_one_currency} THEN abs({ours} - {theirs}) END"
    return Sides(
        field, _worded(ours, our_currency), _worded(theirs, their_currency), same, cause,
        f"trunc(coalesce({apart}, {ours}, {theirs}))::bigint",
        f"CASE WHEN {ours} IS NULL THEN {their_currency} ELSE {our_currency} END",
    )  # fmt: skip


def _worded(units: str, currency: str) -> str:
    """As people write an amount: exactly, with its currency."""
    exact = f"({units}) / {minor_units(currency)}::numeric"
    digits = f"(CASE {minor_units(currency)} WHEN 1 THEN 0 WHEN 1000 THEN 3 ELSE 2 END)"
    amount = f"round({exact}, greatest({digits}, scale(trim_scale({exact}))))"
    return f"coalesce(btrim({amount}::text || ' ' || {currency}), '')"


def _date(field: Field, tolerance: Tolerance) -> Sides:
    ours, theirs = _as_day(f"o.o_{field.name}::text"), _as_day(f"t.t_{field.name}")
    days = int(tolerance.by) if tolerance.near is Near.DAYS else 0
    nothing = f"({_blank(f'o.o_{field.name}::text')} AND {_their_blank(field)})"
    same = f"({nothing} OR abs({ours} - {theirs}) <= {days})"
    cause = _text_cause(f"o.o_{field.name}::text", f"t.t_{field.name}", "another day")
    return Sides(
        field, f"coalesce({ours}::text, '')", f"coalesce({theirs}::text, '')", same, cause,
        "NULL::bigint", "''",
    )  # fmt: skip


def _as_day(text: str) -> str:
    """The day that a text begins with; NULL where it is none that there is."""
    day = f"left({text}, 10)"
    last = f"date_part('day', (left({text}, 7) || '-01')::date + interval '1 month - 1 day')"
    return (
        f"(CASE WHEN {day} ~ '{_DAY}' THEN "
        f"CASE WHEN right({day}, 2)::int <= {last} THEN {day}::date END END)"
    )


_OF = {As.TEXT: _text, As.EMAIL: _email, As.STATE: _state, As.MONEY: _money, As.DATE: _date}
