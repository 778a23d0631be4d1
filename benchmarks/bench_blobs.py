"""A thousand small blobs to S3 in one call, against one after another.

The server is 20 ms away in each direction, as a cloud is from a desk. Both
ways write the same number of artifacts through the same storage into the
same kind of database; one after another, fewer are written and the time for
all is worked out from theirs.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import boto3

from artigraph import QualifiedArtifact, new_artifact, set_engine, write_artifact, write_artifacts
from artigraph.serializer.json import json_serializer
from artigraph.storage.aws import S3Storage
from benchmarks.report import Report, seconds_async
from benchmarks.s3 import at_a_distance, s3_server

BLOBS = 1_000
ONE_BY_ONE = 60
MILLISECONDS = 20


def make_artifacts(
    storage: S3Storage, first: int, count: int
) -> list[QualifiedArtifact[Any, dict[str, int]]]:
    return [
        new_artifact(f"blob {i}", {"number": i}, json_serializer, storage=storage)
        for i in range(first, first + count)
    ]


async def write_each(artifacts: list[QualifiedArtifact[Any, dict[str, int]]]) -> None:
    for artifact in artifacts:
        await write_artifact(artifact)


async def main() -> int:
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with s3_server(folder) as (url, log), at_a_distance(url, MILLISECONDS, folder) as far:
            options: dict[str, Any] = {"key": "testing", "secret": "testing"}
            boto3.client(
                "s3",
                endpoint_url=url,
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
                region_name="us-east-1",
            ).create_bucket(Bucket="blobs")
            set_engine(f"sqlite+aiosqlite:///{folder / 'blobs.db'}", create_tables=True)
            storage = S3Storage("blobs", endpoint_url=far, **options)
            await write_artifact(make_artifacts(storage, -1, 1)[0])  # connects
            before = log.read_text().count("HTTP/1.1")
            each = await seconds_async(partial(write_each, make_artifacts(storage, 0, ONE_BY_ONE)))
            requests = (log.read_text().count("HTTP/1.1") - before) / ONE_BY_ONE
            together = await seconds_async(
                partial(write_artifacts, make_artifacts(storage, ONE_BY_ONE, BLOBS))
            )
            one_by_one = each / ONE_BY_ONE * BLOBS
            report.ratio(f"{BLOBS:,} blobs together", [together], [one_by_one], 0.2)
            report.value("requests a blob", requests, 3)
    return report.failures


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main()), 1))
