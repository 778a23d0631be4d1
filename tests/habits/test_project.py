"""The project's own files agree with each other."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import artigraph

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


def read_yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_version_is_in_one_place() -> None:
    """What is built has the version of ``artigraph/version.py``, and no other file says one."""
    command = [sys.executable, "-m", "hatchling", "version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == artigraph.__version__
    assert "version" not in PYPROJECT["project"]
    assert "version" not in read_yaml("CITATION.cff")


def test_no_address_is_given_before_there_is_one() -> None:
    """Neither the package nor its citation names an address."""
    assert "urls" not in PYPROJECT["project"]
    assert not {"url", "repository-code", "repository"} & set(read_yaml("CITATION.cff"))


def test_hooks_of_commits_are_targets_of_make() -> None:
    """``pre-commit`` runs what ``make check`` runs, and fetches nothing."""
    for repo in read_yaml(".pre-commit-config.yaml")["repos"]:
        assert repo["repo"] == "local"
        for hook in repo["hooks"]:
            make, target = hook["entry"].split()
            assert (make, hook["language"]) == ("make", "system")
            assert target in TARGETS


def test_hosted_ci_runs_the_same_on_every_python() -> None:
    """The workflow calls ``.ci/run``, and tries each Python from the lowest allowed on."""
    jobs = read_yaml(".github/workflows/ci.yml")["jobs"]
    assert ".ci/run" in [step.get("run") for step in jobs["check"]["steps"]]
    lowest = PYPROJECT["project"]["requires-python"].removeprefix(">=")
    pythons = jobs["python"]["strategy"]["matrix"]["python"]
    assert pythons[0] == lowest
    assert pythons == [f"3.{minor}" for minor in range(11, 11 + len(pythons))]


@pytest.mark.parametrize("name", ["bug.yml", "wish.yml"])
def test_issue_forms_are_whole(name: str) -> None:
    """Every question of an issue's form has an id of its own and a label."""
    form = read_yaml(f".github/ISSUE_TEMPLATE/{name}")
    assert {"name", "description", "body"} <= set(form)
    ids = [question["id"] for question in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(question["attributes"]["label"] for question in form["body"])
