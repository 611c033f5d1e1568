"""JavaScript expressions as Python, where both surely mean the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.paths import Place, place_of
from messagefoundry.importing.pytext import quoted
from messagefoundry.importing.scope import OTHER_MAPS, SAFE_MAPS
from messagefoundry.importing.syntax import Binary, Invoke, Member, Name, Node, Not, Number, Text, Truth

if TYPE_CHECKING:
    from messagefoundry.importing.scope import Scope

_DELIMITERS = re.compile(r"[|^~\\&\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_PLAIN_METHODS = {"trim": "strip", "toUpperCase": "upper", "toLowerCase": "lower"}
_TESTS = {"startsWith": "startswith", "endsWith": "endswith"}
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_FOUND = {(">", -1), (">=", 0), ("!=", -1), ("!==", -1)}
_MISSING = {("==", -1), ("===", -1), ("<", 0)}


class Kind(Enum):
    """What a JavaScript expression gives."""

    TEXT = "text"
    VALUE = "a value of a map"
    XML = "an element of the message"
    NUMBER = "a number"
    INDEX = "a position"
    TRUTH = "true or false"


@dataclass(frozen=True, slots=True)
class Python:
    """An expression in Python. `bare` is the same where None and "" need not be told apart.

    `loose`: it needs parentheses before an attribute and beside an operator. `safe`: text of its own that has no
    delimiter of HL7 in it, or text from a message. INDEX keeps what is looked for in `sought`. `parts` are the operands
    of a chain of `word`. `subject` compared with `options` is kept so that several become one `in`.
    """

    text: str
    kind: Kind
    bare: str = ""
    loose: bool = False
    safe: bool = True
    constant: bool = False
    sought: str = ""
    word: str = ""
    parts: tuple[str, ...] = ()
    subject: str = ""
    options: tuple[str, ...] = ()

    @property
    def tight(self) -> str:
        """The text, in parentheses when they are needed."""
        return f"({self.text})" if self.loose else self.text

    @property
    def short(self) -> str:
        """`bare` when there is one, else the text, in parentheses when they are needed."""
        return self.bare or self.tight


def read(place: Place, scope: Scope) -> str:
    """What reads a place; it gives None where the place is not there."""
    scope.has(place.message)
    if place.segment == "MSH" and place.numbers[:1] in ((1,), (2,)):
        raise Untranslatable("it reads the delimiters")
    if place.level < 2:
        raise Untranslatable(f"it reads {_level_name(place)} as a whole, which is XML there")
    words = [f"occurrence={place.occurrence}"] if place.occurrence > 1 else []
    words += [f"repetition={place.repetition}"] if place.repetition > 1 else []
    if words:
        return f"{place.message}.field({quoted(place.path)}, {', '.join(words)})"
    return f"{place.message}[{quoted(place.path)}]"


def _level_name(place: Place) -> str:
    return f"the segment {place.segment}" if place.level == 0 else f"the field {place.path}"


def translate(node: Node, scope: Scope) -> Python:
    """The expression in Python. Raises Untranslatable."""
    match node:
        case Text(value):
            return Python(quoted(value), Kind.TEXT, safe=not _DELIMITERS.search(value), constant=True)
        case Number(value):
            return Python(str(value), Kind.NUMBER, constant=True)
        case Truth(value):
            return Python(str(value), Kind.TRUTH, constant=True)
        case Not(operand):
            return Python(f"not {truth(operand, scope).short}", Kind.TRUTH, loose=True)
        case Binary():
            return _binary(node, scope)
        case Invoke(function, arguments):
            return _invoked(function, arguments, scope)
        case Name(name):
            if name not in scope.names:
                raise Untranslatable(f"{name!a} is not known")
            return Python(scope.names[name], Kind.TEXT)
        case Member():
            return _member(node, scope)
        case _:
            raise Untranslatable("an array stands where none is understood")


def _member(node: Member, scope: Scope) -> Python:
    if isinstance(node.key, Text) and node.dotted and node.key.value == "length":
        of = text(node.of, scope)
        return Python(f"len({of.text})", Kind.NUMBER)
    place = place_of(node)
    if place is None:
        raise Untranslatable("it reads a property of something that is not the message")
    found = read(place, scope)
    return Python(f"{found} or {quoted('')}", Kind.XML, bare=found, loose=True)


def text(node: Node, scope: Scope) -> Python:
    """An expression that gives text. Raises Untranslatable for every other."""
    found = translate(node, scope)
    if found.kind is not Kind.TEXT:
        raise Untranslatable(f"{found.kind.value} stands where text is understood (toString() makes text)")
    return found


def stored(node: Node, scope: Scope) -> Python:
    """An expression whose value can be kept in a map or written to a message: text, or what a map has."""
    found = translate(node, scope)
    if found.kind not in (Kind.TEXT, Kind.VALUE):
        raise Untranslatable(f"{found.kind.value} stands where text is understood (toString() makes text)")
    return found


def written(found: Python) -> Python:
    """An expression whose text can be written to a message: nothing in it is taken for a delimiter."""
    if not found.safe:
        raise Untranslatable("a text of its own has a delimiter of HL7, a line break or a control character in it")
    return found


def strict(node: Node, scope: Scope) -> Python:
    """An expression that is surely `true` or `false`, as a rule must give."""
    found = translate(node, scope)
    if found.kind is not Kind.TRUTH:
        raise Untranslatable(f"{found.kind.value} stands where true or false is understood")
    return found


def truth(node: Node, scope: Scope) -> Python:
    """An expression as a condition: true or false, or text, which is false when it is empty."""
    if isinstance(node, Binary) and node.operator in ("&&", "||"):
        left, right = truth(node.left, scope), truth(node.right, scope)
        return _joined(node.operator, left, right)
    found = translate(node, scope)
    if found.kind not in (Kind.TRUTH, Kind.TEXT):
        raise Untranslatable(f"{found.kind.value} stands where true or false is understood")
    return found if found.kind is Kind.TRUTH else replace(found, text=found.short, loose=False)


def _joined(operator: str, left: Python, right: Python) -> Python:
    word, membership = ("and", "not in") if operator == "&&" else ("or", "in")
    if left.subject and left.subject == right.subject and left.sought == right.sought == membership:
        return among(left.subject, membership, (*left.options, *right.options))
    parts = (*_operands(left, word), *_operands(right, word))
    return Python(f" {word} ".join(parts), Kind.TRUTH, loose=True, word=word, parts=parts)


def _operands(found: Python, word: str) -> tuple[str, ...]:
    """What a chain of `word` takes over; a chain of the other word goes into parentheses."""
    if found.word == word:
        return found.parts
    return (f"({found.text})" if found.word else found.text,)


def among(subject: str, membership: str, options: tuple[str, ...]) -> Python:
    """Whether a text is one of several constants, or is not."""
    options = tuple(dict.fromkeys(options))
    sign = {"in": "==", "not in": "!="}[membership]
    said = f"{sign} {options[0]}" if len(options) == 1 else f"{membership} ({', '.join(options)})"
    return Python(f"{subject} {said}", Kind.TRUTH, loose=True, sought=membership, subject=subject, options=options)


def _binary(node: Binary, scope: Scope) -> Python:
    if node.operator in ("&&", "||"):
        return _joined(node.operator, strict(node.left, scope), strict(node.right, scope))
    if node.operator == "+":
        left, right = stored(node.left, scope), stored(node.right, scope)
        if Kind.TEXT not in (left.kind, right.kind):
            raise Untranslatable("two values of maps are added")
        first = left.text if left.word == "+" else left.tight
        return Python(f"{first} + {right.tight}", Kind.TEXT, loose=True, safe=left.safe and right.safe, word="+")
    left, right = translate(node.left, scope), translate(node.right, scope)
    if left.constant and not right.constant:
        return _compared(_FLIPPED.get(node.operator, node.operator), right, left)
    return _compared(node.operator, left, right)


def _compared(operator: str, left: Python, right: Python) -> Python:
    if left.kind is Kind.INDEX and right.kind is Kind.NUMBER and right.constant:
        return _position(operator, left, int(right.text))
    if left.kind is Kind.NUMBER and right.kind is Kind.NUMBER:
        return Python(f"{left.text} {_plain(operator)} {right.text}", Kind.TRUTH, loose=True)
    if operator not in ("==", "===", "!=", "!=="):
        raise Untranslatable(f"texts are compared with {operator}")
    return equal(operator, left, right)


def _position(operator: str, found: Python, number: int) -> Python:
    if (operator, number) in _FOUND:
        return Python(f"{found.sought} in {found.text}", Kind.TRUTH, loose=True)
    if (operator, number) in _MISSING:
        return Python(f"{found.sought} not in {found.text}", Kind.TRUTH, loose=True)
    raise Untranslatable("a position in a text is compared with something else than -1 or 0")


def equal(operator: str, left: Python, right: Python) -> Python:
    """Text beside text. `===` tells elements and what maps have from text, so it is refused for those."""
    kinds = (left.kind, right.kind)
    if Kind.TEXT not in kinds or any(kind not in (Kind.TEXT, Kind.VALUE, Kind.XML) for kind in kinds):
        raise Untranslatable(f"{left.kind.value} is compared with {right.kind.value}")
    if operator in ("===", "!==") and kinds != (Kind.TEXT, Kind.TEXT):
        raise Untranslatable(f"{operator} tells {left.kind.value} from text of the same letters")
    if right.constant and not right.safe:
        raise Untranslatable("a text with a delimiter of HL7 in it is compared, and escapes are read differently")
    if right.constant and not left.constant:
        shown = left.tight if right.text == '""' else left.short
        return among(shown, "in" if _plain(operator) == "==" else "not in", (right.text,))
    return Python(f"{left.tight} {_plain(operator)} {right.tight}", Kind.TRUTH, loose=True)


def _plain(operator: str) -> str:
    return {"===": "==", "!==": "!="}.get(operator, operator)


def _invoked(function: Node, arguments: tuple[Node, ...], scope: Scope) -> Python:
    if isinstance(function, Name):
        return _looked_up(function.name, arguments, scope)
    if not isinstance(function, Member) or not isinstance(function.key, Text):
        raise Untranslatable("it calls something that is not known")
    of, name = function.of, function.key.value
    if isinstance(of, Name) and (of.name in SAFE_MAPS or of.name in OTHER_MAPS):
        if name != "get":
            raise Untranslatable(f"it calls {of.name}.{name}")
        return _got(scope.map_named(of.name), arguments, scope)
    return _method(translate(of, scope), name, arguments, scope)


def _looked_up(name: str, arguments: tuple[Node, ...], scope: Scope) -> Python:
    if name == "$":
        key = _key(arguments)
        return Python(f"{scope.known(key, ('connector_map', 'channel_map'))}[{quoted(key)}]", Kind.VALUE)
    if name in SAFE_MAPS or name in OTHER_MAPS:
        return _got(scope.map_named(name), arguments, scope)
    raise Untranslatable(f"it calls {name}(), which is not known")


def _got(map_name: str, arguments: tuple[Node, ...], scope: Scope) -> Python:
    key = _key(arguments)
    return Python(f"{scope.known(key, (map_name,))}[{quoted(key)}]", Kind.VALUE)


def _key(arguments: tuple[Node, ...]) -> str:
    if len(arguments) != 1 or not isinstance(arguments[0], Text):
        raise Untranslatable("the key of a map is computed")
    return arguments[0].value


def _method(of: Python, name: str, arguments: tuple[Node, ...], scope: Scope) -> Python:
    if name == "toString" and not arguments and of.kind in (Kind.TEXT, Kind.VALUE, Kind.XML):
        return replace(of, kind=Kind.TEXT)
    if of.kind is not Kind.TEXT:
        raise Untranslatable(f"{of.kind.value} is asked for {name}() (toString() makes text)")
    if name in _PLAIN_METHODS and not arguments:
        return Python(f"{of.tight}.{_PLAIN_METHODS[name]}()", Kind.TEXT, safe=of.safe)
    if name == "substring":
        return Python(f"{of.tight}[{_slice(arguments)}]", Kind.TEXT, safe=of.safe)
    if name in (*_TESTS, "indexOf", "includes") and len(arguments) == 1:
        return _searched(of, name, text(arguments[0], scope))
    raise Untranslatable(f"it calls {name}() of a text")


def _searched(of: Python, name: str, sought: Python) -> Python:
    if not sought.constant or not sought.safe or sought.text == '""':
        raise Untranslatable(f"what {name}() looks for is computed, empty, or has a delimiter of HL7 in it")
    if name == "indexOf":
        return Python(of.tight, Kind.INDEX, sought=sought.text)
    if name == "includes":
        return Python(f"{sought.text} in {of.tight}", Kind.TRUTH, loose=True)
    return Python(f"{of.tight}.{_TESTS[name]}({sought.text})", Kind.TRUTH)


def _slice(arguments: tuple[Node, ...]) -> str:
    numbers = [each.value for each in arguments if isinstance(each, Number)]
    if len(numbers) != len(arguments) or len(numbers) not in (1, 2) or numbers != sorted(numbers) or numbers[0] < 0:
        raise Untranslatable("the ends of substring() are computed, negative or in reverse")
    return ":".join([str(numbers[0] or ""), *([str(numbers[1])] if len(numbers) == 2 else [""])])
