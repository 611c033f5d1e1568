"""HTML, written so that text cannot become markup: whatever is not made by `element` is escaped."""

from __future__ import annotations

from html import escape

VOID = frozenset(("meta", "input"))


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | bool) -> Html:
    """An element. An attribute is written `class_` where Python has the word, `data_x` for data-x; True has no value.

    False leaves an attribute out.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not False)
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{together(*children)}</{name}>")


def together(*children: str) -> Html:
    """Markup and text in a row."""
    return Html("".join(child if isinstance(child, Html) else escape(child, quote=False) for child in children))


def _attribute(key: str, value: str | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
