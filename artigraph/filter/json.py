"""Values out of a model's document, as SQL that each database understands.

A value is written plainly where its field is annotated (see ``artigraph.codec``)
and as an object that names its kind under ``"$"`` where it is not. Both are read
here; a value of another kind is NULL, so that no comparison finds it and no
cast fails on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Dialect, Integer, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from artigraph.dialect.base import FIELD_COLUMN, FIELD_COLUMNS
from artigraph.dialect.json import JsonFunctions
from artigraph.dialect.registry import dialect_of
from artigraph.types.record import Form, Scalar

__all__ = [
    "NUMBER_TYPE",
    "DocumentValue",
    "SameBeginning",
    "value_column_name",
]


class _Number(TypeDecorator[Any]):
    """Numbers as documents hold them: 0.1 is 0.1, not its nearest binary fraction."""

    impl = Integer
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(dialect_of(dialect).number_type)

    @override
    def process_bind_param(self, value: object, dialect: Dialect) -> Any:
        return None if value is None else dialect_of(dialect).bound_number(value)

    @override
    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return str


NUMBER_TYPE = _Number()
"""A number that no driver rounds or refuses."""

_TYPES: dict[Form, TypeEngine[Any]] = {
    "number": _Number(),
    "integer": _Number(),
    "decimal": _Number(),
    "boolean": Boolean(),
    "text": String(),
    "name": String(),
    "moment": String(),
    "time": String(),
}


class DocumentValue(ColumnElement[Any]):
    """One value of a document, ``NULL`` where there is none of its kind.

    Args:
        document: The column.
        keys: What leads to the value.
        form: How it is read; ``present`` for whether it is there and not null,
            ``nan`` for whether it is NaN.
        tag: What it calls itself where no annotation tells.
        plain: Whether an annotation tells what it is, so that it stands there plainly. In a
            field of any type a plain text is a text, not a date, and a number may be numpy's.
    """

    __visit_name__ = "artigraph_document_value"
    _traverse_internals = [  # noqa: RUF012  # SQLAlchemy types it as an instance's
        ("document", InternalTraversal.dp_clauseelement),
        ("keys", InternalTraversal.dp_plain_obj),
        ("form", InternalTraversal.dp_string),
        ("tag", InternalTraversal.dp_string),
        ("plain", InternalTraversal.dp_boolean),
    ]

    def __init__(
        self,
        document: ColumnElement[Any],
        keys: Sequence[str],
        form: str,
        tag: str = "",
        plain: bool = True,
    ) -> None:
        self.document, self.keys, self.form = document, tuple(keys), form
        self.tag, self.plain = tag, plain
        self.type = _TYPES.get(form, Boolean())  # type: ignore[call-overload]  # two further forms are booleans

    @classmethod
    def of_kind(
        cls, document: ColumnElement[Any], keys: Sequence[str], kind: Scalar, plain: bool
    ) -> DocumentValue:
        """The value of one kind."""
        return cls(document, keys, kind.form, kind.tag, plain)


def value_column_name(value: DocumentValue) -> str:
    """What a generated column for an indexed value is called."""
    described = repr((value.keys, value.form, value.tag, value.plain))
    name = getattr(value.document, "name", "")
    if name != "model_artifact_data":  # those of models have had their names for longer
        described += f" in {name}"
    return f"{FIELD_COLUMN}{sha256(described.encode()).hexdigest()[:16]}"


class SameBeginning(FunctionElement[bool]):
    """Whether two texts begin alike; see :meth:`artigraph.dialect.base.Dialect.begin_alike`."""

    inherit_cache = True
    type = Boolean()


@compiles(SameBeginning)
def _begin_alike(element: SameBeginning, compiler: SQLCompiler, **kw: object) -> str:
    value, text = (compiler.process(clause, **kw) for clause in element.clauses)
    return dialect_of(compiler).begin_alike(value, text)


_CHARACTERS = {"time": 15, "name": 255}
"""Characters that are read: a fold is left out, and in a field of the same name
another class may keep a text that no index takes."""


class _Reader:
    """Joins what a database knows into the SQL of one form."""

    def __init__(self, json: JsonFunctions, value: DocumentValue) -> None:
        self._json, self._keys = json, value.keys
        self._tag, self._plain, self._loose = (
            value.tag,
            value.plain or not value.tag,
            not value.plain,
        )

    def _of_numpy(self, read: Callable[[Sequence[str]], str]) -> str:
        """What a scalar of numpy holds, which says of itself that it is one."""
        json, keys = self._json, self._keys
        return (
            f" WHEN '{json.object}' THEN CASE {json.text([*keys, '$'])} "
            f"WHEN 'numpy' THEN {read([*keys, 'v'])} END"
        )

    def present(self) -> str:
        json = self._json
        return f"COALESCE({json.type(self._keys)}, '{json.null}') <> '{json.null}'"

    def nan(self) -> str:
        json = self._json

        def is_nan(keys: Sequence[str]) -> str:
            return (
                f"CASE {json.type(keys)} WHEN '{json.object}' THEN "
                f"{json.text([*keys, '$'])} = 'float' AND {json.text([*keys, 'v'])} = 'nan' END"
            )

        inside = (
            f"CASE {json.type(self._keys)}{self._of_numpy(is_nan)} END, " if self._loose else ""
        )
        return f"COALESCE({inside}{is_nan(self._keys)}, FALSE)"

    def number(self, form: str) -> str:
        return self._number(self._keys, form, self._loose)

    def _number(self, keys: Sequence[str], form: str, loose: bool) -> str:
        json = self._json
        stored = [*keys, "v"]
        text, infinity = json.text(stored), json.infinity(form)
        beyond = json.beyond(form)
        tagged = (
            f"CASE {json.text([*keys, '$'])} WHEN 'float' THEN CASE {text} "
            f"WHEN 'inf' THEN {infinity} WHEN '-inf' THEN -{infinity} "
            f"ELSE {json.to_number(text, form)} END "
            # Of more than 64 bits: beyond every number that may be asked for.
            f"WHEN 'int' THEN CASE WHEN substr({text}, 1, 1) = '-' THEN -{beyond} ELSE {beyond} END"
        )
        if self._tag:
            numbers = " OR ".join(f"{json.type(stored)} = '{name}'" for name in json.numbers)
            tagged += (
                f" WHEN '{self._tag}' THEN CASE WHEN {numbers} THEN {json.number(stored, form)} END"
            )
        elif loose:
            tagged += f" WHEN 'decimal' THEN {json.to_number(text, 'decimal')}"
            tagged += f" WHEN 'numpy' THEN {self._number(stored, form, False)}"
        plain = ""
        if self._plain:
            number = json.number(keys, form)
            plain = "".join(f" WHEN '{name}' THEN {number}" for name in json.numbers)
        return f"CASE {json.type(keys)}{plain} WHEN '{json.object}' THEN {tagged} END END"

    def text(self) -> str:
        json, keys = self._json, self._keys
        sql = f"CASE {json.type(keys)}"
        if self._plain:
            sql += f" WHEN '{json.string}' THEN {json.text(keys)}"
        if self._loose and not self._tag:
            sql += self._of_numpy(
                lambda at: f"CASE {json.type(at)} WHEN '{json.string}' THEN {json.text(at)} END"
            )
        if self._tag:
            tags = f"{json.text([*keys, '$'])}, {json.text([*keys, 't'])}"
            sql += (
                f" WHEN '{json.object}' THEN CASE WHEN {json.literal(self._tag)} IN ({tags}) "
                f"THEN {json.text([*keys, 'v'])} END"
            )
        return f"({sql} END){json.text_collation}"

    def sql(self, form: str) -> str:
        json = self._json
        if form in ("number", "integer"):
            return self.number(form)
        if form == "boolean":
            inside = f"CASE {json.type(self._keys)}{self._of_numpy(json.true)} END"
            plain = json.true(self._keys)
            return f"COALESCE({plain}, {inside})" if self._loose else plain
        if form == "moment":
            return f"{json.without_fold(self.text())}{json.text_collation}"
        if form in _CHARACTERS:
            return f"substr({self.text()}, 1, {_CHARACTERS[form]}){json.text_collation}"
        if form == "decimal":
            return json.to_number(self.text(), form)
        if form == "present":
            return self.present()
        return self.nan() if form == "nan" else self.text()


@compiles(DocumentValue)
def _compile(value: DocumentValue, compiler: SQLCompiler, **kw: object) -> str:
    generated: frozenset[str] = getattr(compiler.dialect, FIELD_COLUMNS, frozenset())
    if generated and (name := value_column_name(value)) in generated:
        table = compiler.process(value.document, **kw).rpartition(".")[0]
        return f"{table}.{name}"
    kw.pop("within_columns_clause", None)
    kw.pop("add_to_result_map", None)
    document = compiler.process(value.document, **kw)
    json = dialect_of(compiler).json(document, compiler)
    return f"({_Reader(json, value).sql(value.form)})"
