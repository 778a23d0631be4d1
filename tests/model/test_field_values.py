"""A field's value is what the instance has, wherever it keeps it, and comes back as stored."""

import copy
import pickle
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from artigraph import (
    BaseModel,
    DataModel,
    ModelDefinitionError,
    ModelFilter,
    SerializationError,
    allow_model_type_overwrites,
    count_models,
    read_frame,
    read_model,
    write_model,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """A plain dataclass that keeps its field in a slot."""

    rate: float = 0.0


class Slotted:
    """A plain class with a slot, and nothing that says how it is copied."""

    __slots__ = ("rate",)


class OfDataclass(Settings, DataModel, version=1, name="values.OfDataclass"):
    """Its first field is in a slot."""

    name: str = ""


class OfClass(DataModel, Slotted, version=1, name="values.OfClass"):
    """So is this one's."""

    rate: float
    name: str = ""


async def write_and_read(model: BaseModel) -> Any:
    written = await write_model(label="m", model=model)
    return (await read_model(ModelFilter(node_id=written.artifact.node_id))).value


# -------------------------------------------------------- wherever it is kept


@pytest.mark.parametrize("cls", [OfDataclass, OfClass])
async def test_a_field_in_a_slot_is_part_of_the_model(store: str, cls: Any) -> None:
    """It is stored, compared, hashed, shown, copied, pickled, searched and listed."""
    model = cls(rate=0.5, name="a")
    assert "rate" not in vars(model)
    assert model.model_data() == {"rate": 0.5, "name": "a"}
    assert repr(model) == f"{cls.__name__}(rate=0.5, name='a')"
    assert model != cls(rate=0.1, name="a")
    assert hash(model) == hash(cls(rate=0.5, name="a")) != hash(cls(rate=0.1, name="a"))
    for made in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert made == model
        assert made.rate == 0.5
    back = await write_and_read(model)
    assert back == model
    assert back.rate == 0.5
    assert await count_models(cls.where(lambda m: m.rate > 0.4)) == 1
    assert await count_models(cls.where(lambda m: m.rate > 0.6)) == 0
    assert (await read_frame(ModelFilter(model_type=cls)))["rate"].tolist() == [0.5]


def test_what_is_no_field_is_copied_with_a_slot() -> None:
    """A copy keeps what the instance's own dict holds beside its fields."""
    model = OfClass(0.5)
    vars(model)["cached"] = 7
    assert vars(copy.copy(model))["cached"] == 7


async def test_a_field_behind_a_property_is_part_of_the_model(store: str) -> None:
    """What the property gives is stored, and what was stored is given to it."""

    class Shadowed(DataModel, version=1):
        x: int

        @property  # type: ignore[no-redef]  # that is the point
        def x(self) -> int:
            return int(vars(self)["_x"])

        @x.setter
        def x(self, value: int) -> None:
            vars(self)["_x"] = value

    model = Shadowed(3)
    assert model.model_data() == {"x": 3}
    assert model != Shadowed(4)
    assert await write_and_read(model) == model


async def test_a_default_that_only_the_class_holds_is_stored(store: str) -> None:
    """A field that __init__ does not set keeps its value when the class's default changes."""

    class Fixed(DataModel, version=1, name="values.Fixed"):
        x: int
        unit: str = field(init=False, default="m")

    await write_model(label="m", model=Fixed(1))
    with allow_model_type_overwrites():

        class Changed(DataModel, version=1, name="values.Fixed"):
            x: int
            unit: str = field(init=False, default="km")

    assert (await read_model(ModelFilter(model_type=Changed))).value.unit == "m"


async def test_an_instance_that_lacks_a_field_is_refused(store: str) -> None:
    """One that was not made by its class is not written without what it lacks."""

    class Whole(DataModel, version=1):
        x: int
        y: int

    model = object.__new__(Whole)
    object.__setattr__(model, "x", 1)
    with pytest.raises(SerializationError, match=r"it has no 'y'.* Make it anew with Whole\(…\)"):
        await write_model(label="m", model=model)
    assert await count_models(ModelFilter()) == 0


def test_a_field_that_every_model_has_otherwise_is_refused_from_above_too() -> None:
    """A plain dataclass brings its fields; one of them may not be what a row is named after."""

    @dataclass(frozen=True)
    class Plain:
        model_name: str = "other"

    with pytest.raises(ModelDefinitionError, match="cannot have a field 'model_name'"):

        class Named(Plain, DataModel, version=1):
            pass


# ------------------------------------------------------------- read as stored


class Loan(DataModel, version=1, name="values.Loan"):
    """Given in per cent, kept as a share."""

    percent: float
    history: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "percent", self.percent / 100)
        self.history.append("opened")


class Span(DataModel, version=1, name="values.Span"):
    """Made by an __init__ of its own."""

    length: float

    def __init__(self, length: float) -> None:
        object.__setattr__(self, "length", length + 1)


@pytest.mark.parametrize("model", [Loan(5.0), Loan(5.0, ["asked"]), Span(3.0)])
async def test_what_was_stored_comes_back_whatever_making_an_instance_does(
    store: str, model: BaseModel
) -> None:
    """A conversion of arguments, or of what is in them, is not done a second time."""
    back = await write_and_read(model)
    assert back == model
    assert await write_and_read(back) == model


@given(
    values=st.dictionaries(st.text("ab"), st.lists(st.integers()) | st.text("ab"), max_size=3),
    by=st.floats(-10, 10),
)
@settings(deadline=None, max_examples=25)
async def test_any_conversion_comes_back_as_stored(values: dict[str, Any], by: float) -> None:
    """model_init gives what model_data gave, though __post_init__ changes all of it."""

    class Converted(DataModel, name="values.Converted"):
        number: float
        values: dict[str, Any]
        pair: tuple[list[int], int] = field(default_factory=lambda: ([1], 2))

        def __post_init__(self) -> None:
            object.__setattr__(self, "number", self.number * by + 1)
            self.values["n"] = len(self.values)
            for value in self.values.values():
                if isinstance(value, list):
                    value.append(0)
            self.pair[0].append(3)

    model = Converted(1.0, values)
    stored = copy.deepcopy(dict(model.model_data()))
    back = Converted.model_init(None, dict(model.model_data()))  # type: ignore[arg-type]  # abstract
    assert back.model_data() == stored
    assert model.model_data() == stored


async def test_what_post_init_makes_beside_the_fields_is_there(store: str) -> None:
    """It runs on reading, so attributes that it makes, and an InitVar's default, are as before."""

    class Made(DataModel, version=1):
        x: int
        double: int = field(init=False)
        scale: InitVar[int] = 2

        def __post_init__(self, scale: int) -> None:
            object.__setattr__(self, "double", self.x * scale)
            object.__setattr__(self, "lookup", {self.x: scale})

        @cached_property
        def half(self) -> float:
            return self.x / 2

    back = await write_and_read(Made(3, scale=10))
    assert (back.double, back.lookup, back.half) == (30, {3: 2}, 1.5)


async def test_a_post_init_that_refuses_what_it_made_says_the_way_out(store: str) -> None:
    """Checks hold on reading; a conversion in a classmethod reads the rows that are there."""

    class Checked(DataModel, version=1, name="values.Checked"):
        percent: float

        def __post_init__(self) -> None:
            if self.percent < 1:
                raise ValueError("give per cent")
            object.__setattr__(self, "percent", self.percent / 100)

    await write_model(label="m", model=Checked(5.0))
    with pytest.raises(ValueError, match="give per cent") as error:
        await read_model(ModelFilter(label="m"))
    note = " ".join(error.value.__notes__)
    assert "Let them accept what they leave in the fields themselves (a classmethod may" in note
    with allow_model_type_overwrites():

        class Share(DataModel, version=1, name="values.Checked"):
            percent: float

            def __post_init__(self) -> None:
                if self.percent > 1:
                    raise ValueError("give a share")

            @classmethod
            def of_percent(cls, percent: float) -> "Share":
                return cls(percent / 100)

    back = (await read_model(ModelFilter(label="m"))).value
    assert back == Share.of_percent(5.0)
