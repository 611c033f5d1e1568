"""What Handlers decide to keep: values of transform state, labels of messages."""

from __future__ import annotations

import json
from typing import Any

from messagefoundry.contracts.errors import kind_of
from messagefoundry.wiring.misuse import MisuseError

LONGEST_NAME = 200
LONGEST_VALUE = 1_000_000
"""Characters of a value as JSON: values that are being committed are all in memory."""


class SetState:
    """A Handler's decision to keep `value` under `namespace` and `key`, for `state_get` of messages to come.

    It replaces what was kept there, and is committed together with what the Handler sends. `value` is what JSON can
    say, taken as it is at this moment; `namespace` is a name of the author's choosing, stored in the open, `key` text
    that is stored sealed, as values are.
    """

    __slots__ = ("key", "namespace", "text")

    def __init__(self, namespace: str, key: str, value: Any) -> None:
        if not isinstance(namespace, str) or not 0 < len(namespace) <= LONGEST_NAME:
            text = f"the namespace is text of 1 to {LONGEST_NAME} characters"
            raise MisuseError(f"SetState(namespace, key, value): {text}")
        if not isinstance(key, str):
            raise MisuseError(f"SetState(namespace, key, value): the key is text, not {kind_of(key)}")
        self.namespace = namespace
        self.key = key
        self.text = _as_json(value)
        if len(self.text) > LONGEST_VALUE:
            text = f"a value is at most {LONGEST_VALUE:,} characters of JSON"
            raise MisuseError(f"SetState(namespace, key, value): {text}")

    def __repr__(self) -> str:
        return f"SetState({self.namespace!r}, ...)"


class SetMeta:
    """A Handler's decision to label its message: `key` and `value` are shown in lists, and messages are found by them.

    Labels are stored in the open, as text: write what an operator searches for, not what identifies a patient.
    """

    __slots__ = ("key", "value")

    def __init__(self, key: str, value: str) -> None:
        for word, text in (("key", key), ("value", value)):
            if not isinstance(text, str) or not text or len(text) > LONGEST_NAME or not text.isprintable():
                raise MisuseError(
                    f"SetMeta(key, value): the {word} is a line of text of 1 to {LONGEST_NAME} characters"
                )
        self.key = key
        self.value = value

    def __repr__(self) -> str:
        return f"SetMeta({self.key!r}, ...)"


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        mend = "give text, numbers, true, false, None, lists, or dicts with text as keys"
        raise MisuseError(
            f"SetState(namespace, key, value): JSON cannot say {kind_of(value)} like this: {mend}"
        ) from None
