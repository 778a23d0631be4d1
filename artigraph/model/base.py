"""What every kind of model has: a name, a version, and its fields as a dict."""

from __future__ import annotations

import typing
from abc import ABC, ABCMeta, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, ClassVar, Self, cast

from typing_extensions import override

from artigraph.codec.annotation import codec_of
from artigraph.codec.fields import Codecs
from artigraph.codec.misfit import checks_of
from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.row import brief_model, describe_model, model_cells
from artigraph.display.shown import Shown
from artigraph.errors import ModelDefinitionError, ModelVersionError
from artigraph.filter.condition import Condition
from artigraph.filter.field import to_condition
from artigraph.filter.known import know_models
from artigraph.filter.model import ModelFilter
from artigraph.filter.shape import ModelShape
from artigraph.home import home_of_each, newest, note_statement, replaces
from artigraph.orm.base import is_clean
from artigraph.serializer.base import serializers
from artigraph.storage.base import storages
from artigraph.types.annotation import ModelValue, Tree, classes_in, read_annotation, resolve_early

__all__ = ["BaseModel", "allow_model_type_overwrites", "models_by_name"]


NAME_LENGTH = 255
"""Characters in a model's name: the width of its column."""


def check_name(name: object) -> None:
    """Refuse a model's name that some database could not hold.

    Raises:
        ModelDefinitionError: It is no text, too long, or has characters that
            are not text.
    """
    if not isinstance(name, str) or len(name) > NAME_LENGTH or not is_clean(name):
        raise ModelDefinitionError(
            f"A model cannot be called {str(name)[:40]!r}: a name is a text of at most "
            f"{NAME_LENGTH} characters. Give it one with class …(…, name='…')."
        )


class ModelMeta(ABCMeta):
    """The class of model classes; ``artigraph.model.data`` adds to it."""

    def __setattr__(cls, name: str, value: Any) -> None:
        # A worker makes an empty class first, and gives it then what the notebook's has.
        was = vars(cls).get(name, value)
        super().__setattr__(name, value)
        if name == "model_version" and was is None and value is not None:
            with suppress(ModelDefinitionError):
                _register(cast(type[BaseModel], cls))


class _Known:
    """What is read off a class's annotations, at first use; its copy elsewhere reads it anew."""

    __slots__ = ("codecs", "fields", "named")

    def __init__(self) -> None:
        self.fields: Mapping[str, Tree] | None = None
        self.codecs: Codecs | None = None
        self.named: Sequence[type[Any]] = ()

    def is_current(self) -> bool:
        """Whether no class that the annotations name was made again since."""
        return all(newest(one) is one for one in self.named)

    def __reduce__(self) -> tuple[type[_Known], tuple[()]]:
        return _Known, ()


class BaseModel(Shown, ModelValue, ABC, metaclass=ModelMeta):
    """Something with named fields that can be written and read back.

    ``DataModel`` is the kind that most people want. For another one, say what
    its fields are and how an instance is made of them::

        class Point(BaseModel, version=1):
            def __init__(self, x: int, y: int):
                self.x, self.y = x, y

            def model_data(self):
                return {"x": self.x, "y": self.y}

            @classmethod
            def model_init(cls, version, data):
                return cls(**data)

    Args:
        version: The version of the class. A subclass without one is abstract:
            it is only there to be subclassed.
        name: What its rows are called; the class's name, unless given.

    Raises:
        ModelDefinitionError: The version is no integer, or the name is taken.
    """

    model_name: ClassVar[str]
    """What the rows are called in the database."""
    model_version: ClassVar[int | None] = None
    """The version that the class writes."""

    def __init_subclass__(
        cls, *, version: int | None = None, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
            raise ModelDefinitionError(
                f"The version of {cls.__name__} is an integer, not {version!r}: "
                f"class {cls.__name__}(…, version=1)."
            )
        if version is not None and not -(2**31) <= version < 2**31:
            raise ModelDefinitionError(
                f"The version of {cls.__name__} is {version}, and databases count to {2**31 - 1}."
            )
        cls.model_name = name or cls.__name__
        check_name(cls.model_name)
        cls.model_version = version
        cls._artigraph_known = _Known()
        resolve_early(cls)
        note_statement(cls)
        if version is not None:
            _register(cls)

    @abstractmethod
    def model_data(self) -> Mapping[str, Any]:
        """The fields by name, as :meth:`model_init` takes them."""

    @classmethod
    def model_init(cls, version: int, data: dict[str, Any]) -> Self:
        """Make an instance of fields that were stored.

        Args:
            version: The version of the class that wrote them.
            data: The fields by name.

        Raises:
            ModelVersionError: The version is another one than the class's, and
                the class does not override :meth:`model_migrate`.
        """
        if version != cls.model_version:
            return cls.model_migrate(version, data)
        return cls(**data)

    @classmethod
    def model_migrate(cls, version: int, data: dict[str, Any]) -> Self:
        """Make an instance of fields that another version of the class wrote.

        Override it to read old data with a new class.

        Args:
            version: The version of the class that wrote them.
            data: The fields by name, typed as they were then; the member of an
                enumeration is its name.

        Raises:
            ModelVersionError: Always, unless overridden.
        """
        raise ModelVersionError(
            f"A {cls.model_name} was stored at version {version}, and its class is at version "
            f"{cls.model_version}. Add to the class: @classmethod def model_migrate(cls, version, "
            f"data) that returns a {cls.__name__} for version {version}."
        )

    @classmethod
    def model_annotations(cls) -> Mapping[str, Any]:
        """The annotations of the fields by name; a field without one is anything."""
        return typing.get_type_hints(cls, include_extras=True)

    @classmethod
    def where(
        cls, condition: Callable[[Self], object] | Condition | Mapping[Any, Any], /
    ) -> ModelFilter:
        """Find models of this class by what their fields hold.

        ::

            Fit.where(lambda f: (f.loss < 0.1) & (f.params["depth"] == 3))
            Fit.where({"loss": ValueFilter(lt=0.1), "params.depth": 3})

        Args:
            condition: A function of the class's fields that returns a condition.
                Fields are attributes, what is in a dict stands under its key;
                they compare with ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=`` and
                with :func:`~artigraph.is_in`, :func:`~artigraph.is_null`,
                :func:`~artigraph.like` and :func:`~artigraph.ilike`, and combine
                with ``&``, ``|`` and ``~``. Or a mapping from fields to values.

        Returns:
            A filter for models of this class and its subclasses; combine it with
            others, as in ``Fit.where(…) & NodeRelationshipFilter(child_of=run)``.

        Raises:
            FilterError: The class has no such field, or the comparison makes no
                sense for it.
        """
        made = to_condition(cls.__name__, cls._model_shape(), condition)
        return ModelFilter(model_type=cls, where=made)

    @classmethod
    def _model_shape(cls) -> ModelShape:
        """What the fields hold, for filters."""
        return ModelShape(cls)

    def _unset_fields(self) -> Sequence[str]:
        """Fields that the class says to have, and the instance has not."""
        return ()

    def _hidden_fields(self) -> Collection[str]:
        """Fields whose values no representation shows."""
        return ()

    @override
    def _describe(self, limits: Limits) -> Facts:
        return describe_model(
            self.model_name,
            self.model_version,
            self.model_data(),
            limits,
            hidden=self._hidden_fields(),
        )

    def _cells(self, limits: Limits) -> dict[str, str]:
        return model_cells(self.model_data(), limits, hidden=self._hidden_fields())

    def _noun(self) -> str:
        return "models"

    @override
    def _brief(self, limits: Limits) -> str:
        name = type(self).__qualname__
        return brief_model(name, self.model_data(), limits, hidden=self._hidden_fields())

    _artigraph_known: ClassVar[_Known] = _Known()

    @classmethod
    @override
    def _model_fields(cls) -> Mapping[str, Tree]:
        """What each annotated field holds, read at first use."""
        known = cls._artigraph_known
        if known.fields is None or not known.is_current():
            known = cls._artigraph_known = _Known()
            try:
                annotations = cls.model_annotations()
            except NameError as error:
                raise ModelDefinitionError(
                    f"An annotation of {cls.__qualname__} names {error.name!r}, which is not "
                    "defined where the class is. Define it above the class, at module level."
                ) from error
            known.fields = {name: read_annotation(a) for name, a in annotations.items()}
            named = (one for tree in known.fields.values() for one in classes_in(tree))
            known.named = list(dict.fromkeys(named))  # each is looked at for every model
        return known.fields

    @classmethod
    def _model_codecs(cls) -> Codecs:
        """The codec of each annotated field, made at first use."""
        known = cls._artigraph_known
        if known.codecs is None or (known.named and not known.is_current()):
            fields = cls._model_fields()
            codecs = Codecs(
                {name: codec_of(tree) for name, tree in fields.items()},
                [
                    base.model_name
                    for base in cls.__mro__[1:]
                    if issubclass(base, BaseModel) and not base.__module__.startswith("artigraph.")
                ],
                checks_of(fields),
            )
            known = cls._artigraph_known
            known.codecs = codecs
        return known.codecs


models_by_name: dict[str, type[BaseModel]] = {}
"""What a stored name means here and now."""
know_models(models_by_name)
_overwrites: ContextVar[bool] = ContextVar("artigraph_model_overwrites", default=False)


@contextmanager
def allow_model_type_overwrites() -> Iterator[None]:
    """Let a class that is defined in this block replace another of its name."""
    token = _overwrites.set(True)
    try:
        yield
    finally:
        _overwrites.reset(token)


def _register(model: type[BaseModel]) -> None:
    """Let a class be what its name means from now on.

    One that is made again replaces itself, and in IPython a cell's any other
    cell's. Else two classes of one name would read each other's rows.

    Raises:
        ModelDefinitionError: Another class has the name, outside of
            :func:`allow_model_type_overwrites`.
    """
    name = model.model_name
    known = models_by_name.get(name)
    if known is not None and not (_overwrites.get() or replaces(model, known)):
        own, others = home_of_each(model, known)
        raise ModelDefinitionError(
            f"The model name {name!r} belongs to {others}, so {own} needs another: "
            f"rename the class, or give it one with class {model.__name__}(…, name='…'). "
            "To replace it on purpose, define it inside: with allow_model_type_overwrites():"
        )
    models_by_name[name] = model


def _resolve_all() -> None:
    """Register the serializers and storages that the classes defined by now name.

    Annotations are resolved at first use, since they may name what is defined
    further down; a fresh kernel that only reads has not used any yet.
    """
    for model in list(models_by_name.values()):
        # A class that cannot be resolved says so when it is used itself.
        with suppress(Exception):
            model._model_codecs()


serializers.add_source(_resolve_all)
storages.add_source(_resolve_all)
