"""Connections that are cut: a proxy before a database, which hangs up whenever it likes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

__all__ = ["Proxy", "proxy_to"]


class Proxy:
    """A port of the loopback that leads to another one.

    Args:
        host: Where the database is.
        port: Its port.
        dice: What decides which connections are cut.
    """

    def __init__(self, host: str, port: int, dice: random.Random) -> None:
        self._host, self._there, self._dice = host, port, dice
        self._open: set[asyncio.StreamWriter] = set()
        self._short = 0
        self.port = 0
        self.cut = 0

    async def serve(self) -> asyncio.Server:
        """Listen on a port of its own."""
        server = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def hang_up(self) -> None:
        """Cut a connection now, or the next few after some of their bytes."""
        if self._dice.random() < 0.5:
            self._short = 2
        elif self._open:
            self._dice.choice(list(self._open)).transport.abort()
            self.cut += 1

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(self._host, self._there)
        except OSError:
            writer.transport.abort()
            return
        self._open.add(writer)
        both = [
            asyncio.ensure_future(self._copy(reader, there[1], answers=False)),
            asyncio.ensure_future(self._copy(there[0], writer, answers=True)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open.discard(writer)
            for one in both:
                one.cancel()
            for end in (writer, there[1]):
                end.transport.abort()

    async def _copy(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                if self._short and answers:
                    # The database has done what was asked, and nobody hears of it.
                    self._short -= 1
                    self.cut += 1
                    target.write(data[: self._dice.randrange(len(data))])
                    return
                target.write(data)
                await target.drain()


@asynccontextmanager
async def proxy_to(host: str, port: int, dice: random.Random) -> AsyncIterator[Proxy]:
    """A proxy for as long as the block lasts."""
    proxy = Proxy(host, port, dice)
    server = await proxy.serve()
    try:
        yield proxy
    finally:
        server.close()
