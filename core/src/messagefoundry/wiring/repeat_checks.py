"""Whether an inbound can tell repeats, and answer them like the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from messagefoundry.contracts.settings import ConnectorSettings
    from messagefoundry.wiring.ack_checks import Finding


def telling(options: Mapping[str, Any], content_type: str, settings: ConnectorSettings | None) -> Iterator[Finding]:
    """What is wrong with telling repeats as these options of an inbound say."""
    if "dedupe" not in options:
        return
    if content_type != "hl7v2":
        yield "option 'dedupe' is for HL7 v2 alone", "leave it out", "dedupe"
    if settings is not None and settings.reply_source() is not None:
        text = "option 'dedupe' does not go with reply_from: nothing is sent for a repeat that could be replied to"
        yield text, "leave one of them out", "dedupe"
