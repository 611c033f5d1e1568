"""What is installed: plugins found through their entry points, and everything that they register, by name."""

from messagefoundry.plugins.discovery import Candidate, collect, installed
from messagefoundry.plugins.offers import NotInstalledError, offer, pip_line
from messagefoundry.plugins.registry import BrokenPlugin, Clash, Installed, Plugin, Registered

__all__ = [
    "BrokenPlugin",
    "Candidate",
    "Clash",
    "Installed",
    "NotInstalledError",
    "Plugin",
    "Registered",
    "collect",
    "installed",
    "offer",
    "pip_line",
]
