"""The script of a partner: how it answers one message after the other. Text in, values out.

    script  = act (";" act)* [";" "repeat"]
    act     = answer | N "times" answer | "fail" N ["with" answer] "then" answer
    answer  = ["delay" SECONDS "then"] (outcome | "each" code code*)
    code    = AA | AE | AR | CA | CE | CR
    outcome = code | close | garbage | wrong-id | none

Lines part acts as ";" does, "#" begins a comment, and capitals do not matter. Each act answers one frame, a message or
a batch, whatever connection it comes on; what comes after the last is answered AA, unless "repeat" has the script begin
again. A batch gets one answer for all of its messages, but after "each" one for each: the codes in order, and the last
of them for all further messages.
"""

from dataclasses import dataclass

CODES = ("AA", "AE", "AR", "CA", "CE", "CR")
"""MSA-1 (HL7 table 0008)."""

CLOSE, GARBAGE, WRONG_ID, NONE = "close", "garbage", "wrong-id", "none"
OUTCOMES = (*CODES, CLOSE, GARBAGE, WRONG_ID, NONE)

MOST_SECONDS = 86_400.0
MOST_ACTS = 100_000

_OUTCOME_OF = {outcome.casefold(): outcome for outcome in OUTCOMES}


class ScriptError(ValueError):
    """A script that means nothing; the text says what, and what would."""


@dataclass(frozen=True, slots=True)
class Act:
    """What happens to one message or batch: after so many seconds, one of `OUTCOMES`.

    With `each`, which begins with `outcome`, the messages of a batch are answered one by one.
    """

    outcome: str = "AA"
    delay: float = 0.0
    each: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The act as a script has it, without the delay."""
        return " ".join(("each", *self.each)) if self.each else self.outcome

    def of(self, place: int) -> str:
        """What happens to one message of a batch, the first of which has place 0."""
        return self.each[min(place, len(self.each) - 1)] if self.each else self.outcome

    def __str__(self) -> str:
        return f"{self.words} after {self.delay:g} s" if self.delay else self.words


@dataclass(frozen=True, slots=True)
class Script:
    """The acts in order; `again` has them begin anew after the last."""

    acts: tuple[Act, ...] = ()
    again: bool = False

    def act(self, number: int) -> Act:
        """The act for a frame, the first of which has number 0."""
        if number < len(self.acts):
            return self.acts[number]
        return self.acts[number % len(self.acts)] if self.again and self.acts else Act()


def read_script(text: str) -> Script:
    """Read a script. Raises ScriptError."""
    lines = [line.partition("#")[0] for line in text.splitlines()]
    phrases = [phrase.split() for phrase in ";".join(lines).split(";") if phrase.strip()]
    again = bool(phrases) and _is_repeat(phrases[-1])
    if any(map(_is_repeat, phrases[:-1])):
        raise ScriptError("'repeat' may only stand last")
    acts = [act for phrase in (phrases[:-1] if again else phrases) for act in _Phrase(phrase).acts()]
    if again and not acts:
        raise ScriptError("there is nothing to repeat")
    if len(acts) > MOST_ACTS:
        raise ScriptError(f"there are more than {MOST_ACTS:,} acts")
    return Script(tuple(acts), again)


def _is_repeat(words: list[str]) -> bool:
    return [word.casefold() for word in words] == ["repeat"]


class _Phrase:
    """The words between two semicolons, read from left to right."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._rest = list(words)

    def acts(self) -> list[Act]:
        """All acts of the phrase."""
        if self._take("fail"):
            acts = self._failing()
        elif len(self._rest) > 1 and self._rest[1].casefold() == "times":
            count = self._count()
            self._demand("times")
            acts = [self._answer()] * count
        else:
            acts = [self._answer()]
        if self._rest:
            raise ScriptError(f"{self}: {self._rest[0]!r} is too much: acts are parted by ';'")
        return acts

    def _failing(self) -> list[Act]:
        count = self._count()
        failure = self._answer() if self._take("with") else Act("AE")
        self._demand("then")
        return [*[failure] * count, self._answer()]

    def _answer(self) -> Act:
        seconds = 0.0
        if self._take("delay"):
            seconds = self._seconds()
            self._demand("then")
        if not self._take("each"):
            return Act(self._outcome(), seconds)
        codes = self._codes()
        return Act(codes[0], seconds, codes)

    def _codes(self) -> tuple[str, ...]:
        codes = [self._code()]
        while self._rest and self._rest[0].upper() in CODES:
            codes.append(self._code())
        return tuple(codes)

    def _code(self) -> str:
        word = self._next("a code")
        if word.upper() not in CODES:
            raise ScriptError(f"{self}: {word!r} is no code: there are {', '.join(CODES)}")
        return word.upper()

    def _outcome(self) -> str:
        word = self._next("an answer")
        if word.casefold() not in _OUTCOME_OF:
            raise ScriptError(f"{self}: {word!r} is no answer: there are {', '.join(OUTCOMES)}")
        return _OUTCOME_OF[word.casefold()]

    def _count(self) -> int:
        word = self._next("a number")
        if not (word.isascii() and word.isdigit() and len(word) < 7 and 0 < int(word) <= MOST_ACTS):
            raise ScriptError(f"{self}: {word!r} is not how often: give a number from 1 to {MOST_ACTS:,}")
        return int(word)

    def _seconds(self) -> float:
        word = self._next("a number of seconds")
        try:
            seconds = float(word)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= MOST_SECONDS:
            raise ScriptError(f"{self}: {word!r} is no delay: give seconds, at most {MOST_SECONDS:,.0f}")
        return seconds

    def _take(self, word: str) -> bool:
        """Read this word if it is the next one."""
        found = bool(self._rest) and self._rest[0].casefold() == word
        if found:
            del self._rest[0]
        return found

    def _demand(self, word: str) -> None:
        if not self._take(word):
            raise ScriptError(f"{self}: {word!r} is missing {self._where()}")

    def _next(self, what: str) -> str:
        if not self._rest:
            raise ScriptError(f"{self}: {what} is missing at its end")
        return self._rest.pop(0)

    def _where(self) -> str:
        return f"before {self._rest[0]!r}" if self._rest else "at its end"

    def __str__(self) -> str:
        return repr(" ".join(self._words))
