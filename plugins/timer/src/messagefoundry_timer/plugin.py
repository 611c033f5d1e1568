"""What this distribution registers: the connector `Timer`."""

from messagefoundry.contracts import ConnectorSpec, hookimpl

contract = 1


@hookimpl
def register_connectors() -> list[ConnectorSpec]:
    """`Timer`, inbound only."""
    return [
        ConnectorSpec(
            name="Timer",
            factory="messagefoundry_timer:Timer",
            settings="messagefoundry_timer.settings:TimerSettings",
            inbound="messagefoundry_timer.source:TimerSource",
        )
    ]
