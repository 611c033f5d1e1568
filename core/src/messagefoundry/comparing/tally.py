"""How often what differed, over many messages."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from .changes import Kind
from .runs import Difference

EXAMPLES = 3


@dataclass(slots=True)
class Group:
    """The changes of one kind: in how many messages, how many in all, and in how many of them by chance.

    By chance means that the second configuration differed in the same place from itself. `examples` names messages.
    """

    kind: Kind
    messages: int = 0
    times: int = 0
    by_chance: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """What was found so far. `alone` counts the changed messages that changed by chance alone."""

    unchanged: int = 0
    changed: int = 0
    now_failing: int = 0
    now_sent: int = 0
    nothing_sent: int = 0
    alone: int = 0
    groups: dict[Kind, Group] = field(default_factory=dict)
    by_chance: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_compared: Counter[str] = field(default_factory=Counter)

    @property
    def messages(self) -> int:
        """How many were compared."""
        return self.unchanged + self.changed

    def sorted_groups(self) -> list[Group]:
        """The groups: what befalls messages as a whole, then outputs; each time those of the most messages first."""
        return sorted(self.groups.values(), key=lambda group: (group.kind.to != "", -group.messages, group.kind))

    def add(self, name: str, difference: Difference, by_chance: Collection[Kind] = ()) -> bool:
        """Count one changed message; whether it is the first example of something.

        `by_chance` has the kinds in which a second run of the same configuration differed from the first.
        """
        kinds = difference.kinds()
        places = {(kind.to, kind.path) for kind in by_chance}
        self._count(difference)
        self.by_chance.update(places)
        self.alone += all((kind.to, kind.path) in places for kind in kinds)
        return any([self._group(name, kind, times, (kind.to, kind.path) in places) for kind, times in kinds.items()])

    def _count(self, difference: Difference) -> None:
        self.changed += 1
        self.now_failing += difference.now_failing
        self.now_sent += difference.now_sent
        self.nothing_sent += difference.nothing_sent

    def _group(self, name: str, kind: Kind, times: int, by_chance: bool) -> bool:
        group = self.groups.setdefault(kind, Group(kind))
        group.messages += 1
        group.times += times
        group.by_chance += by_chance
        if len(group.examples) < EXAMPLES:
            group.examples.append(name)
        return group.messages == 1
