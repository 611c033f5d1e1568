"""The tree of a script: the statements and expressions that are understood."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal."""

    value: str


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number."""

    value: int


@dataclass(frozen=True, slots=True)
class Truth:
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`of[key]`; `of.name` has the name as Text and `dotted`."""

    of: Node
    key: Node
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class Invoke:
    """A call."""

    function: Node
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Several:
    """An array literal."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`!operand`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what stands between them."""

    operator: str
    left: Node
    right: Node


Node = Text | Number | Truth | Name | Member | Invoke | Several | Not | Binary


@dataclass(frozen=True, slots=True)
class Var:
    """`var name = value`."""

    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class Assign:
    """`target = value`."""

    target: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Delete:
    """`delete target`."""

    target: Node


@dataclass(frozen=True, slots=True)
class Perform:
    """An expression as a statement."""

    value: Node


@dataclass(frozen=True, slots=True)
class Return:
    """`return value`."""

    value: Node | None


@dataclass(frozen=True, slots=True)
class If:
    """`if (condition) then else otherwise`."""

    condition: Node
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


Statement = Var | Assign | Delete | Perform | Return | If
