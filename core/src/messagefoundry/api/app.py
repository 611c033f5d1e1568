"""The application behind a server: the installed pages, who may ask for them, and how errors are answered."""

from __future__ import annotations

import logging
import re
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import trio
from quart import current_app, request
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from messagefoundry.api.asked import Declined, Query, query
from messagefoundry.contracts.errors import (
    ConfigurationError,
    MessageFoundryError,
    StaleUnit,
    StoreUnavailable,
    fault_site,
)
from messagefoundry.contracts.specs import load
from messagefoundry.engine.operations import Operations, UnknownConnection

if TYPE_CHECKING:
    from hypercorn.typing import ASGISendCallable
    from quart import Response
    from quart.typing import ResponseTypes
    from werkzeug.routing import Rule

    from messagefoundry.engine.engine import Engine
    from messagefoundry.plugins import Installed
    from messagefoundry.wiring.graph import Inbound, Outbound

log = logging.getLogger(__name__)

GRACE_SECONDS = 2.0
"""What requests that are being answered get when their server closes."""

SEND_SECONDS = 5.0
"""How long a client may not read."""

LONGEST_BODY = 1024 * 1024
READING = ("GET", "HEAD")
EXTENSION = "messagefoundry"
PARAMETER = re.compile(r"<(?:[^<>:]*:)?(\w+)>")

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}

STATUSES: tuple[tuple[type[MessageFoundryError], int], ...] = (
    (UnknownConnection, 404),
    (StaleUnit, 409),
    (ConfigurationError, 422),
    (StoreUnavailable, 503),
)

SENTENCES = {
    400: "the request cannot be understood",
    404: "there is no such page",
    405: "this page does not take that method",
    408: "the request's body did not arrive in time",
    413: f"the body is longer than {LONGEST_BODY} bytes",
}


@dataclass(frozen=True, slots=True)
class Serving:
    """What the pages of one server work on. `closing` is set when the server is on its way out."""

    engine: Engine
    operations: Operations
    control: bool
    closing: trio.Event = field(default_factory=trio.Event)


def serving() -> Serving:
    """What the page being answered works on."""
    return of_app(current_app)


def of_app(app: Any) -> Serving:
    """What the pages of an application work on."""
    found: Serving = app.extensions[EXTENSION]
    return found


class Exchange(TrioASGIHTTPConnection):
    """A request and its answer.

    hypercorn tells of a request's end in the midst of sending the end of the answer. quart-trio then cancels the
    sending, and the connection would neither be closed nor watched for being idle.
    """

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        with trio.move_on_after(SEND_SECONDS, shield=True):
            await super()._send_response(send, response)


def create_app(engine: Engine, installed: Installed, *, control: bool) -> QuartTrio:
    """The application of one server: the reading pages, and with `control` those that change things."""
    app = QuartTrio(__name__, static_folder=None)
    app.asgi_http_class = Exchange
    app.config.update(MAX_CONTENT_LENGTH=LONGEST_BODY, PROPAGATE_EXCEPTIONS=False)
    app.extensions[EXTENSION] = Serving(
        engine, Operations(engine.committer, engine.lanes, engine.flows, engine.connections, engine.deliveries), control
    )
    app.register_error_handler(Exception, failed)
    app.after_request(with_headers)
    if not control:
        app.before_request(refuse_strangers)
    add_pages(app, installed, control=control)
    app.add_url_rule("/", view_func=pages)
    return app


async def pages() -> dict[str, list[str]]:
    """The pages that are served here, each with its method."""
    query(Query)
    rules = current_app.url_map.iter_rules()
    found = {(PARAMETER.sub(r"{\1}", rule.rule), method) for rule in rules for method in shown_methods(rule)}
    return {"pages": [f"{method} {page}" for page, method in sorted(found)]}


def shown_methods(rule: Rule) -> list[str]:
    """The methods of a page, those left out that every page has."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def add_pages(app: QuartTrio, installed: Installed, *, control: bool) -> None:
    """Register the installed blueprints; one that cannot be imported takes no other down."""
    for name, registered in installed.blueprints.items():
        if registered.spec.control and not control:
            continue
        try:
            app.register_blueprint(load(registered.spec.blueprint))
        except Exception as error:  # noqa: BLE001 - a plugin's own fault, of whatever kind
            log.error("the pages %s of %s are not served: %s", name, registered.plugin.distribution, fault_site(error))


# -- who may ask -------------------------------------------------------------------------------------------------


async def refuse_strangers() -> None:
    """On the network: only to look, and only under this machine's names, so that no web site reaches us by its own."""
    if not is_ours(request.headers.get("Host", "")):
        raise Declined(421, "the Host header names another machine: use 127.0.0.1 or localhost")
    if request.method not in READING:
        raise MethodNotAllowed(valid_methods=READING)


def is_ours(host: str) -> bool:
    """Whether a Host header names this machine's loopback, whatever the port: there may be a tunnel."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == serving().engine.plan.api_host or is_loopback(name)


def is_loopback(host: str) -> bool:
    """Whether a name or address can only mean this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


# -- what is answered --------------------------------------------------------------------------------------------


async def with_headers(response: Response) -> Response:
    """Nothing here is for caches or for being embedded."""
    response.headers.update(HEADERS)
    return response


async def failed(error: Exception) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The answer to an error: a sentence, never a value and never a traceback."""
    if isinstance(error, HTTPException):
        return refused(error)
    if isinstance(error, Declined):
        return {"error": str(error)}, error.status, {}
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return described(error), status, {}
    log.error("%s %s failed: %s", request.method, request.url_rule, fault_site(error))
    return {"error": "internal error"}, 500, {}


def refused(error: HTTPException) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The answer to what the framework refuses."""
    status = error.code or 500
    allowed = error.valid_methods if isinstance(error, MethodNotAllowed) else None
    headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
    return {"error": SENTENCES.get(status, error.name.lower())}, status, headers


def described(error: MessageFoundryError) -> dict[str, Any]:
    """An error of ours; a configuration's with every problem."""
    if isinstance(error, ConfigurationError):
        problems = [asdict(problem) for problem in error.problems]
        count = f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'}"
        return {"error": f"the configuration has {count}", "problems": problems}
    return {"error": str(error)}


def connection_named(name: str) -> Inbound | Outbound:
    """A Connection of the running graph. Raises UnknownConnection."""
    graph = serving().engine.graph
    found = graph.inbounds.get(name) or graph.outbounds.get(name)
    if found is None:
        raise UnknownConnection(name, (*graph.inbounds, *graph.outbounds))
    return found
