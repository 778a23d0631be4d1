"""A few values that were noted down, under names of the moment's choosing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from typing_extensions import override

from artigraph.model.base import BaseModel
from artigraph.model.equality import equal_values

__all__ = ["Log"]


class Log(BaseModel, Mapping[str, Any], version=1, name="artigraph.Log"):
    """Values by name: what ``%artigraph log loss=0.1 step=3`` writes.

    It is a mapping that does not change, and its names are fields like those of
    any other model, so filters find them and frames have a column for each::

        best = await read_first_model(ModelFilter(model_type=Log), order_by="loss")
        best.value["step"]

    Args:
        **values: The values: numbers, texts, dates and what else a field may
            hold.
    """

    def __init__(self, /, **values: Any) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Log):
            return NotImplemented
        return equal_values(self._values, other._values)

    @override
    def model_data(self) -> Mapping[str, Any]:
        """The values by name."""
        return dict(self._values)

    @classmethod
    @override
    def model_annotations(cls) -> Mapping[str, Any]:
        """None: any name may be one, and hold anything."""
        return {}
