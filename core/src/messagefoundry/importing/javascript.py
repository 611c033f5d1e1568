"""A small part of JavaScript, enough for one-liners: text -> a tree. Everything else is refused, with the reason.

Statements: var, assignment, if / else, return, delete, calls. Expressions: literals, names, members, calls, `+`,
comparisons, `&&`, `||` and `!`. Semicolons may be left out at line ends, as the language allows (ECMA-262 §12.9).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.syntax import (
    Assign,
    Binary,
    Delete,
    If,
    Invoke,
    Member,
    Name,
    Node,
    Not,
    Number,
    Perform,
    Return,
    Several,
    Statement,
    Text,
    Truth,
    Var,
)

DEEPEST = 120
LONGEST_CHAIN = 100
LONGEST = 20_000


class Token(NamedTuple):
    """One token; `kind` is name, text, number, operator or end. `fresh`: first on its line."""

    kind: str
    value: str
    fresh: bool


_TOKEN = re.compile(
    r"""(?P<space>[ \t\n\r]+|//[^\n\r]*|/\*.*?\*/)
    |(?P<text>'(?:[^'\\\n\r]|\\.)*'|"(?:[^"\\\n\r]|\\.)*")
    |(?P<number>(?:0|[1-9][0-9]{0,8})(?![0-9A-Za-z_.$]))
    |(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
    |(?P<operator>===|!==|==|!=|<=|>=|&&|\|\||[-.,;(){}\[\]=<>+!])""",
    re.X | re.S,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|.)", re.S)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "'": "'", '"': '"', "\\": "\\", "/": "/"}
_LEVELS = (("||",), ("&&",), ("===", "!==", "==", "!="), ("<", ">", "<=", ">="), ("+",))
_WORDS = frozenset(
    {"break", "case", "catch", "class", "const", "continue", "default", "delete", "do", "else", "export", "finally"}
    | {"for", "function", "if", "import", "in", "instanceof", "let", "new", "null", "return", "super", "switch", "this"}
    | {"throw", "try", "typeof", "undefined", "var", "void", "while", "with", "yield"}
)
"""Words that are no variables: where one of these stands as a value, the script is beyond what is translated."""


def script(source: str) -> tuple[Statement, ...]:
    """The statements of a script. Raises Untranslatable."""
    return _Parser(source).statements("end")


def expression(source: str) -> Node:
    """One expression, and nothing behind it but a semicolon. Raises Untranslatable."""
    parser = _Parser(source)
    found = parser.expression()
    parser.skip(";")
    if parser.here.kind != "end":
        raise Untranslatable("it is more than one expression")
    return found


def _tokens(source: str) -> list[Token]:
    if len(source) > LONGEST:
        raise Untranslatable("the script is long")
    found: list[Token] = []
    at, fresh = 0, True
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise Untranslatable(f"{source[at]!a} is beyond what is translated")
        at, kind = match.end(), match.lastgroup or ""
        if kind == "space":
            fresh = fresh or "\n" in match[0] or "\r" in match[0]
            continue
        found.append(Token(kind, match[0], fresh))
        fresh = False
    return [*found, Token("end", "", True)]


def _literal(token: str) -> str:
    def plain(match: re.Match[str]) -> str:
        said = match[1]
        if len(said) > 1:
            return chr(int(said[1:], 16))
        if said not in _ESCAPED:
            raise Untranslatable(f"a text has the escape \\{said!a}")
        return _ESCAPED[said]

    return _ESCAPE.sub(plain, token[1:-1])


class _Parser:
    """Recursive descent, no look-back; every depth is counted."""

    def __init__(self, source: str) -> None:
        self.tokens = _tokens(source)
        self.at = 0
        self.depth = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.here
        self.at += 1
        return token

    def is_at(self, *values: str) -> bool:
        return self.here.kind in ("operator", "name") and self.here.value in values

    def skip(self, value: str) -> bool:
        if self.is_at(value):
            self.at += 1
            return True
        return False

    def expect(self, value: str) -> None:
        if not self.skip(value):
            raise self.beyond()

    def beyond(self) -> Untranslatable:
        shown = self.here.value if self.here.kind in ("operator", "name") else f"a {self.here.kind}"
        return Untranslatable(f"{shown!a} is beyond what is translated" if self.here.kind != "end" else "it ends early")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Untranslatable("it is nested deeply")

    def longer(self, links: int) -> int:
        if links >= LONGEST_CHAIN:
            raise Untranslatable("a chain in it is long")
        return links + 1

    def statements(self, end: str) -> tuple[Statement, ...]:
        found: list[Statement] = []
        while not (self.here.kind == "end" if end == "end" else self.is_at(end)):
            if not self.skip(";"):
                found.append(self.statement())
        return tuple(found)

    def statement(self) -> Statement:
        self.deeper()
        found = self._statement()
        self.depth -= 1
        return found

    def _statement(self) -> Statement:
        if self.is_at("if"):
            return self.condition()
        if self.is_at("return"):
            self.take()
            bare = self.here.fresh or self.here.kind == "end" or self.is_at(";", "}")
            return self.ended(Return(None if bare else self.expression()))
        if self.is_at("var", "let", "const"):
            return self.variable()
        if self.is_at("delete"):
            self.take()
            return self.ended(Delete(self.postfix()))
        value = self.expression()
        if self.skip("="):
            return self.ended(Assign(value, self.expression()))
        return self.ended(Perform(value))

    def ended(self, found: Statement) -> Statement:
        if not (self.skip(";") or self.is_at("}") or self.here.fresh):
            raise self.beyond()
        return found

    def variable(self) -> Statement:
        self.take()
        if self.here.kind != "name" or self.here.value in _WORDS:
            raise self.beyond()
        name = self.take().value
        self.expect("=")
        return self.ended(Var(name, self.expression()))

    def condition(self) -> If:
        self.take()
        self.expect("(")
        condition = self.expression()
        self.expect(")")
        then = self.block()
        otherwise = self.block() if self.skip("else") else ()
        return If(condition, then, otherwise)

    def block(self) -> tuple[Statement, ...]:
        if not self.skip("{"):
            return (self.statement(),)
        found = self.statements("}")
        self.expect("}")
        return found

    def expression(self, level: int = 0) -> Node:
        self.deeper()
        found = self.unary() if level == len(_LEVELS) else self.chain(level)
        self.depth -= 1
        return found

    def chain(self, level: int) -> Node:
        left, links = self.expression(level + 1), 0
        while self.is_at(*_LEVELS[level]):
            links = self.longer(links)
            left = Binary(self.take().value, left, self.expression(level + 1))
        return left

    def unary(self) -> Node:
        if self.skip("!"):
            self.deeper()
            return Not(self.unary())
        if self.skip("-"):
            if self.here.kind != "number":
                raise self.beyond()
            return Number(-int(self.take().value))
        return self.postfix()

    def postfix(self) -> Node:
        found, links = self.primary(), 0
        while True:
            links = self.longer(links)
            if self.skip("."):
                if self.here.kind != "name":
                    raise self.beyond()
                found = Member(found, Text(self.take().value), dotted=True)
            elif self.skip("["):
                found = Member(found, self.expression())
                self.expect("]")
            elif self.skip("("):
                found = Invoke(found, self.items(")"))
            else:
                return found

    def primary(self) -> Node:
        if self.skip("("):
            found = self.expression()
            self.expect(")")
            return found
        if self.skip("["):
            return Several(self.items("]"))
        if self.here.kind == "text":
            return Text(_literal(self.take().value))
        if self.here.kind == "number":
            return Number(int(self.take().value))
        if self.here.kind != "name" or self.here.value in _WORDS:
            raise self.beyond()
        name = self.take().value
        return Truth(name == "true") if name in ("true", "false") else Name(name)

    def items(self, end: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.skip(end):
            if found:
                self.expect(",")
            found.append(self.expression())
        return tuple(found)
