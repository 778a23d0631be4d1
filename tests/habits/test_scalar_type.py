"""Adding a scalar type of fields takes one record."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

import pyarrow as pa
import pytest

from artigraph import (
    DataModel,
    FilterError,
    ModelFilter,
    ValueFilter,
    create_field_index,
    drop_field_index,
    read_frame,
    read_models,
    read_table,
    write_model,
)
from artigraph.display.value import shown_in_cells
from artigraph.errors import NameTakenError
from artigraph.filter.condition import Condition
from artigraph.model.document import encode_model
from artigraph.notebook.magic.condition import parse_conditions
from artigraph.notebook.magic.words import split
from artigraph.types.record import Scalar, register_scalar
from artigraph.types.scalar import SCALARS_BY_NAME, SCALARS_BY_TYPE

IPV4 = Scalar("ipv4", (IPv4Address,), write=str, read=IPv4Address, noun="an IPv4 address")
HOME, AWAY = IPv4Address("10.0.0.1"), IPv4Address("192.168.0.2")


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Know addresses while a test runs."""
    tables: tuple[dict[Any, Any], ...] = (SCALARS_BY_NAME, SCALARS_BY_TYPE, shown_in_cells)
    before = [dict(table) for table in tables]
    register_scalar(IPV4)
    yield
    for table, known in zip(tables, before, strict=True):
        table.clear()
        table.update(known)


class Host(DataModel, version=1):
    """A model with addresses wherever a field may have them."""

    address: IPv4Address
    peers: list[IPv4Address]
    other: IPv4Address | str | None = None
    anything: Any = None


HOST = Host(HOME, [HOME, AWAY], AWAY, [AWAY])


async def found(where: Any) -> list[Host]:
    """What a condition finds."""
    return [one.value for one in await read_models(Host.where(where))]


def test_a_value_is_written_plainly() -> None:
    """Where it is annotated a document has its text, and elsewhere it says what it is."""
    document, parts = encode_model(HOST)
    assert document["address"] == "10.0.0.1"
    assert document["anything"] == [{"$": "ipv4", "v": "192.168.0.2"}]
    assert document["$"]["peers"] == {"list": "ipv4"}
    assert not parts


async def test_a_value_is_read_and_compared(store: str) -> None:
    """It comes back equal, and filters, typed ones too, find it wherever it stands."""
    await write_model(label="host", model=HOST)
    await write_model(label="other", model=Host(AWAY, [], "text", HOME))
    await create_field_index(Host, "address")
    assert await found(lambda f: f.address == HOME) == [HOST]
    assert await found({"address": ValueFilter(ne=AWAY)}) == [HOST]
    assert await found({"address": [HOME, AWAY], "other": AWAY}) == [HOST]
    assert await found({"anything": HOME}) == [Host(AWAY, [], "text", HOME)]
    typed = parse_conditions(split("address=10.0.0.1", {}), "Host", Host)
    assert isinstance(typed, Condition)
    assert await found(typed) == [HOST]
    with pytest.raises(FilterError, match="address is an IPv4 address, which does not compare"):
        await found({"address": "10.0.0.1"})
    with pytest.raises(FilterError, match="which has no order"):
        await found(lambda f: f.address < HOME)
    await drop_field_index(Host, "address")


async def test_a_value_is_shown_and_exported(store: str) -> None:
    """A repr shows it as a text beside its type, and so does a column of a frame."""
    assert ">IPv4Address<" in HOST._repr_html_()
    assert ">10.0.0.1<" in HOST._repr_html_()
    await write_model(label="host", model=HOST)
    table = await read_table(ModelFilter(model_type=Host))
    assert table.schema.field("address").type == pa.string()
    assert table["peers"].to_pylist() == [["10.0.0.1", "192.168.0.2"]]
    frame = await read_frame(ModelFilter(model_type=Host), ["address", "other"])
    assert frame.to_dict("list") == {"address": ["10.0.0.1"], "other": ["192.168.0.2"]}


async def test_a_type_of_arrow_is_that_of_its_column(store: str) -> None:
    """A record that names another type than text has columns of it, empty ones too."""

    class Token(bytes):
        """Bytes of one's own."""

    register_scalar(
        Scalar(
            "token",
            (Token,),
            write=lambda value: base64.b16encode(value).decode(),
            read=lambda stored: Token(base64.b16decode(stored)),
            arrow=("binary",),
        )
    )

    class Session(DataModel, version=1):
        token: Token
        last: Token | None = None

    await write_model(label="session", model=Session(Token(b"ab")))
    table = await read_table(ModelFilter(model_type=Session), ["token", "last"])
    assert table.schema.types == [pa.binary(), pa.binary()]
    assert table.to_pylist() == [{"token": b"ab", "last": None}]


def test_a_second_one_or_half_of_one_is_refused() -> None:
    """A name or a type that is known, a name with another meaning, and what lacks something."""
    with pytest.raises(NameTakenError, match="'ipv4' and IPv4Address"):
        register_scalar(IPV4)
    with pytest.raises(NameTakenError, match=r"'address' .* IPv4Address already"):
        register_scalar(Scalar("address", (IPv4Address,), write=str, read=IPv4Address))
    with pytest.raises(NameTakenError, match="'ref'"):
        register_scalar(Scalar("ref", (complex,), write=str, read=complex))
    with pytest.raises(TypeError, match="'half' lacks read"):
        Scalar("half", (complex,), write=str)
    with pytest.raises(TypeError, match="'half' lacks write and types"):
        Scalar("half", (), read=complex)


def test_a_module_that_is_loaded_again_registers_it_again() -> None:
    """The same name, types and functions are no second record; others are."""
    register_scalar(Scalar("ipv4", (IPv4Address,), write=str, read=IPv4Address))
    with pytest.raises(NameTakenError):
        register_scalar(Scalar("ipv4", (IPv4Address,), write=repr, read=IPv4Address))
