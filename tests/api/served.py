"""A running engine with its servers, and clients that speak to them over real sockets."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import trio

from messagefoundry.api.control_socket import control_address
from messagefoundry.api.serve import serve
from messagefoundry.engine.run import run
from messagefoundry.plugins import installed
from tests.engine.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from messagefoundry.engine.engine import Engine
    from messagefoundry.engine.plan import Plan
    from messagefoundry.plugins import Installed


@dataclass
class Served:
    """An engine and clients of its two servers."""

    engine: Engine
    pages: httpx.AsyncClient
    control: httpx.AsyncClient

    async def get(self, page: str, **query: Any) -> Any:
        """A page of the network's that must succeed."""
        answer = await self.pages.get(page, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, page: str, body: Any = None, *, actor: str = "ann") -> httpx.Response:
        """Ask for a change."""
        return await self.control.post(page, json=body, headers={"X-MessageFoundry-Actor": actor})


@dataclass
class ServedWorld(World):
    """A world whose engine serves its pages."""

    plugins: Installed = field(default_factory=installed)

    def plan(self, **options: Any) -> Plan:
        """The plan, with the installed pages on a port of the system's choice."""
        return replace(super().plan(**{"api_port": 0, **options}), installed=self.plugins)

    @property
    def socket(self) -> str:
        """Where the control socket is."""
        return f"{self.location.path}.sock"

    @asynccontextmanager
    async def serving(self, **options: Any) -> AsyncIterator[Served]:
        """The engine and its clients, until the block ends."""
        async with trio.open_nursery() as nursery:
            engine: Engine = await nursery.start(partial(run, self.plan(**options), serve))
            try:
                async with self.clients(engine) as served:
                    yield served
            finally:
                engine.stop()

    @asynccontextmanager
    async def clients(self, engine: Engine) -> AsyncIterator[Served]:
        """Clients of a running engine's servers."""
        unix = httpx.AsyncHTTPTransport(uds=control_address(self.socket))
        async with (
            httpx.AsyncClient(base_url=engine.api_address or "http://nowhere", timeout=10) as pages,
            httpx.AsyncClient(transport=unix, base_url="http://engine", timeout=10) as control,
        ):
            yield Served(engine, pages, control)
