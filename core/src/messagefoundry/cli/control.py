"""The owner-only socket of a running engine, from a command's side: HTTP over a Unix socket beside the store."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from messagefoundry.api.control_socket import control_address
from messagefoundry.cli.failures import NotFine, WrongCall
from messagefoundry.contracts.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTOR = "X-MessageFoundry-Actor"
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 150.0
CONFLICT = 409
"""Somebody else has changed what was asked for, or it cannot be changed now."""


class NotAnswering(Exception):
    """Nobody answers at the socket."""


def actor() -> str:
    """Who is acting, for the trail: the operating system's name of the user."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


@dataclass(frozen=True, slots=True)
class Control:
    """The socket at `path`. Raises NotAnswering when nobody is there, and what the engine refuses as a sentence."""

    path: str

    def get(self, page: str) -> Any:
        """Read a page."""
        return self._ask("GET", page, None)

    def post(self, page: str, body: Mapping[str, Any] | None = None) -> Any:
        """Have something changed."""
        return self._ask("POST", page, body or {})

    def _ask(self, method: str, page: str, body: Mapping[str, Any] | None) -> Any:
        if not os.path.exists(self.path):
            raise NotAnswering(f"there is no engine at {self.path}")
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        transport = httpx.HTTPTransport(uds=control_address(self.path), verify=False)  # no TLS on a socket of the owner
        try:
            with httpx.Client(
                transport=transport, base_url="http://engine", timeout=timeout, trust_env=False
            ) as client:
                answer = client.request(method, page, json=body, headers={ACTOR: actor()})
        except httpx.ConnectError as error:
            raise NotAnswering(f"nobody answers at {self.path}") from error
        except httpx.TransportError as error:
            raise NotFine(f"the engine at {self.path} took the request and did not answer: see its log") from error
        return understood(answer)


def understood(answer: httpx.Response) -> Any:
    """The answer's content, or the engine's refusal raised as the same kind of error as here."""
    try:
        content = answer.json()
    except ValueError as error:
        raise NotFine(f"the engine answered {answer.status_code} and nothing that can be read") from error
    if answer.is_success:
        return content
    raise refusal_of(answer.status_code, content)


def refusal_of(status: int, content: Any) -> Exception:
    """The error behind an answer that is not a success."""
    if not isinstance(content, dict):
        return NotFine(f"the engine answered {status}")
    problems = content.get("problems")
    if isinstance(problems, list) and problems:
        return ConfigurationError([_problem(each) for each in problems])
    text = str(content.get("error") or f"the engine answered {status}")
    return WrongCall(text) if 400 <= status < 500 and status != CONFLICT else NotFine(text)


def _problem(each: Any) -> Problem:
    if not isinstance(each, dict):
        return Problem(str(each))
    text, mend = str(each.get("text") or ""), str(each.get("mend") or "")
    return Problem(text, mend, str(each.get("file") or ""), int(each.get("line") or 0), str(each.get("name") or ""))
