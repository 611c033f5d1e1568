"""What configurations write: `MLLP(...)` and `Tcp(...)`."""

from messagefoundry.contracts.transport import transport
from messagefoundry_mllp.settings import MLLPSettings, TcpSettings

MLLP = transport("MLLP", MLLPSettings)
Tcp = transport("Tcp", TcpSettings)
