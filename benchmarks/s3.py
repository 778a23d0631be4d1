"""An S3 server on this machine, and the distance to a real one.

Moto answers in about two milliseconds, as no server across a network does. So
:func:`at_a_distance` puts a process in between that holds every piece of data
back for some milliseconds in each direction.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["at_a_distance", "s3_server"]


@contextmanager
def s3_server(folder: Path) -> Iterator[tuple[str, Path]]:
    """Moto's server in a process of its own, on a free port of this machine.

    Args:
        folder: Where its log goes.

    Yields:
        Its address, and its log, which has a line for each request.
    """
    log = folder / "moto.log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with _process(command, log, "http://127.0.0.1:") as port:
        yield f"http://127.0.0.1:{port}", log


@contextmanager
def at_a_distance(url: str, milliseconds: float, folder: Path) -> Iterator[str]:
    """A second address of a server, further away.

    Args:
        url: The server's address on this machine.
        milliseconds: How long data takes in each direction.
        folder: Where a log goes.

    Yields:
        The address.
    """
    port = url.rpartition(":")[2]
    command = [sys.executable, "-m", "benchmarks.s3", port, str(milliseconds)]
    with _process(command, folder / "distance.log", "listening on ") as near:
        yield f"http://127.0.0.1:{near}"


@contextmanager
def _process(command: list[str], log: Path, before_port: str) -> Iterator[str]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        deadline = time.monotonic() + 60
        while before_port not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield log.read_text().partition(before_port)[2].split()[0]
    finally:
        process.terminate()
        process.wait(10)


async def _forward(port: int, seconds: float) -> None:
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            await asyncio.sleep(seconds)
            writer.write(data)
            await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            pump(reader, far_writer), pump(far_reader, writer), return_exceptions=True
        )

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_forward(int(sys.argv[1]), float(sys.argv[2]) / 1000))
