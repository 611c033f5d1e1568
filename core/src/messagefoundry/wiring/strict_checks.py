"""Whether an inbound can hold its messages against a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.strict import PIP_LINE, SchemaUnavailableError, known_versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from messagefoundry.wiring.ack_checks import Finding


def holding(options: Mapping[str, Any], content_type: str) -> Iterator[Finding]:
    """What is wrong with strict validation as these options of an inbound say."""
    if not options.get("strict"):
        for option in ("hl7_version", "strict_timeout_s"):
            if option in options:
                yield f"option {option!r} is for strict validation", "add strict=True, or leave it out", option
        return
    if content_type != "hl7v2":
        yield "option 'strict' is for HL7 v2 alone", "leave it out", "strict"
        return
    try:
        versions = known_versions()
    except SchemaUnavailableError as error:
        yield f"option 'strict': {error}", PIP_LINE, "strict"
        return
    version = options.get("hl7_version")
    if version is not None and version not in versions:
        mend = did_you_mean(version, versions) or f"one of {', '.join(sorted(versions))}"
        yield "option 'hl7_version' is no version of HL7 v2 that there is a schema of", mend, "hl7_version"
