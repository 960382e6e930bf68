"""What connections map, in the operating model file."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from connectors import mapping, mappings
from connectors.mapping import MappingError
from connectors.mappings import WrongMapping
from connectors.models import Connection, MappingVersion
from meshline.audit.actors import Someone
from meshline.sections import (
    Field,
    Identity,
    Node,
    Section,
    SectionError,
    Values,
    Wrong,
    text,
)
from meshline.sections import mapping as mapping_in

SAY_SOMETHING = "Say words or fields; remove: true goes back to what is built in."
_NOTHING = mapping.NOTHING_MAPPED.as_json()


# --- What is here -------------------------------------------------------------------------------
def _here() -> dict[Identity, Values]:
    """The mappings in force; where one went back to what is built in, there is none."""
    rows = MappingVersion.objects.live().select_related("connection")
    return {
        (row.connection.slug,): {"connection": row.connection.slug, **row.content}
        for row in rows.order_by("connection__slug")
        if row.content != _NOTHING
    }


# --- What is made so ----------------------------------------------------------------------------
def _add(values: Values, *, by: Someone, at: datetime) -> None:
    content = {part: values.get(part, {}) for part in ("words", "fields")}
    if content == _NOTHING:
        raise SectionError(SAY_SOMETHING)
    _set(values["connection"], content, by, at)


def _change(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    _add({**_here()[identity], **values}, by=by, at=at)


def _remove(identity: Identity, *, by: Someone, at: datetime) -> None:
    _set(identity[0], _NOTHING, by, at)


def _set(slug: str, content: dict[str, Any], by: Someone, at: datetime) -> None:
    connection = Connection.objects.get(slug=slug)
    try:
        mappings.set_mapping(connection=connection, content=content, by=by, at=at)
    except WrongMapping as error:
        raise SectionError(f"{_named(error, content)}{error}", error.part) from None


def _named(error: WrongMapping, content: dict[str, Any]) -> str:
    names = list(content.get(error.part, ()))
    return f"“{names[error.row - 1]}”: " if 0 < error.row <= len(names) else ""


# --- Reading ------------------------------------------------------------------------------------
def _words(node: Node) -> dict[str, str]:
    return _part(node, lambda rows: mapping.of_rows(rows, []).as_json()["words"])


def _fields(node: Node) -> dict[str, str]:
    return _part(node, lambda rows: mapping.of_rows([], rows).as_json()["fields"])


def _part(node: Node, read: Callable[[list], dict[str, str]]) -> dict[str, str]:
    """One side to the other; what is wrong stands on its own line."""
    said = mapping_in(node)
    try:
        return read([(name, one.value) for name, one in said.items()])
    except MappingError as error:
        lines = [one.line for one in said.values()]
        within = 0 < error.row <= len(lines)
        raise Wrong(str(error), lines[error.row - 1] if within else node.line) from None


MAPPINGS = Section(
    key="mappings",
    noun="mapping",
    identity=("connection",),
    fields={
        "connection": Field(text, refers_to="connection"),
        "words": Field(_words, unsaid={}),
        "fields": Field(_fields, unsaid={}),
    },
    here=_here,
    add=_add,
    change=_change,
    remove=_remove,
)

SECTIONS = [MAPPINGS]
