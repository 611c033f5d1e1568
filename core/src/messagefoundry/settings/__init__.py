"""How an instance is run: `messagefoundry.toml`, `MEFOR_<SECTION>_<KEY>` and the command line, as one typed value."""

from messagefoundry.settings.load import DEFAULT_FILE, Loaded, load_settings
from messagefoundry.settings.model import Settings
from messagefoundry.settings.posture import Findings, Posture, check_posture, posture_of

__all__ = [
    "DEFAULT_FILE",
    "Findings",
    "Loaded",
    "Posture",
    "Settings",
    "check_posture",
    "load_settings",
    "posture_of",
]
