"""The sentences about a Connection in the words of connections.toml: factories and plugins speak Python."""

from __future__ import annotations

import re

SUBSTITUTES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b(inbound|outbound)\(\) has no option\b", r"[[\1]] has no key"),
        (r"\bdeclare it with (inbound|outbound)\(\)", r"declare it under [[\1]]"),
        (r"\benv\('([^']*)'\)", r'{ env = "\1" }'),
        (r"\b(\w+)=True\b", r"\1 = true"),
        (r"\b(\w+)=False\b", r"\1 = false"),
        (r"\bTrue or False\b", "true or false"),
        (r"\bmust be a dict\b(?: whose keys are text)?", "must be a table"),
        (r"\bmust be a [A-Z]\w+$", "must be a table"),
        (r"\b(\w+)=(?=[\"'{\[]|\w|\.\.\.)", r"\1 = "),
        (r"\b(\w+)=(?=\W|$)", r"\1"),
    )
]
NEEDED = re.compile(r"add (\w+) = \.\.\.\Z")


def in_words_of_the_file(text: str) -> str:
    """A sentence, or a mend, as it is said of a table of the file."""
    for pattern, replacement in SUBSTITUTES:
        text = pattern.sub(replacement, text)
    return text


def mend_in_words_of_the_file(mend: str, kind: str) -> str:
    """A mend; an option of the connector that is missing belongs into the settings' table."""
    return NEEDED.sub(rf"add \1 = ... under [{kind}.settings]", in_words_of_the_file(mend))
