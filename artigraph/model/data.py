"""Models that are frozen dataclasses."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from typing import Annotated, Any, ClassVar, Self, TypeVar, overload

from typing_extensions import dataclass_transform, override

from artigraph.display.shown import Shown
from artigraph.errors import ModelDefinitionError, ModelVersionError
from artigraph.model.base import BaseModel, ModelMeta
from artigraph.model.equality import equal_values
from artigraph.model.own_init import made_without_init, takes_fields
from artigraph.serializer.base import Serializer
from artigraph.storage.base import Storage

__all__ = ["DataModel", "model_field"]

T = TypeVar("T")
MISSING: Any = dataclasses.MISSING

_METADATA = "artigraph"
_deriving: ContextVar[bool] = ContextVar("artigraph_deriving", default=False)
_decorating: ContextVar[tuple[type[Any], bool] | None] = ContextVar(
    "artigraph_decorating", default=None
)
"""The class that a plain ``@dataclass`` works on, and whether it makes it frozen."""


@overload
def model_field(
    *,
    serializer: Serializer[Any] | None = None,
    storage: Storage | None = None,
    default: T,
    **field_options: Any,
) -> T: ...


@overload
def model_field(
    *,
    serializer: Serializer[Any] | None = None,
    storage: Storage | None = None,
    default_factory: Callable[[], T],
    **field_options: Any,
) -> T: ...


@overload
def model_field(
    *,
    serializer: Serializer[Any] | None = None,
    storage: Storage | None = None,
    **field_options: Any,
) -> Any: ...


def model_field(
    *,
    serializer: Serializer[Any] | None = None,
    storage: Storage | None = None,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    **field_options: Any,
) -> Any:
    """Say how and where a field is stored, as ``Annotated`` does.

    Args:
        serializer: How its value becomes bytes.
        storage: Where the bytes go; into the database, unless given.
        default: Its default.
        default_factory: Makes its default.
        **field_options: For ``dataclasses.field``, such as ``repr`` or ``compare``.

    Returns:
        A field for the body of a ``DataModel``::

            class Fit(DataModel, version=1):
                weights: np.ndarray = model_field(storage=files)

    Raises:
        ModelDefinitionError: Something that is no serializer or no storage.
    """
    for given, kind in ((serializer, Serializer), (storage, Storage)):
        if given is not None and not isinstance(given, kind):
            raise ModelDefinitionError(f"{given!r} is no {kind.__name__.lower()}.")
    metadata = dict(field_options.pop("metadata", None) or {})
    metadata[_METADATA] = tuple(one for one in (serializer, storage) if one is not None)
    return dataclasses.field(
        default=default, default_factory=default_factory, metadata=metadata, **field_options
    )


class _Params:
    """What ``dataclasses`` reads of a base class: frozen only to our own eyes.

    A plain ``@dataclass`` above a model would otherwise refuse to derive from
    its frozen base, though it changes nothing.
    """

    def __init__(self, params: object) -> None:
        self._params = params

    def __getattr__(self, name: str) -> Any:
        return getattr(self._params, name)

    @property
    def frozen(self) -> bool:
        """Whether a frozen class is being derived."""
        decorating = _decorating.get()
        return _deriving.get() or (decorating is not None and decorating[1])

    def __repr__(self) -> str:
        return repr(self._params)

    def __reduce__(self) -> tuple[type[_Params], tuple[Any]]:
        return _Params, (self._params,)


class DataModelMeta(ModelMeta):
    """Lets a plain ``@dataclass`` above a model change nothing.

    The decorator would take the fields' defaults for missing, since they were
    taken off the class the first time. So as it begins they are put back, and
    what it makes of them is left aside.

    All else may be set, also by IPython's autoreload: that gives a class which
    notebooks hold what its module defines anew, the fields too.
    """

    def __setattr__(cls, name: str, value: Any) -> None:  # noqa: N805  # a metaclass's self is a class
        decorated, as_frozen = _decorating.get() or (None, False)
        if _deriving.get() or isinstance(value, _Params):
            super().__setattr__(name, value)
        elif name == "__dataclass_params__":  # the first that the decorator sets
            _decorating.set((cls, value.frozen))
            own = inspect.get_annotations(cls)
            for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # they are
                if field.name in own:
                    super().__setattr__(field.name, field)
        elif name == "__dataclass_fields__" and decorated is cls:
            if as_frozen:
                # @dataclass(frozen=True) adds these again, and refuses to replace them.
                for own_method in {"__setattr__", "__delattr__"} & cls.__dict__.keys():
                    delattr(cls, own_method)
            _decorating.set(None)
        else:
            super().__setattr__(name, value)


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field, model_field))
class DataModel(BaseModel, metaclass=DataModelMeta):
    """A model that is a frozen dataclass.

    ::

        class Fit(DataModel, version=1):
            loss: float
            params: dict[str, int] = field(default_factory=dict)
            weights: Annotated[pd.DataFrame, dataframe_serializer, files]

    Plain fields are stored as JSON in the model's own row, and come back as
    their annotations say. A field that names a serializer or a storage is an
    artifact of its own below the model, and so is a nested model.

    Instances compare field by field, frames and arrays by their content, and
    hash as frozen dataclasses do.

    Args:
        version: The version of the class; raise it when the fields change, and
            override ``model_migrate``. A class without one is abstract.
        name: What its rows are called; the class's name, unless given.
        **dataclass_kwargs: For ``dataclasses.dataclass``, such as ``kw_only``,
            ``repr`` or ``order``.

    Raises:
        ModelDefinitionError: ``frozen=False`` or ``slots=True``, or a name that
            another class has.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    __dataclass_params__: ClassVar[Any]

    def __init_subclass__(
        cls, *, version: int | None = None, name: str | None = None, **dataclass_kwargs: Any
    ) -> None:
        for option, allowed in (("frozen", True), ("slots", False), ("weakref_slot", False)):
            if dataclass_kwargs.pop(option, allowed) is not allowed:
                raise ModelDefinitionError(
                    f"class {cls.__name__}(…, {option}={not allowed}): a DataModel is a frozen "
                    f"dataclass without slots. Leave {option} out."
                )
        for field in _names_of_fields(cls):
            if hasattr(DataModel, field):
                raise ModelDefinitionError(
                    f"{cls.__name__} cannot have a field {field!r}: every model has something "
                    "else of that name. Call the field otherwise."
                )
        if dataclass_kwargs.get("repr", True) and "__repr__" not in cls.__dict__:
            # As dataclass() would write one, but within the limits of a page.
            # IPython takes the first of both that it finds on the way up.
            cls.__repr__ = Shown.__repr__  # type: ignore[method-assign]  # as dataclass() does
            cls._repr_pretty_ = Shown._repr_pretty_  # type: ignore[method-assign]  # as dataclass() does
        compares = dataclass_kwargs.get("eq", True) and "__eq__" not in cls.__dict__
        generated = dataclass_kwargs.get("init", True) and "__init__" not in cls.__dict__
        token = _deriving.set(True)
        try:
            dataclasses.dataclass(frozen=True, **dataclass_kwargs)(cls)
            cls.__dataclass_params__ = _Params(cls.__dataclass_params__)
        finally:
            _deriving.reset(token)
        if compares:
            cls.__eq__ = _equal  # type: ignore[method-assign]  # as dataclass() does
        for inherited in ("__init__", "__repr__", "__eq__", "__hash__", "__match_args__"):
            # dataclass() only adds what a class does not define itself.
            if inherited not in cls.__dict__ and hasattr(cls, inherited):
                setattr(cls, inherited, getattr(cls, inherited))
        if not hasattr(cls, "__setstate__") and any(vars(c).get("__slots__") for c in cls.__mro__):
            cls.__setstate__ = _set_state
        cls._field_names = frozenset(field.name for field in dataclasses.fields(cls))
        cls._generated_init = generated
        cls._left_out_of_init = frozenset(f.name for f in dataclasses.fields(cls) if not f.init)
        init_fields = cls._field_names - cls._left_out_of_init
        cls._init_takes_fields = generated or takes_fields(cls.__init__, init_fields)
        own_steps = not generated or hasattr(cls, "__post_init__")
        cls._set_after_init = cls._field_names if own_steps else cls._left_out_of_init
        if version is not None:
            cls._refuse_lost_arguments()
        super().__init_subclass__(version=version, name=name)

    def model_data(self) -> Mapping[str, Any]:
        """The fields by name."""
        values, fields = vars(self), self.__dataclass_fields__
        if values.keys() == fields.keys():
            return dict(values)
        # The instance's own dict may hold more, such as a cached property.
        if values.keys() >= self._field_names:
            return {name: values[name] for name in fields if name in values}
        # A field may be in a slot, behind a property, or a default that is the class's alone; it
        # may be unset.
        read = {name for name in self._field_names if hasattr(self, name)}
        return {name: getattr(self, name) for name in fields if name in read or name in values}

    @classmethod
    def model_init(cls, version: int, data: dict[str, Any]) -> Self:
        """Make an instance of fields that were stored.

        ``__post_init__``, or an ``__init__`` of the class's own that takes the fields by
        name, runs as ever; then each field gets what was stored.

        Args:
            version: The version of the class that wrote them.
            data: The fields by name; those that the class has no more are left out.

        Raises:
            ModelVersionError: The version is another one than the class's, and
                the class does not override ``model_migrate``; or a field is missing
                that has no default.
        """
        if version != cls.model_version:
            return cls.model_migrate(version, data)
        return cls._of_fields(data)

    @classmethod
    def _of_fields(cls, data: dict[str, Any]) -> Self:
        late, left_out = cls._set_after_init, cls._left_out_of_init
        try:
            if not late:
                return cls(**data)
            if not cls._init_takes_fields:
                return made_without_init(cls, data)
            self = cls(**{name: _apart(v) for name, v in data.items() if name not in left_out})
        except Exception as error:
            if isinstance(error, TypeError):
                if (explained := cls._explain(data, error)) is not error:
                    raise explained from error
                if data.keys() - cls._field_names:  # the class has lost fields since
                    return cls._of_fields({n: v for n, v in data.items() if n in cls._field_names})
            if late:
                error.add_note(_REFUSED.format(cls.__qualname__))
            raise
        # Whatever __post_init__ makes of its arguments, it made that of them before.
        for name in late & data.keys():
            object.__setattr__(self, name, data[name])
        return self

    @classmethod
    def model_annotations(cls) -> Mapping[str, Any]:
        """The annotations of the fields by name, with what ``model_field`` adds."""
        annotations = dict(super().model_annotations())
        for field in dataclasses.fields(cls):
            for one in field.metadata.get(_METADATA, ()):
                annotations[field.name] = Annotated[annotations[field.name], one]
        names = {field.name for field in dataclasses.fields(cls)}
        return {name: annotations[name] for name in annotations if name in names}

    @classmethod
    def _model_field_names(cls) -> Sequence[str]:
        return [field.name for field in dataclasses.fields(cls)]

    @override
    def _hidden_fields(self) -> Collection[str]:
        shown = type(self).__dataclass_params__.repr
        return [field.name for field in dataclasses.fields(self) if not (shown and field.repr)]

    _field_names: ClassVar[frozenset[str]] = frozenset()
    _generated_init: ClassVar[bool] = True
    _init_takes_fields: ClassVar[bool] = True
    _left_out_of_init: ClassVar[frozenset[str]] = frozenset()
    _set_after_init: ClassVar[frozenset[str]] = frozenset()
    """Fields that get their stored values after ``__init__``, and what it calls, has run."""

    @override
    def _unset_fields(self) -> Sequence[str]:
        if not self._generated_init:
            return []
        # An init=False field may be left unset for good.
        fields = dataclasses.fields(self)
        return [field.name for field in fields if field.init and not hasattr(self, field.name)]

    @classmethod
    def _refuse_lost_arguments(cls) -> None:
        own, inherited = (inspect.getattr_static(c, "model_init") for c in (cls, DataModel))
        if own is not inherited:
            return
        for name, field in cls.__dataclass_fields__.items():
            needed = field.default is MISSING and field.default_factory is MISSING
            if needed and str(getattr(field, "_field_type", None)) == "_FIELD_INITVAR":
                raise ModelDefinitionError(
                    f"{cls.__name__} needs {name!r} to be made, but an InitVar is not stored, so "
                    "it could not be read back. Give it a default, or override model_init()."
                )

    @classmethod
    def _explain(cls, data: Mapping[str, Any], error: TypeError) -> Exception:
        fields = {f.name: f for f in dataclasses.fields(cls)}
        gone = [name for name in data if name not in fields]
        new = [
            name
            for name, f in fields.items()
            if name not in data and f.default is MISSING and f.default_factory is MISSING
        ]
        if not new:
            return error  # the class's own __post_init__ raised it
        changes = [f"lacks {name!r}" for name in new] + [f"has also {name!r}" for name in gone]
        return ModelVersionError(
            f"A {cls.model_name} was stored at version {cls.model_version}, as the class is, but "
            f"{' and '.join(changes)}. Give new fields a default, or raise the class's version "
            "and override model_migrate()."
        )


_REFUSED = (
    "A stored {0} was given its fields as they are stored, and its own __init__ or __post_init__ "
    "raised this: they run when a model is read, too. Let them accept what they leave in the "
    "fields themselves (a classmethod may convert), or override model_init()."
)


def _names_of_fields(cls: type[Any]) -> set[str]:
    """What is going to be a field of a class: its own, and those of plain dataclasses above."""
    own = {name for name, a in inspect.get_annotations(cls).items() if "ClassVar" not in str(a)}
    plain = [
        base
        for base in cls.__mro__[1:]
        if dataclasses.is_dataclass(base) and not isinstance(base, DataModelMeta)
    ]
    return own.union(*({field.name for field in dataclasses.fields(base)} for base in plain))


def _apart(value: Any) -> Any:
    """A value whose lists, dicts and sets may be changed without changing this one's."""
    kind = type(value)
    if kind is dict:
        return {key: _apart(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return kind(map(_apart, value))
    return set(value) if kind is set else value


def _set_state(self: Any, state: Any) -> None:
    """Take what ``object.__getstate__`` gave; pickle itself would set slots as anybody does."""
    for values in state if isinstance(state, tuple) else (state,):
        for name, value in (values or {}).items():
            object.__setattr__(self, name, value)


def _equal(self: Any, other: Any) -> Any:
    if type(self) is not type(other):
        return NotImplemented
    return all(
        equal_values(getattr(self, field.name, None), getattr(other, field.name, None))
        for field in dataclasses.fields(self)
        if field.compare
    )
