"""An S3 server on this machine, and buckets in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

# The suite is shipped, so pytest has to be told that its asserts are a test's.
pytest.register_assert_rewrite(
    "artigraph.testing.storage",
    "artigraph.testing.storage_hooks",
    "artigraph.testing.storage_listing",
    "artigraph.testing.storage_streams",
)

SECRET = "not/a+real=secret"


@dataclass(frozen=True)
class S3Server:
    """moto's server in a process of its own."""

    url: str
    log: Path

    @property
    def options(self) -> dict[str, Any]:
        """What S3Storage needs to find it."""
        return {"endpoint_url": self.url, "key": "testing", "secret": SECRET}

    def requests(self, word: str) -> list[str]:
        """The method of every request so far whose address holds a word."""
        pattern = rf'"([A-Z]+) \S*{re.escape(word)}\S* HTTP'
        return re.findall(pattern, self.log.read_text())

    def client(self) -> Any:
        """A client that is none of the code under test."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="testing",
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Start the server on a free loopback port, and end it by its process id."""
    log = tmp_path_factory.mktemp("moto") / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        yield S3Server(_wait_for_url(process, log), log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


def _wait_for_url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        # Port 0 lets the system choose, and the server says what it chose.
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        if found:
            return found[0]
        time.sleep(0.05)
    raise RuntimeError(f"moto's server did not start: {log.read_text()}")


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> Iterator[str]:
    """A new, empty bucket."""
    name = f"artigraph-{uuid4().hex}"
    client = s3_server.client()
    client.create_bucket(Bucket=name)
    yield name
    client.close()


@pytest.fixture
def s3_options(s3_server: S3Server) -> dict[str, Any]:
    """Options of S3Storage that lead to the server, credentials included."""
    return s3_server.options
