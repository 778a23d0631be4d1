"""How much of a thing is shown: the settings of the process, and those of one moment.

One object, :data:`options`, holds all settings, each with its default and its meaning.
Colours are no setting: they follow the notebook's theme.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

from artigraph.display.facts import Facts, Table
from artigraph.display.html import render_html
from artigraph.display.text import render_text
from artigraph.errors import OptionError
from artigraph.registry import did_you_mean

__all__ = ["Limits", "Options", "meaning_of", "options"]


def _limit(default: int, meaning: str, least: int = 0) -> Any:
    return field(default=default, metadata={"meaning": meaning, "least": least})


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings at one moment; see ``artigraph.options`` for those of the process."""

    max_bytes: int = _limit(100_000, "bytes of one representation, of each kind", 10_000)
    max_fields: int = _limit(50, "fields of a model, columns of a node", 1)
    max_items: int = _limit(10, "items of a collection: the first and the last", 1)
    max_text: int = _limit(200, "characters of one value", 10)
    max_depth: int = _limit(4, "models inside models, collections inside collections")
    max_results: int = _limit(20, "rows of a list of nodes, artifacts or models", 1)
    max_rows: int = _limit(5, "rows of a frame's first look")
    max_columns: int = _limit(12, "columns of a frame's first look, or of a list", 1)
    max_children: int = _limit(20, "children of one node of a tree", 1)
    max_levels: int = _limit(12, "levels of a tree below its root", 1)
    max_pictures: int = _limit(4, "figures and images of one representation")

    def deeper(self) -> Limits:
        """The limits for what is inside a thing."""
        return _inside(self)

    def in_model_line(self) -> Limits:
        """The limits for a field of a model that takes one line."""
        # Models in models in lists would multiply, so that the inner ones show less.
        return _inside(self, max_fields=max(2, self.max_fields // 4))

    def in_collection_line(self) -> Limits:
        """The limits for an item of a collection that takes one line."""
        return _inside(self, max_items=max(2, self.max_items // 2))

    def smaller(self) -> Limits | None:
        """Tighter limits, for what became too large; ``None`` if there are none."""
        if self.max_pictures:
            # The largest are the first to go.
            return replace(self, max_pictures=self.max_pictures // 2)
        smaller = replace(
            self,
            **{
                f.name: max(value // 2, min(f.metadata["least"], value))
                for f in fields(self)
                if f.name != "max_bytes" and (value := getattr(self, f.name)) is not None
            },
        )
        return None if smaller == self else smaller


@lru_cache(maxsize=256)  # a list of a thousand models asks for the same few again and again
def _inside(limits: Limits, **fewer: int) -> Limits:
    return replace(limits, max_depth=limits.max_depth - 1, **fewer)


def meaning_of(name: str) -> tuple[str, int, int]:
    """What a setting means, its default, and its least value.

    Args:
        name: One of the fields of :class:`Limits`.
    """
    (found,) = (f for f in fields(Limits) if f.name == name)
    return found.metadata["meaning"], getattr(Limits(), name), found.metadata["least"]


_NAMES = tuple(field.name for field in fields(Limits))


class Options:
    """The settings of the process.

    Set one by assigning to it, or several for a block::

        artigraph.options.max_items = 5

        with artigraph.options.set(max_rows=20, max_columns=30):
            display(model)

    Raises:
        OptionError: An unknown name, or a value that cannot be.
    """

    _limits: Limits

    def __init__(self) -> None:
        object.__setattr__(self, "_limits", Limits())

    @property
    def limits(self) -> Limits:
        """All settings as they are now."""
        return self._limits

    def set(self, **settings: int) -> AbstractContextManager[None]:
        """Set several at once; as a ``with`` block, put back what was set at its end.

        Args:
            **settings: Values by name.

        Returns:
            What may stand behind ``with``.

        Raises:
            OptionError: An unknown name, or a value that cannot be; none is set.
        """
        for name, value in settings.items():
            _check(name, value)
        before = self._limits
        object.__setattr__(self, "_limits", replace(before, **settings))
        return self._put_back({name: getattr(before, name) for name in settings})

    @contextmanager
    def _put_back(self, before: dict[str, int]) -> Iterator[None]:
        try:
            yield
        finally:
            object.__setattr__(self, "_limits", replace(self._limits, **before))

    def reset(self) -> None:
        """Put every setting back to its default."""
        object.__setattr__(self, "_limits", Limits())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            # IPython and copy ask for names that nobody has.
            raise AttributeError(name)
        _check_name(name)
        return getattr(self._limits, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.set(**{name: value})

    def __delattr__(self, name: str) -> None:
        _check_name(name)
        self.set(**{name: meaning_of(name)[1]})

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_NAMES})

    def _describe(self) -> Facts:
        rows = []
        for name in _NAMES:
            meaning, default, _ = meaning_of(name)
            rows.append((name, f"{getattr(self._limits, name):,}", f"{default:,}", meaning))
        columns = ("setting", "value", "default", "meaning")
        return Facts(
            "artigraph.options", table=Table(columns, tuple(rows), numbers=frozenset({1, 2}))
        )

    def __repr__(self) -> str:
        return render_text(self._describe(), 100)

    def _repr_html_(self) -> str:
        return render_html(self._describe())


def _check_name(name: str) -> None:
    if name not in _NAMES:
        raise OptionError(f"artigraph.options has no {name!r}. {did_you_mean(name, _NAMES)}")


def _check(name: str, value: object) -> None:
    _check_name(name)
    least = meaning_of(name)[2]
    if type(value) is not int or value < least:
        raise OptionError(
            f"artigraph.options.{name} is a whole number from {least:,} on, not {value!r:.80}: "
            f"{meaning_of(name)[0]}."
        )


options = Options()
"""The settings of the process, as ``artigraph.options``."""
