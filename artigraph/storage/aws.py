"""Blobs in an S3 bucket, at Amazon or at any server that speaks S3.

s3fs is imported and the network touched at the first use, so a model may name
a bucket on a machine that has neither.

* the bucket must exist; nothing here makes one
* without permission to list the bucket (``s3:ListBucket``), S3 answers
  "forbidden" for a missing blob, which then is a ``StorageError``
* uploads above 16 MB are sent in parts; give the bucket a lifecycle rule that
  removes the parts of those that were cut off
* S3 counts the age of what was sent in parts from the beginning of the upload
* a blob above 1 MB that is stored again is copied onto itself, in the bucket
"""

from __future__ import annotations

import re
from typing import Any

from artigraph.errors import StorageURLError
from artigraph.storage.fsspec import FsspecStorage

__all__ = ["S3Storage"]

# Wider than today's rule at Amazon: old buckets and other servers have "_" and capitals.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
# fsspec and s3fs give a meaning of their own to "::" and "?".
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\?#]|::")
# S3 allows keys of 1024 bytes, and a location takes 68 with its slash.
_LONGEST_PREFIX = 956


class S3Storage(FsspecStorage):
    """Content-addressed objects in a bucket.

    Args:
        bucket: The bucket's name alone.
        prefix: What all keys begin with, such as ``"team/runs"``.
        name: Stored beside every location; by default ``s3://bucket/prefix``.
        s3fs_options: Passed to ``s3fs.S3FileSystem``: ``endpoint_url``, ``key``,
            ``secret``, ``token``, ``profile``, ``anon``, ``client_kwargs`` and
            the rest. Without credentials among them, the usual places are
            searched: environment, ``~/.aws``, the machine's role.

    Raises:
        StorageURLError: The bucket or the prefix cannot be one.
    """

    _stores_like = "fsspec"
    _install = "Install it with: pip install 'artigraph[s3]'"

    def __init__(
        self, bucket: str, prefix: str = "", *, name: str = "", **s3fs_options: Any
    ) -> None:
        _check_bucket(bucket)
        prefix = prefix.strip("/")
        _check_prefix(prefix)
        super().__init__(f"s3://{bucket}/{prefix}".rstrip("/"), name, **s3fs_options)


def _check_bucket(bucket: str) -> None:
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        # Credentials may stand before an "@", so that part is not repeated.
        shown = bucket.rpartition("@")[2]
        raise StorageURLError(
            f"{shown!r:.100} cannot be the name of a bucket: letters, digits, '-', '_' and single "
            "dots, three or more of them. Use S3Storage('bucket', 'some/prefix')."
        )


def _check_prefix(prefix: str) -> None:
    parts = prefix.split("/") if prefix else []
    if _UNFIT.search(prefix) or not {"", ".", ".."}.isdisjoint(parts):
        raise StorageURLError(
            f"{prefix!r:.100} cannot be a prefix: its parts, between slashes, must not be empty, "
            "'.' or '..', and hold no '?', '#', '::', backslash or control character."
        )
    if len(prefix.encode()) > _LONGEST_PREFIX:
        raise StorageURLError(
            f"A prefix of {len(prefix.encode())} bytes is too long: S3 allows keys of 1024 bytes, "
            f"which leaves {_LONGEST_PREFIX} for it. Use a shorter one."
        )
