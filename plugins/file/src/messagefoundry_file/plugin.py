"""What this distribution registers: the connector `File`."""

from messagefoundry.contracts import ConnectorSpec, hookimpl

contract = 1


@hookimpl
def register_connectors() -> list[ConnectorSpec]:
    """`File`, in both directions."""
    return [
        ConnectorSpec(
            name="File",
            factory="messagefoundry_file:File",
            settings="messagefoundry_file.settings:FileSettings",
            inbound="messagefoundry_file.source:FileSource",
            outbound="messagefoundry_file.destination:FileDestination",
            batches=True,
        )
    ]
