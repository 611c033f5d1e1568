"""Small pure functions for Handlers: points in time, ages, identifiers, copies of segments, codes.

They read nothing but their arguments, so a Handler that runs again gives the same result. Absent text (None), empty
text ("") and the HL7 null ('""', v2.5.1 §2.5.3) have no value: what makes text from text gives them back as they are,
what reads them gives None. What cannot be read is a ValueError that says which rule is broken, without the text.
"""

from messagefoundry.hl7.ages import Age, age, elapsed, length_of_stay
from messagefoundry.hl7.codes import look_up
from messagefoundry.hl7.identifiers import pad, trim, unpad
from messagefoundry.hl7.segments import SET_ID_SEGMENTS, copy_segments, renumber
from messagefoundry.hl7.timestamps import (
    Precision,
    in_zone,
    precision_of,
    read_date,
    read_timestamp,
    sender_zone,
    write_timestamp,
)
from messagefoundry.hl7.values import has_value

__all__ = [
    "SET_ID_SEGMENTS",
    "Age",
    "Precision",
    "age",
    "copy_segments",
    "elapsed",
    "has_value",
    "in_zone",
    "length_of_stay",
    "look_up",
    "pad",
    "precision_of",
    "read_date",
    "read_timestamp",
    "renumber",
    "sender_zone",
    "trim",
    "unpad",
    "write_timestamp",
]
