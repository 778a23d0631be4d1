"""What may be set of the way things show themselves.

One object, :data:`options`, holds all settings of the process. Colours are no
setting: they follow the notebook's theme.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, replace
from typing import Any

from artigraph.display.facts import Facts, Table
from artigraph.display.html import render_html
from artigraph.display.limits import Limits, meaning_of
from artigraph.display.text import render_text
from artigraph.errors import OptionError
from artigraph.registry import did_you_mean

__all__ = ["Options", "options"]

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
