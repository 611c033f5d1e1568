"""The authoring calls: inbound(), outbound(), @router and @handler.

None of them raises: what is written wrongly is put down with its file and line, and all of it is reported at once.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Never, ParamSpec, TypeVar

from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.wiring.graph import Handler, Place, Router
from messagefoundry.wiring.recording import Declaration, active, caller
from messagefoundry.wiring.values import (
    AckAfter,
    AckMode,
    AckOnDeadline,
    BatchConfig,
    BuildupThreshold,
    ContentType,
    Dedupe,
    InternalErrorPolicy,
    OrderingMode,
    RetryPolicy,
    Send,
    StallThreshold,
)

if TYPE_CHECKING:
    from messagefoundry.contracts.transport import Transport

P = ParamSpec("P")
Route = TypeVar("Route", bound=Callable[[Any], list[str] | str | None])
Handle = TypeVar("Handle", bound=Callable[[Any], Send | Iterable[Send] | None])


def _records(kind: Literal["inbound", "outbound"]) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Turn a signature into a call that puts down what it was given."""

    def decorate(signature: Callable[P, None]) -> Callable[P, None]:
        parameters = inspect.signature(signature).parameters
        KEYWORDS[kind] = {name: each.default for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY}

        @functools.wraps(signature)
        def declare(*args: P.args, **options: P.kwargs) -> None:
            _declare(kind, args, options, caller())

        return declare

    return decorate


KEYWORDS: dict[str, dict[str, Any]] = {}
"""The keywords of inbound() and outbound() with their defaults, `inspect.Parameter.empty` for none."""


def _declare(kind: Literal["inbound", "outbound"], args: Sequence[Any], given: Mapping[str, Any], place: Place) -> None:
    options = dict(given)
    values = [*args[:2]]
    values += [options.pop(word, None) for word in ("name", "spec")[len(values) :]]
    name, spec = values
    label = name if isinstance(name, str) else ""
    if len(args) > 2:
        active().problem(place, label, f"{kind}() takes a name and a connector; all else is given by keyword")
    active().connections.append(Declaration(kind, name, spec, options, place))


@_records("inbound")
def inbound(
    name: str,
    spec: Transport,
    *,
    router: str,
    ack_mode: AckMode | str = AckMode.ORIGINAL,
    ack_after: AckAfter | str | None = None,
    ack_deadline_seconds: float | None = None,
    ack_on_deadline: str = AckOnDeadline.AE,
    strict: bool = False,
    hl7_version: str | None = None,
    strict_timeout_s: float | None = None,
    dedupe: Dedupe | None = None,
    content_type: ContentType | str = ContentType.HL7V2,
    auto_start: bool = True,
    deployed: bool = True,
    schedule: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    bind_address: str | None = None,
    source_ip_allowlist: Sequence[str] | None = None,
    messages_days: int | None = None,
    max_message_bytes: int | None = None,
    flagged: bool = False,
) -> None:
    """Declare an inbound Connection: messages come in through `spec` and go to the Router named `router`."""


@_records("outbound")
def outbound(
    name: str,
    spec: Transport,
    *,
    retry: RetryPolicy | None = None,
    ordering: OrderingMode | str | None = None,
    internal_error: InternalErrorPolicy | str | None = None,
    buildup: BuildupThreshold | None = None,
    stall: StallThreshold | None = None,
    batch: BatchConfig | None = None,
    simulate: bool = False,
    auto_start: bool = True,
    deployed: bool = True,
    schedule: Mapping[str, Any] | None = None,
    dead_letter_days: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    flagged: bool = False,
) -> None:
    """Declare an outbound Connection: what Handlers send to `name` goes out through `spec`, in its own lane."""


def router(name: str, **unknown: Never) -> Callable[[Route], Route]:
    """Make a function a Router: it is given a message and returns the names of Handlers, one name, or None."""
    place = caller()
    if callable(name):
        _without_parentheses("router", name, place)
        return name
    _refuse_unknown("router", name, unknown, (), place)

    def declare(function: Route) -> Route:
        if _plain(function, "router", name, place):
            active().routers.append(Router(name, function, place))
        return function

    return declare


def handler(
    name: str, *, accepts: Callable[[Any], object] | None = None, **unknown: Never
) -> Callable[[Handle], Handle]:
    """Make a function a Handler: it is given a message and returns a Send, several, or None to filter it.

    `accepts` is asked first; when it says no the Handler does not run.
    """
    place = caller()
    if callable(name):
        _without_parentheses("handler", name, place)
        return name
    _refuse_unknown("handler", name, unknown, ("accepts",), place)
    predicate: Any = accepts
    if predicate is not None and not callable(predicate):
        active().problem(place, str(name), "accepts= is a function that is given the message", "pass a function")

    def declare(function: Handle) -> Handle:
        if _plain(function, "handler", name, place):
            active().handlers.append(Handler(name, function, accepts, place))
        return function

    return declare


def _without_parentheses(word: str, function: Any, place: Place) -> None:
    name = getattr(function, "__name__", "name")
    active().problem(place, name, f"@{word} needs a name", f'write @{word}("{name}")')


def _refuse_unknown(word: str, name: Any, unknown: Iterable[str], known: Sequence[str], place: Place) -> None:
    for option in unknown:
        active().problem(place, str(name), f"@{word} has no option {option!r}", did_you_mean(option, known))


def _plain(function: Any, word: str, name: Any, place: Place) -> bool:
    """Whether `function` can run as a Router or Handler, after putting down why not."""
    if not isinstance(name, str) or not name.strip():
        active().problem(place, "", f"the name of a {word} is text", f'write @{word}("name")')
    elif not callable(function):
        active().problem(place, name, f"@{word} belongs above a function", "move it there")
    elif inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        active().problem(place, name, f"a {word} is a plain function, not an async one", "write def, not async def")
    elif not _takes_a_message(function):
        active().problem(place, name, f"a {word} is called with the message alone", "give it exactly one parameter")
    else:
        return True
    return False


def _takes_a_message(function: Callable[..., Any]) -> bool:
    """Whether `function` can be called with one positional argument; one that does not say is taken to."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(None)
    except TypeError:
        return False
    return True
