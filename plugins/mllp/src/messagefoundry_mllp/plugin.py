"""What this distribution adds to the engine: the Connections MLLP and Tcp."""

from __future__ import annotations

from messagefoundry.contracts import ConnectorSpec, hookimpl

contract = 1


@hookimpl
def register_connectors() -> list[ConnectorSpec]:
    """MLLP and raw TCP, both directions."""
    return [
        ConnectorSpec(
            name="MLLP",
            factory="messagefoundry_mllp:MLLP",
            settings="messagefoundry_mllp.settings:MLLPSettings",
            inbound="messagefoundry_mllp.listener:Listener",
            outbound="messagefoundry_mllp.sender:mllp_sender",
            batches=True,
        ),
        ConnectorSpec(
            name="Tcp",
            factory="messagefoundry_mllp:Tcp",
            settings="messagefoundry_mllp.settings:TcpSettings",
            inbound="messagefoundry_mllp.listener:Listener",
            outbound="messagefoundry_mllp.sender:tcp_sender",
        ),
    ]
