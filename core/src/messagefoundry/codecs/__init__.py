"""The content types that need no plugin: HL7 v2, and JSON, XML, text and binary as raw messages."""
