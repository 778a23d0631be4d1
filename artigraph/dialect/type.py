"""Column types that each database has its own word for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from artigraph.dialect.registry import dialect_of

if TYPE_CHECKING:
    from sqlalchemy.sql.operators import OperatorType

__all__ = ["StoredType"]


class StoredType(TypeDecorator[Any]):
    """A type that a database may have another one for, asked when a statement is made.

    It stands for the usual one otherwise. SQLAlchemy's ``with_variant`` would have to
    know all databases when a table is declared.

    Args:
        purpose: What is kept, of :attr:`artigraph.dialect.base.Dialect.column_types`.
        usual: SQLAlchemy's type for it.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, purpose: str, usual: TypeEngine[Any]) -> None:
        super().__init__()
        self.purpose = purpose
        self.usual = self.impl_instance = usual
        self.impl = usual  # type: ignore[assignment]  # as SQLAlchemy's own does

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        own = dialect_of(dialect).column_types.get(self.purpose, self.usual)
        if length := getattr(self.usual, "length", None):
            own = own.adapt(type(own), length=length)
        return own

    @property
    @override
    def comparator_factory(self) -> Any:  # type: ignore[override]  # as TypeDecorator's own is
        return self.usual.comparator_factory  # that one makes a class for every column

    @property
    @override
    def python_type(self) -> type[Any]:
        return self.usual.python_type

    @override
    def coerce_compared_value(self, op: OperatorType | None, value: object) -> TypeEngine[Any]:
        compared = self.usual.coerce_compared_value(op, value)
        return self if compared is self.usual else compared

    @override
    def __repr__(self) -> str:
        return repr(self.usual)
