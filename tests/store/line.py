"""A line to a server, for tests of what happens when it breaks off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import NodeFilter, delete_nodes, engine_context

__all__ = ["Line", "line_to"]


class Line:
    """What stands between a pool and its server, and can be cut or go dead."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self.port = 0
        self.opened = 0
        self.dead = False
        self.cut_after: bytes | None = None
        """Hang up instead of passing the answer on to what has this in it."""
        self.sent: list[bytes] = []
        """What clients have sent."""

    async def open(self) -> None:
        """Let connections in, as the server does after a restart."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Let none in, and cut those that there are."""
        if self._server is not None:
            self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Hang up on everybody, and wait until they know."""
        while self._writers:
            self._writers.pop().close()
        await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            to, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        self._writers += [writer, back]
        # One that has forgotten its connections lets new ones in.
        forgettable = not self.dead
        await asyncio.gather(
            self._pass(reader, back, forgettable, self.sent),
            self._pass(to, writer, forgettable, []),
        )

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        forgettable: bool,
        seen: list[bytes],
    ) -> None:
        with suppress(OSError), closing(writer):
            while data := await reader.read(65536):
                if self.dead and forgettable:
                    continue
                seen.append(data)
                last = self.cut_after is not None and self.cut_after in data
                self.dead = self.dead or last
                writer.write(data)
                await writer.drain()
                if last:
                    await asyncio.sleep(0.05)  # the server does it
                    self.dead, self.cut_after = False, None
                    await self.cut()


@asynccontextmanager
async def line_to(address: str, **options: Any) -> AsyncIterator[Line]:
    """A line to a server, with an empty store at its other end that is set meanwhile.

    Args:
        address: The server's own address, with its database.
        **options: For the engine.
    """
    url = make_url(address)
    opened = Line(url.host or "", url.port or 0)
    await opened.open()
    engine = create_async_engine(url.set(port=opened.port), max_overflow=0, **options)
    with engine_context(engine, create_tables=True):
        await delete_nodes(NodeFilter(), everything=True)
        yield opened
        opened.dead, opened.cut_after = False, None
        await engine.dispose()
    await opened.close()
