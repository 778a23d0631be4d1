"""The package as a whole: what importing it costs, and what it offers by name."""

from __future__ import annotations

import ast
import importlib
import inspect
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import artigraph

ROOT = Path(__file__).parents[1]

NEEDS_AN_EXTRA = {
    "artigraph.serializer.matplotlib": "matplotlib",
    "artigraph.serializer.pillow": "PIL",
    "artigraph.serializer.plotly": "plotly",
    "artigraph.serializer.polars": "polars",
    "artigraph.serializer.scipy": "scipy",
    "artigraph.storage.aws": "s3fs",
    "artigraph.testing": "pytest",
}
"""Modules that a bare install cannot import, with the library that is missing;
a package stands for all that is in it."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted((ROOT / "artigraph").rglob("*.py"))}
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


LARGE = {
    "IPython",
    "aiobotocore",
    "anywidget",
    "boto3",
    "botocore",
    "fsspec",
    "graphviz",
    "ipywidgets",
    "matplotlib",
    "networkx",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "s3fs",
    "tqdm",
    "traitlets",
}


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_artigraph_loads_next_to_nothing() -> None:
    """``import artigraph`` alone loads itself and some of the standard library."""
    loaded = loaded_by("import artigraph")
    assert not loaded & (LARGE | {"sqlalchemy"})
    own = {name for name in loaded if name.startswith("artigraph")}
    assert own == {"artigraph", "artigraph.public", "artigraph.version"}


def test_importing_all_names_is_light() -> None:
    """``from artigraph import *`` loads no large library, and of small ones not many."""
    loaded = loaded_by("from artigraph import *")
    assert not loaded & LARGE
    # What SQLAlchemy alone loads differs between Pythons; here it is 346.
    alone = loaded_by("import sqlalchemy.ext.asyncio, sqlalchemy.orm")
    assert len(loaded - alone) <= 560 - 346


def test_star_gives_all_but_classes_of_widgets() -> None:
    """``from artigraph import *`` gives every public name that does not want IPython.

    It leaves out what values have as a method, too.
    """
    by_name = {"Explorer", "FrameViewer", "read_preview"}
    assert not by_name & set(artigraph.__all__)
    assert by_name <= set(dir(artigraph))
    assert artigraph.Explorer.__name__ == "Explorer"
    assert artigraph.FrameViewer.__name__ == "FrameViewer"


@pytest.mark.parametrize("name", MODULES)
def test_module_lists_its_public_names(name: str) -> None:
    """Every module has an ``__all__`` whose names exist, in order and once.

    Only a folder's ``__init__`` that holds nothing but its docstring needs
    none: importing from it would import a library that nobody asked for.
    """
    path = MODULES[name]
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    if path.name == "__init__.py" and len(statements) == 1:
        return
    module = importlib.import_module(name)
    names = getattr(module, "__all__", None)
    assert names is not None, f"{name} has no __all__"
    assert len(set(names)) == len(names)
    assert not [public for public in names if not hasattr(module, public)]


@pytest.mark.parametrize("name", MODULES)
def test_module_says_its_job_and_stays_short(name: str) -> None:
    """Every module begins with a docstring and has at most 400 lines."""
    text = MODULES[name].read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 400


def test_public_names_are_importable_and_documented() -> None:
    """Every public name can be had, is shown by ``dir``, and says what it is."""
    assert artigraph.__all__
    undocumented = []
    for name in (*artigraph.__all__, "Explorer", "FrameViewer", "read_preview"):
        value = getattr(artigraph, name)
        assert name in dir(artigraph)
        own = vars(value).get("__doc__") if inspect.isclass(value) else inspect.getdoc(value)
        # A dataclass without a docstring is given its signature for one.
        if not own or own.startswith(f"{name}("):
            undocumented.append(name)
    assert undocumented == []


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that artigraph does not have is refused as by any other module."""
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = artigraph.no_such_name


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_states_a_behaviour(path: Path) -> None:
    """Every test has a docstring that says what it shows."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]
    assert not [node.name for node in functions if not ast.get_docstring(node)]


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with artigraph's wheel and what that asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    source = folder / "source"
    shutil.copytree(
        ROOT / "artigraph", source / "artigraph", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    wheels, environment = folder / "wheels", folder / "environment"
    commands: list[list[str | Path]] = [
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", wheels],
        [sys.executable, "-m", "venv", "--without-pip", environment],
    ]
    for command in commands:
        subprocess.run(command, cwd=source, check=True)
    python = environment / "bin" / "python"
    (wheel,) = wheels.glob("*.whl")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "-q"]
    subprocess.run([*pip, "--constraint", ROOT / "constraints.txt", wheel], check=True)
    return python


@pytest.mark.slow
def test_bare_install_imports_and_loads(bare_python: Path, tmp_path: Path) -> None:
    """Without any extra, every other module imports and the IPython extension loads."""
    code = f"""
    import importlib, pkgutil, sys
    import artigraph

    assert sys.prefix in artigraph.__file__, artigraph.__file__
    needs = {NEEDS_AN_EXTRA!r}
    wrong = []
    for name in {list(MODULES)!r}:
        library = next((needs[m] for m in needs if f"{{name}}.".startswith(f"{{m}}.")), None)
        try:
            importlib.import_module(name)
        except ImportError as error:
            if library is None or error.name != library:
                wrong.append(f"{{name}}: {{error!r}}")
    assert not wrong, wrong
    for name in dir(artigraph):
        getattr(artigraph, name)

    from IPython.core.interactiveshell import InteractiveShell
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "artigraph")
    assert "artigraph" in shell.extension_manager.loaded
    shell.run_line_magic("unload_ext", "artigraph")
    print("all well")
    """
    done = subprocess.run(
        [bare_python, "-W", "error", "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all well" in done.stdout
