"""Fields of a model's class in expressions that read like Python.

::

    Fit.where(lambda f: (f.loss < 0.1) & (f.params["depth"] == 3))

Attributes and keys lead to a field, comparisons make conditions of it. What
Python has no operator for is a function, since a method could hide a nested
model's field of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NoReturn

from artigraph.errors import FilterError
from artigraph.filter.condition import Condition, compare, conditions_of
from artigraph.filter.location import find_field, shown_path
from artigraph.filter.operator import ValueFilter
from artigraph.filter.shape import Path, Shape
from artigraph.orm.node import node_table

__all__ = ["Field", "ilike", "is_in", "is_null", "like", "to_condition"]


class Field:
    """A field of a model's class, or the class itself, to be compared.

    Args:
        owner: The class's name.
        shape: The class's own shape.
        path: What leads to the field; nothing for the class itself.
    """

    __slots__ = ("_owner", "_path", "_shape")

    def __init__(self, owner: str, shape: Shape, path: Path = ()) -> None:
        self._owner, self._shape, self._path = owner, shape, path

    def __getattr__(self, name: str) -> Field:
        if name.startswith("__") or (name.startswith("_") and name not in self._names()):
            # Python and IPython ask everything for methods that it may have.
            raise AttributeError(name)
        return self._step(name)

    def __getitem__(self, key: object) -> Field:
        if not self._path:
            raise FilterError(f"A field of {self._owner} is an attribute: f.{key}, not f[{key!r}].")
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise FilterError(f"{self!r} takes a text or an integer as its key, not {key!r}.")
        return self._step(str(key))

    def _step(self, key: str) -> Field:
        path = (*self._path, key)
        find_field(self._owner, self._shape, path)
        return Field(self._owner, self._shape, path)

    def _names(self) -> Collection[str]:
        shape = find_field(self._owner, self._shape, self._path).shape if self._path else None
        return (shape or self._shape).names or ()

    def __dir__(self) -> list[str]:
        return list(self._names())

    def _compare(self, **comparison: object) -> Condition:
        for value in comparison.values():
            if isinstance(value, Field):
                raise FilterError(
                    f"{self!r} is compared with {value!r}: two fields cannot be compared in the "
                    "database. Read both, with read_frame() say, and compare them there."
                )
        if not self._path:
            raise FilterError(f"{self._owner} itself cannot be compared; name a field: f.{{name}}.")
        condition = compare(self._path, comparison)
        # So that a comparison without sense fails where it is written.
        condition.clause(node_table, self._owner, self._shape)
        return condition

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]  # a condition, as in SQLAlchemy
        if isinstance(other, ValueFilter):
            return self._compare(**other.given())
        return self._compare(eq=other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]  # as above
        return self._compare(ne=other)

    def __lt__(self, other: object) -> Condition:
        return self._compare(lt=other)

    def __le__(self, other: object) -> Condition:
        return self._compare(le=other)

    def __gt__(self, other: object) -> Condition:
        return self._compare(gt=other)

    def __ge__(self, other: object) -> Condition:
        return self._compare(ge=other)

    def _is_true(self) -> Condition:
        """A bool by itself is a condition, as in Python."""
        return self._compare(eq=True)

    def __and__(self, other: object) -> Condition:
        return self._is_true() & other

    def __or__(self, other: object) -> Condition:
        return self._is_true() | other

    def __invert__(self) -> Condition:
        return ~self._is_true()

    __iter__ = None  # or Python would ask for the keys 0, 1, 2 and so on for ever

    def _refuse_arithmetic(self, *_: object) -> NoReturn:
        raise FilterError(
            f"{self!r} cannot be reckoned with in the database. Put the numbers on the other side, "
            f"as in f.{shown_path(self._path or ('x',))} < 1 / 2, or use read_frame()."
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse_arithmetic
    __truediv__ = __rtruediv__ = __mod__ = __pow__ = __neg__ = __abs__ = _refuse_arithmetic

    def __contains__(self, value: object) -> NoReturn:
        raise FilterError(
            f"{value!r} in {self!r} cannot be asked. For one of several values write "
            "is_in(f.field, [...])."
        )

    def __bool__(self) -> bool:
        raise FilterError(
            f"{self!r} is neither true nor false; compare it: f.{shown_path(self._path or ('x',))} "
            "== True. Combine conditions with &, | and ~ instead of and, or and not."
        )

    def __repr__(self) -> str:
        return ".".join([self._owner, *([shown_path(self._path)] if self._path else [])])


def _field(given: object, function: str) -> Field:
    if not isinstance(given, Field):
        raise FilterError(
            f"{function}() takes a field of a model, as in "
            f"Fit.where(lambda f: {function}(f.name, …)), not {given!r}."
        )
    return given


def is_in(field: object, values: Collection[Any]) -> Condition:
    """Whether a field has one of several values.

    Args:
        field: A field, in :meth:`BaseModel.where <artigraph.BaseModel.where>`.
        values: The values, however many they are; ``None`` for no value.

    Raises:
        FilterError: Something that is no field, or values that the field cannot
            have.
    """
    return _field(field, "is_in")._compare(in_=values)


def is_null(field: object) -> Condition:
    """Whether a field is ``None`` or not stored; ``~is_null(f.x)`` for the others.

    Args:
        field: A field, in :meth:`BaseModel.where <artigraph.BaseModel.where>`.

    Raises:
        FilterError: Something that is no field.
    """
    return _field(field, "is_null")._compare(eq=None)


def like(field: object, pattern: str) -> Condition:
    """Whether a text matches a pattern: ``%`` is any text, ``_`` any character.

    Args:
        field: A field, in :meth:`BaseModel.where <artigraph.BaseModel.where>`.
        pattern: The pattern; upper and lower case differ. A backslash before ``%``,
            ``_`` or another backslash takes it as it is.

    Raises:
        FilterError: Something that is no field, a field that is no text, or a
            pattern that ends with a single backslash.
    """
    return _field(field, "like")._compare(like=pattern)


def ilike(field: object, pattern: str) -> Condition:
    """As :func:`like`, taking upper and lower case for one.

    Letters beyond ASCII have one case only where the database knows better.

    Args:
        field: A field, in :meth:`BaseModel.where <artigraph.BaseModel.where>`.
        pattern: The pattern.

    Raises:
        FilterError: As for :func:`like`.
    """
    return _field(field, "ilike")._compare(ilike=pattern)


def to_condition(owner: str, shape: Shape, given: Callable[[Any], object] | object) -> Condition:
    """The condition that a function makes of a class's fields, or that is given.

    Args:
        owner: The class's name.
        shape: Its shape.
        given: A function of the class's fields, or what ``where`` takes.

    Raises:
        FilterError: It makes no condition.
    """
    if not callable(given):
        return conditions_of(given)
    made = given(Field(owner, shape))
    if isinstance(made, Field):
        return made._is_true()
    if not isinstance(made, Condition):
        raise FilterError(
            f"The function returned {made!r}, which is no condition. Return a comparison of a "
            "field, such as f.loss < 0.1."
        )
    return made
