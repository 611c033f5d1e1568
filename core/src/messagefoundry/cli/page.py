"""HTML pages that need nothing else: no network, and no style or script but their own, which their policy allows."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from messagefoundry.cli.markup import Html, element


def self_contained(title: str, *body: Html, style: str, script: str = "") -> str:
    """A page with the assets of these names; what is in `body` can bring no other."""
    css, code = _asset(style), _asset(script) if script else ""
    allowed = f"style-src {_hash(css)}; script-src {_hash(code)}" if code else f"style-src {_hash(css)}"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Html(css)),
    )
    scripts = [element("script", Html(code))] if code else []
    return f"<!DOCTYPE html>\n{element('html', head, element('body', *body, *scripts), lang='en')}\n"


def _asset(name: str) -> str:
    return files("messagefoundry.cli").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
