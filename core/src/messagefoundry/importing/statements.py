"""JavaScript statements as Python lines, where both surely mean the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.expressions import Python, stored, strict, text, translate, truth, written
from messagefoundry.importing.paths import Place, place_of
from messagefoundry.importing.pytext import STEP, WIDTH, call, listed, local_name, quoted
from messagefoundry.importing.scope import OTHER_MAPS, SAFE_MAPS
from messagefoundry.importing.syntax import (
    Assign,
    Delete,
    If,
    Invoke,
    Member,
    Name,
    Node,
    Number,
    Perform,
    Return,
    Several,
    Statement,
    Text,
    Var,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from messagefoundry.importing.scope import Known, Scope

_LEVELS = ("trace", "debug", "info", "warn", "error")


def lines_of(statements: Iterable[Statement], scope: Scope, indent: int) -> list[str]:
    """The statements as Python lines. Raises Untranslatable when one of them has no unmistakable counterpart."""
    found = [line for statement in statements for line in _statement(statement, scope, indent)]
    if any(len(line) > WIDTH for line in found):
        raise Untranslatable("a line of it would be long")
    return found


def _statement(statement: Statement, scope: Scope, indent: int) -> list[str]:
    pad = " " * indent
    match statement:
        case Var(name, value):
            found = text(value, scope)
            return [f"{pad}{_declared(name, scope)} = {found.text}"]
        case Assign(target, value):
            return _assigned(target, value, scope, indent)
        case Delete(target):
            return [pad + _deleted(target, scope)]
        case Perform(value):
            return _performed(value, scope, indent)
        case Return(value):
            return _returned(value, scope, indent)
        case If(condition, then, otherwise):
            return _branched(condition, then, otherwise, scope, indent)


def _declared(name: str, scope: Scope) -> str:
    """Our name of a variable that is declared here, told apart from all others."""
    mine = local_name(name)
    if any(ours == mine and theirs != name for theirs, ours in scope.names.items()):
        raise Untranslatable(f"{name!a} and another variable would have one name")
    scope.names[name] = mine
    return mine


def _returned(value: Node | None, scope: Scope, indent: int) -> list[str]:
    if not scope.filtering:
        raise Untranslatable("a step returns early")
    return [" " * indent + "return False"] if value is None else returned(strict(value, scope), indent)


def returned(found: Python, indent: int) -> list[str]:
    """`return` and a condition; one that is too long for a line is judged operand by operand."""
    pad = " " * indent
    flat = f"{pad}return {found.text}"
    if len(flat) <= WIDTH or not found.parts:
        return _options_apart(found, flat, indent)
    test, end = ("if not ", "False") if found.word == "and" else ("if ", "True")
    lines = []
    for part in found.parts[:-1]:
        lines += [f"{pad}{test}{_negatable(part, test)}:", f"{pad}{' ' * STEP}return {end}"]
    return [*lines, f"{pad}return {found.parts[-1]}"]


def _negatable(part: str, test: str) -> str:
    called = re.fullmatch(r"\w+\([\w, ]*\)", part)
    return part if test == "if " or called else f"({part})"


def _options_apart(found: Python, flat: str, indent: int, before: str = "return ") -> list[str]:
    """Whether a text is one of many: an option a line when they do not fit on one."""
    if len(flat) <= WIDTH or len(found.options) < 2:
        return [flat]
    pad = " " * indent
    options = [f"{pad}{' ' * STEP}{option}," for option in found.options]
    return [f"{pad}{before}{found.subject} {found.sought} (", *options, f"{pad})"]


def chosen(found: Python, indent: int) -> list[str]:
    """`if` and a condition; one that is too long for a line is put together before."""
    pad = " " * indent
    flat = f"{pad}if {found.text}:"
    if len(flat) <= WIDTH:
        return [flat]
    rest = [f"{pad}met = met {found.word} {part}" for part in found.parts[1:]]
    first = [f"{pad}met = {found.parts[0]}"] if found.parts else _options_apart(found, flat, indent, "met = ")
    return [flat] if first == [flat] else [*first, *rest, f"{pad}if met:"]


def _branched(
    condition: Node, then: tuple[Statement, ...], otherwise: tuple[Statement, ...], scope: Scope, indent: int
) -> list[str]:
    pad = " " * indent
    head = chosen(truth(condition, scope), indent)
    yes, no = scope.branch(), scope.branch()
    found = [*head, *_block(then, yes, indent)]
    if otherwise:
        found += [f"{pad}else:", *_block(otherwise, no, indent)]
    for name, keys in scope.keys.items():
        keys |= yes.keys[name] & no.keys[name]
    return found


def _block(statements: tuple[Statement, ...], scope: Scope, indent: int) -> list[str]:
    found = lines_of(statements, scope, indent + STEP)
    empty = all(line.lstrip().startswith("#") for line in found)
    return [*found, f"{' ' * (indent + STEP)}pass"] if empty else found


def _assigned(target: Node, value: Node, scope: Scope, indent: int) -> list[str]:
    if isinstance(target, Name) and target.name in scope.names:
        return [f"{' ' * indent}{scope.names[target.name]} = {text(value, scope).text}"]
    place = place_of(target)
    if place is None:
        raise Untranslatable("it assigns to something that is not a place of the message")
    return put(place, stored(value, scope), scope, indent)


def put(place: Place, value: Python, scope: Scope, indent: int) -> list[str]:
    """What writes text at a place; a segment that is missing is added, as E4X does (ECMA-357 §9.2.1.2)."""
    refuse_filtering(scope, "writes to the message")
    scope.has(place.message)
    if place.level == 0 or place.occurrence > 1 or place.repetition > 1:
        raise Untranslatable("it writes a whole segment, or to a repetition behind the first")
    if place.segment == "MSH" and place.numbers[0] < 3:
        raise Untranslatable("it writes the delimiters")
    shown = written(value).text
    line = f"{' ' * indent}{place.message}[{quoted(place.path)}] = {shown}"
    if place.segment == "MSH" and len(line) <= WIDTH:
        return [line]
    scope.used.add("put")
    return call("put", place.message, quoted(place.path), shown).lines(indent)


def _deleted(target: Node, scope: Scope) -> str:
    refuse_filtering(scope, "deletes from the message")
    place = place_of(target)
    if place is None or place.chosen or place.level > 1 or place.segment == "MSH":
        raise Untranslatable("it deletes something else than all segments of a name, or a field")
    scope.has(place.message)
    if place.level == 0:
        return f"{place.message}.delete_segments({quoted(place.segment)})"
    return f"{place.message}[{quoted(place.path)}] = None"


def refuse_filtering(scope: Scope, what: str) -> None:
    """Raise Untranslatable in a filter, whose rules only judge here."""
    if scope.filtering:
        raise Untranslatable(f"a rule {what}")


def _performed(value: Node, scope: Scope, indent: int) -> list[str]:
    if not isinstance(value, Invoke):
        raise Untranslatable("a statement does nothing")
    function, arguments = value.function, value.arguments
    if isinstance(function, Name) and function.name in (*SAFE_MAPS, *OTHER_MAPS):
        return _kept(function.name, arguments, scope, indent)
    if not isinstance(function, Member) or not isinstance(function.key, Text) or not isinstance(function.of, Name):
        raise Untranslatable("it calls something that is not known")
    of, name = function.of.name, function.key.value
    if of in (*SAFE_MAPS, *OTHER_MAPS) and name == "put":
        return _kept(of, arguments, scope, indent)
    if of == "destinationSet":
        return _removed(name, arguments, scope, indent)
    if of == "logger" and name in _LEVELS:
        return _logged(arguments, scope, indent)
    raise Untranslatable(f"it calls {of}.{name}()")


def _kept(name: str, arguments: tuple[Node, ...], scope: Scope, indent: int) -> list[str]:
    refuse_filtering(scope, "puts a value into a map")
    map_name = scope.map_named(name)
    if len(arguments) != 2 or not isinstance(arguments[0], Text):
        raise Untranslatable("the key of a map is computed")
    return keep(map_name, arguments[0].value, stored(arguments[1], scope), scope, indent)


def keep(map_name: str, key: str, value: Python, scope: Scope, indent: int) -> list[str]:
    """What puts a value into a map."""
    scope.used.add(map_name)
    scope.keys[map_name].add(key)
    return [f"{' ' * indent}{map_name}[{quoted(key)}] = {value.text}"]


def _logged(arguments: tuple[Node, ...], scope: Scope, indent: int) -> list[str]:
    """Logs hold no values of messages here: the call is left out, if it does nothing but log."""
    for argument in arguments:
        translate(argument, scope)
    return [f"{' ' * indent}# The channel logs here."]


def _removed(name: str, arguments: tuple[Node, ...], scope: Scope, indent: int) -> list[str]:
    if scope.destinations is None:
        raise Untranslatable("destinationSet is used outside of the source transformer")
    named = _destinations(arguments, scope.destinations)
    everyone = [each.slug for each in scope.destinations]
    if name == "remove" and arguments:
        gone = named
    elif name == "removeAllExcept" and arguments:
        gone = [each for each in everyone if each not in named]
    elif name == "removeAll" and not arguments:
        gone = everyone
    else:
        raise Untranslatable(f"it calls destinationSet.{name}() in a way that is not known")
    scope.used.add("removed")
    return call("removed.update", listed([quoted(each) for each in gone])).lines(indent) if gone else []


def _destinations(arguments: tuple[Node, ...], known: Sequence[Known]) -> list[str]:
    items = [each for one in arguments for each in (one.items if isinstance(one, Several) else (one,))]
    slugs: dict[object, str] = {each.name: each.slug for each in known} | {each.number: each.slug for each in known}
    found = []
    for each in items:
        slug = slugs.get(each.value) if isinstance(each, Number | Text) else None
        if slug is None:
            raise Untranslatable("it removes a destination that the channel does not have")
        found.append(slug)
    return found
