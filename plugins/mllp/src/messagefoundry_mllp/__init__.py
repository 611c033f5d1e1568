"""MLLP and raw TCP for MessageFoundry: `from messagefoundry_mllp import MLLP, Tcp`."""

from messagefoundry.contracts.transport import transport
from messagefoundry_mllp.settings import MLLPSettings, TcpSettings

MLLP = transport("MLLP", MLLPSettings)
Tcp = transport("Tcp", TcpSettings)

__all__ = ["MLLP", "MLLPSettings", "Tcp", "TcpSettings"]
