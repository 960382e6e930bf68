"""The numbers of a run, printed at its end; docs/faults.md is written from them by hand."""

_NOTED: list[tuple[str, object]] = []


def note(what: str, number: object) -> None:
    _NOTED.append((what, number))


def lines() -> list[str]:
    width = max((len(what) for what, _ in _NOTED), default=0)
    return [f"{what:<{width}}  {number}" for what, number in _NOTED]
