"""The messages of `replay-diff`, and what became of them when they came."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from messagefoundry.cli.rehearsal import REFUSED, receivers
from messagefoundry.comparing import Run, Sent
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.message import MessageError, is_batch, peek

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from messagefoundry.cli.sources import Source
    from messagefoundry.contracts.stores import MessageRow, StoreReader, WorkRow
    from messagefoundry.wiring.graph import Graph

PAGE = 500
MOST_PASSED_ON = 1000

NO_BODY = "what was received, or what was sent, is not in the store any more"
NOT_ROUTED = "not routed yet: nothing to compare with"

AGAIN = ("replay", "resend")
"""The words of a trail for what operators had done again."""


@dataclass(frozen=True, slots=True)
class Case:
    """One message. `label` is its id in the store, or says where in which file it stands.

    `message_id` and `received_at` (microseconds) are 0 for one from a file; `then` is what became of a stored one.
    """

    label: str
    inbound: str
    raw: bytes = field(repr=False)
    control_id: str = ""
    message_type: str = ""
    message_id: int = 0
    received_at: int = 0
    then: Run | None = None


@dataclass(frozen=True, slots=True)
class NotCompared:
    """A message of which not enough is known."""

    reason: str


def file_cases(sources: Iterable[Source], graphs: Sequence[Graph], inbound: str | None) -> Iterator[Case]:
    """Messages of files, each as received by the inbounds of either graph that it is meant for."""
    for source in sources:
        names = [inbound] if inbound else [each.name for graph in graphs for each in receivers(graph, source)]
        control_id, message_type = _header(source.raw)
        for name in dict.fromkeys(names):
            yield Case(source.label, name, source.raw, control_id, message_type)


def _header(raw: bytes) -> tuple[str, str]:
    try:
        header = peek(raw)
    except MessageError:
        return "", ""
    return header.for_log(10), header.for_log(9)


@dataclass(frozen=True, slots=True)
class StoredCases:
    """Messages of a store, with what became of them when `history` is asked for; the graph knows their encodings."""

    reader: StoreReader
    graph: Graph
    history: bool

    def newest(self, query: MessageQuery) -> Iterator[Case | NotCompared]:
        """The messages that `query` selects, the newest first, `limit` of them in all.

        A batch that was taken apart is passed over: each of its messages is a message.
        """
        for row in self._rows(query):
            raw = self.reader.body(row.id)
            if raw is None:
                yield NotCompared(NO_BODY)
            elif row.content_type == "hl7v2" and not row.refusal and is_batch(raw):
                continue
            elif not self.history:
                yield _case(row, raw)
            else:
                then = self._then(row)
                yield then if isinstance(then, NotCompared) else _case(row, raw, then)

    def _rows(self, query: MessageQuery) -> Iterator[MessageRow]:
        left, before = query.limit, query.before
        while left > 0:
            asked = min(PAGE, left)
            rows = self.reader.messages(replace(query, before=before, limit=asked))
            yield from rows
            if len(rows) < asked:
                return
            left, before = left - asked, rows[-1].id

    def _then(self, row: MessageRow) -> Run | NotCompared:
        if row.refusal:
            return Run("ERROR", errors=(REFUSED,))
        if row.disposition == "RECEIVED":
            return NotCompared(NOT_ROUTED)
        work, passed = self._of_last_run(row)
        if any(each.stage == "routed" and each.state == "waiting" for each in work):
            return NotCompared(NOT_ROUTED)
        return self._as_run(row, work, passed)

    def _of_last_run(self, row: MessageRow) -> tuple[list[WorkRow], list[MessageRow]]:
        """What Router and Handlers made when they last ran, work and messages passed on; what was resent is a copy."""
        work, passed = self.reader.work(row.id), self._passed_on(row)
        sole = len(work) + len(passed) == 1 and row.disposition not in ("FILTERED", "UNROUTED")
        if sole or not (work or passed):
            return work, passed
        again = {event.id for event in self.reader.trail(row.id) if event.kind in AGAIN}
        begun = max(again - {each.id for each in work}, default=0)
        of_last = [each for each in work if each.id > begun and (each.stage != "outbound" or each.id not in again)]
        return of_last, [each for each in passed if each.id > begun]

    def _passed_on(self, row: MessageRow) -> list[MessageRow]:
        """The messages that its Handlers made for other inbounds; a reply that came back says another peer."""
        if not any(each.settings.fed_by == "sends" for each in self.graph.inbounds.values()):
            return []
        came = self.reader.messages(MessageQuery(parent=row.id, limit=MOST_PASSED_ON))[::-1]
        return [each for each in came if each.depth > row.depth and each.peer == row.inbound]

    def _as_run(self, row: MessageRow, work: Sequence[WorkRow], passed: Sequence[MessageRow]) -> Run | NotCompared:
        sent = []
        for each in work:
            if each.stage == "outbound":
                payload = self.reader.body(each.id)
                if payload is None:
                    return NotCompared(NO_BODY)
                sent.append(Sent(each.lane, each.handler, payload, self._encoding(each.lane, row)))
        for child in passed:
            payload = self.reader.body(child.id)
            if payload is None:
                return NotCompared(NO_BODY)
            sent.append(Sent(child.inbound, "", payload, child.encoding))
        dead = [each for each in work if each.stage != "outbound" and each.state == "dead"]
        disposition = "ERROR" if dead else "PROCESSED" if sent else row.disposition
        return Run(disposition, tuple(sent), tuple(each.error.partition("\n")[0] for each in dead))

    def _encoding(self, lane: str, row: MessageRow) -> str:
        outbound = self.graph.outbounds.get(lane)
        return (outbound and outbound.settings.output_encoding()) or row.encoding


def _case(row: MessageRow, raw: bytes, then: Run | None = None) -> Case:
    return Case(str(row.id), row.inbound, raw, row.control_id, row.message_type, row.id, row.received_at, then)
