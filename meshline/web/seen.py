"""What a form showed when somebody began to type, carried along signed: a later change by somebody
else is then noticed, and can be told field by field."""

from collections.abc import Mapping
from typing import Any

from django.core import signing

_SALT = "meshline.seen"


def keep(facts: dict[str, Any]) -> str:
    """These facts, for a hidden field."""
    return signing.dumps(facts, salt=_SALT)


def read(text: str) -> dict[str, Any]:
    """The facts a form carried; nothing was seen where they are missing or not ours."""
    try:
        facts = signing.loads(text, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def between(seen: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is different by now, and nothing else, under names as a page begins them."""
    names = [name for name in {**seen, **now} if seen.get(name) != now.get(name)]
    before, after = (
        {f"{name[:1].upper()}{name[1:]}": said[name] for name in names if name in said}
        for said in (seen, now)
    )
    return {"before": before, "after": after}
