"""What a run knows by itself: what it ran, in which environment, at which commit.

Never environment variables, nor the command line: both hold secrets.
"""

from __future__ import annotations

import inspect
import json
import linecache
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from artigraph.redact import without_secrets

__all__ = [
    "clean_text",
    "commit_of",
    "digest_of",
    "environment",
    "environment_digest",
    "known_commit",
    "source_of",
]

LONGEST_SOURCE = 200_000
"""Characters of a source that are kept."""
GIT_SECONDS = 10
"""How long git may take to answer."""


def source_of(frame: FrameType | None) -> str | None:
    """The cell, the function or the script that a frame runs, with secrets blackened.

    Args:
        frame: It may be of a cell, whose lines IPython keeps.

    Returns:
        Its text, 200,000 characters at the most; ``None`` where there is none, as of what
        was typed at Python's own prompt.
    """
    if frame is None:
        return None
    # Read here: a module's loader may have its lines.
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    return _source_in(frame.f_code, tuple(lines))


@lru_cache(maxsize=64)
def _source_in(code: CodeType, lines: tuple[str, ...]) -> str | None:
    if code.co_name != "<module>":
        lines = inspect.getblock(lines[max(code.co_firstlineno - 1, 0) :]) if lines else ()
    text = "".join(lines)
    return clean_text(without_secrets(text[:LONGEST_SOURCE])) if text.strip() else None


def clean_text(text: str) -> str:
    """A text that every database keeps."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def digest_of(text: str) -> str:
    """Lower-case hexadecimal SHA-256 of a text in UTF-8."""
    return sha256(text.encode()).hexdigest()


@cache
def environment() -> dict[str, Any]:
    """Python's version, the platform, and installed distributions by name; blocks for a while.

    Looked up once a process: what is installed later counts for the next one.
    """
    packages: dict[str, str] = {}
    for one in metadata.distributions():
        try:
            name, version = one.name, one.version
        except Exception:  # noqa: S112  # one that was half removed has no metadata
            continue
        if isinstance(name, str) and isinstance(version, str):
            # Of two of one name the first one on the path is imported.
            packages.setdefault(clean_text(name), clean_text(version))
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": clean_text(platform.platform()),
        "packages": dict(sorted(packages.items())),
    }


def environment_digest(data: Mapping[str, Any]) -> str:
    """Which environment it is: SHA-256 of its JSON with sorted keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return digest_of(text)


_commits: dict[Path, tuple[float, str | None]] = {}
FRESH = 2.0
"""Seconds for which a commit is not asked for again: a sweep has many short runs."""


def known_commit(folder: Path) -> tuple[bool, str | None]:
    """Whether the commit of a folder was looked up just now, and it; asks nobody."""
    at, commit = _commits.get(folder, (float("-inf"), None))
    return time.monotonic() - at < FRESH, commit


def commit_of(folder: Path) -> str | None:
    """The commit of a folder's repository, with ``-dirty`` where files differ; blocks.

    Args:
        folder: The folder.

    Returns:
        Hexadecimal digits; ``None`` outside a repository, in one without a commit, or
        without git.
    """
    fresh, commit = known_commit(folder)
    if not fresh:
        # A repository's own settings name programs for git to start; these ask for none.
        head = _git(folder, "rev-parse", "--verify", "HEAD")
        dirty = head is not None and _git(folder, "status", "--porcelain", "-uno") != ""
        commit = None if head is None else f"{head[:64]}{'-dirty' * dirty}"
        _commits[folder] = (time.monotonic(), commit)
    return commit


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NO_WINDOW
    try:
        done = subprocess.run(  # noqa: S603  # no shell, and arguments of our own
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
            **options,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return None if done.returncode else done.stdout.decode("utf-8", "replace").strip()
