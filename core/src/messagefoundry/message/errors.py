"""The errors of this package; each class says what its caller can do.

    MessageError
    ├── UnreadableError          refuse the message (AE or AR); it never becomes a Message
    │   ├── HeaderError          no readable MSH: nothing of the sender is known
    │   └── DecodeError          the bytes are not text in the character set that applies
    ├── CharsetError             change the configuration: this character set cannot be used
    ├── PathError                mend the Handler: this is not a path
    ├── EditError                mend the Handler: this edit cannot be made
    │   └── MissingSegmentError  the segment is not there: add_segment() first
    ├── EncodeError              dead-letter, or choose another `encoding` for the outbound
    └── BodyError                the body of a RawMessage is not the text, JSON or XML asked for

The text of an error names a place (segment, sequence, path, byte), never content.
"""


class MessageError(Exception):
    """Anything that this package raises on purpose."""


class UnreadableError(MessageError):
    """These bytes are not an HL7 message that can be read."""


class HeaderError(UnreadableError):
    """There is no readable MSH segment."""


class DecodeError(UnreadableError):
    """The bytes are not text in the character set that applies."""


class CharsetError(MessageError):
    """This character set is unknown or cannot carry HL7 v2."""


class PathError(MessageError):
    """This is not a path of the form SEG-field[.component[.subcomponent]]."""


class EditError(MessageError):
    """This edit cannot be made."""


class MissingSegmentError(EditError):
    """The segment that was to be edited is not in the message."""


class EncodeError(MessageError):
    """A character does not exist in the character set of the outgoing message."""


class BodyError(MessageError):
    """The body is not what it was read as."""
