"""Strict validation: a message held against hl7apy's schema of its version.

hl7apy brings the tables of every version (which segments, fields and components there are, which are required, how
often they may repeat) and the checks of the primitive data types. It is imported when a Connection asks for it.
"""

from .faults import Fault, Report, Rule
from .schema import PIP_LINE, SchemaUnavailableError, known_versions
from .validator import TakesTooLongError, Validator

__all__ = [
    "PIP_LINE",
    "Fault",
    "Report",
    "Rule",
    "SchemaUnavailableError",
    "TakesTooLongError",
    "Validator",
    "known_versions",
]
