"""What every page for people is made of. No script, everything escaped."""

from collections.abc import Iterable
from html import escape
from typing import Any
from urllib.parse import quote

from connectors.sandbox.exchange import Answer

Section = tuple[str, str]  # a heading, and its content as HTML
POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2733; background: #f5f6f8; margin: 0; }
header { background: #1f2733; color: #fff; padding: .6rem 1.5rem; }
header a { color: #fff; }
main { max-width: 60rem; margin: 1.5rem auto; padding: 1rem 1.5rem; background: #fff;
  border: 1px solid #dfe3e8; border-radius: 6px; }
h1 { font-size: 1.4rem; margin: .2rem 0; } h2 { font-size: 1.1rem; margin: 1.4rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0;
  border-bottom: 1px solid #eceff2; overflow-wrap: anywhere; }
th { font-weight: 600; width: 16rem; }
"""


def link(path: str, text: str) -> str:
    return f'<a href="{escape(quote(path))}">{escape(text)}</a>'


def value(told: Any) -> str:
    """A value as text; what is nested, as one line a part."""
    if isinstance(told, dict):
        return "<br>".join(f"{escape(str(name))}: {value(part)}" for name, part in told.items())
    if isinstance(told, list):
        return "<br>".join(value(part) for part in told)
    return "" if told is None else escape(str(told))


def table(lines: Iterable[tuple[str, str]]) -> str:
    """Rows of a heading and a text, both already HTML."""
    rows = "".join(f'<tr><th scope="row">{head}</th><td>{text}</td></tr>' for head, text in lines)
    return f"<table>{rows}</table>" if rows else "<p>None yet.</p>"


def missing() -> Answer:
    return page(404, "Not here", "<p>There is no such record.</p>")


def page(status: int, title: str, content: str) -> Answer:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · stand-in</title>"
        '<link rel="stylesheet" href="/style.css"></head><body>'
        '<header><a href="/">Stand-in vendors</a></header>'
        f"<main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    return Answer(status, html.encode(), "text/html; charset=utf-8", dict(HEADERS))
