"""Made-up HL7 v2.5.1 messages: seeded, conformant, and of nobody.

Patients, staff, places and numbers are invented: family names that say so, telephone numbers of the range kept for
fiction, addresses of towns that are not there, identifiers of the authority TEST, MSH-11 `T` (training).
"""

from .compose import Generated, generated, series
from .kinds import KINDS, Kind, UnknownTypeError, kinds_named

__all__ = ["KINDS", "Generated", "Kind", "UnknownTypeError", "generated", "kinds_named", "series"]
