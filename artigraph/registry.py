"""Stable names for implementations, each imported on first use.

A name that comes out of a database is looked up here and nowhere else: it
is never taken for a module's path. The built-in names are a table written
by artigraph; other packages add theirs as entry points or by ``register``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from artigraph.errors import MissingLibraryError, NameTakenError, UnknownNameError
from artigraph.home import home

__all__ = ["Named", "Registry", "did_you_mean", "nearest", "public_name"]


class Named(Protocol):
    """Anything with a stable name."""

    @property
    def name(self) -> str:
        """The name that is stored in the database."""
        ...


T = TypeVar("T", bound=Named)


def _is_made_again(known: object, new: object) -> bool:
    """Whether the class of the one is that of the other, made again."""
    return type(known) is not type(new) and home(type(known)) == home(type(new))


def public_name(name: str) -> Any:
    """What artigraph offers under a name, imported only now.

    So a lower folder asks for what a higher one does with its things, such as a widget: the
    package's table of public names knows where that is, and the lower folder does not.

    Args:
        name: The name in ``artigraph``.
    """
    return getattr(sys.modules["artigraph"], name)


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The known names that come nearest to another one: three at the most, or none."""
    names = sorted(known)
    import difflib  # for whoever errs, and not at the start

    # "type" is nearer to "model_type" than its letters tell.
    near = [one for one in names if one.endswith(f"_{name}")]
    return near or difflib.get_close_matches(name, names, n=3, cutoff=0.6)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which known names come nearest, or list them all.

    Args:
        name: What was asked for.
        known: The names that exist.

    Returns:
        A sentence to end an error message with.
    """
    names = sorted(known)
    if not names:
        return "None is known."
    if near := nearest(name, names):
        return f"Did you mean {' or '.join(repr(n) for n in near)}?"
    return f"Known are: {', '.join(repr(n) for n in names)}."


class Registry(Generic[T]):
    """Implementations of one contract, by name.

    Args:
        kind: What the implementations are called in an error, such as
            ``"serializer"``.
        group: The entry points that other packages declare, after ``artigraph.``.
        unknown: The error for a name that nobody registered.
        hint: What to type when a name is unknown.
        built_in: As for :meth:`build_in`, if what makes the registry knows it.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        unknown: type[UnknownNameError],
        hint: str,
        built_in: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._kind = kind
        self._built_in = dict(built_in)
        self._group = f"artigraph.{group}"
        self._unknown = unknown
        self._hint = hint
        self.loaded: dict[str, T] = {}
        """What :meth:`get` answers at once."""
        self._sources: list[Callable[[], None]] = []

    def register(self, implementation: T) -> T:
        """Make an implementation known under its name.

        Registering an equal one again is harmless.

        Raises:
            NameTakenError: Another implementation has the name.
        """
        name = implementation.name
        if not name:
            raise NameTakenError(f"{implementation!r} has no name; give it one that never changes.")
        known = self.loaded.get(name)
        if known is None and name in self._built_in:
            known = self._load(name, self._built_in[name])
        if (
            known is not None
            and known != implementation
            and not _is_made_again(known, implementation)
        ):
            raise NameTakenError(
                f"The {self._kind} name {name!r} belongs to {known!r}, "
                f"so {implementation!r} needs another name."
            )
        # The newer of two equal ones: a cell that runs again may bring new credentials.
        self.loaded[name] = implementation
        return implementation

    def build_in(self, names: Mapping[str, str]) -> None:
        """Enter the implementations that come with artigraph.

        The folder of a contract does so, since the contract itself names none of them.

        Args:
            names: Names to ``"module:attribute"``, imported on first use.
        """
        self._built_in |= names

    def is_built_in(self, name: str) -> bool:
        """Whether a name is that of an implementation which comes with artigraph."""
        return name in self._built_in

    def add_source(self, register_more: Callable[[], None]) -> None:
        """Have a function called before a name is given up as unknown.

        Args:
            register_more: Registers what is known elsewhere by now.
        """
        self._sources.append(register_more)

    def current(self, implementation: T) -> T:
        """The newest one that is registered and equals an implementation.

        It is registered itself if none is. ``typing`` keeps the first of two
        equal arguments of ``Annotated``, so a class whose cell runs again may
        name an older one than the cell has just made.

        Raises:
            NameTakenError: Another implementation has the name.
        """
        known = self.loaded.get(implementation.name)
        if known is not None and (known is implementation or known == implementation):
            return known
        return self.register(implementation)

    def refresh(self, implementation: T) -> None:
        """Put a new implementation in the place of an equal one, if there is one."""
        if self.loaded.get(implementation.name) == implementation:
            self.loaded[implementation.name] = implementation

    def get(self, name: str) -> T:
        """Look an implementation up by name.

        Raises:
            UnknownNameError: Nobody registered the name.
            MissingLibraryError: It needs a library that is not installed.
        """
        if name in self.loaded:
            return self.loaded[name]
        target = self._built_in.get(name) or self._entry_points().get(name)
        if target is None:
            for register_more in self._sources:
                register_more()
            if name in self.loaded:
                return self.loaded[name]
            raise self._unknown(
                f"No {self._kind} is registered under the name {name!r}. "
                f"{did_you_mean(name, self.names())} {self._hint}"
            )
        # The loaded module may have registered it by itself.
        return self.loaded.setdefault(name, self._load(name, target))

    def names(self) -> list[str]:
        """Every name that ``get`` would answer, sorted."""
        return sorted({*self.loaded, *self._built_in, *self._entry_points()})

    def registered(self) -> list[T]:
        """The implementations that are loaded by now, newest first."""
        return list(reversed(self.loaded.values()))

    def _entry_points(self) -> dict[str, str]:
        return {point.name: point.value for point in entry_points(group=self._group)}

    def _load(self, name: str, target: str) -> T:
        module, _, attribute = target.partition(":")
        try:
            implementation: T = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            library = (error.name or module).partition(".")[0]
            raise MissingLibraryError(
                f"The {self._kind} {name!r} needs {library}, which is not installed. "
                f"Install it with: pip install {library}"
            ) from error
        return implementation
