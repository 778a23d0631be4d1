"""A dtype of pandas from its name, which stands in a file and may say anything.

pandas opens the file that some time zones name. So what has a part, such as a
zone, is put together here; only other names are looked up.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from artigraph.serializer.pyarrow import check_zone

__all__ = ["read_dtype"]

_ZONED = re.compile(r"datetime64\[(s|ms|us|ns), (.+)\]")
_INTERVAL = re.compile(r"interval\[(.+), (left|right|both|neither)\]")
_PERIOD = re.compile(r"period\[[\w-]{1,32}\]", re.ASCII)
_NUMBERS = re.compile(r"U?Int(8|16|32|64)|Float(32|64)|boolean")
_SUBTYPE = re.compile(r"[uif][\w]{2,10}|(datetime|timedelta)64\[(s|ms|us|ns)\]", re.ASCII)
_FOREIGN = re.compile(r"[\w.]{1,64}(\[[\w ./*^-]{0,64}\])?", re.ASCII)
"""A name of another library's dtype, such as ``pint[m / s]``."""


def read_dtype(name: str) -> Any:
    """Make the dtype that a file names.

    Raises:
        ValueError: It is none that is written.
        TypeError: Nobody has registered it with pandas.
    """
    if found := _ZONED.fullmatch(name):
        unit: Any = found[1]
        return pd.DatetimeTZDtype(unit, check_zone(found[2]))
    if found := _INTERVAL.fullmatch(name):
        subtype: Any = found[1] if _SUBTYPE.fullmatch(found[1]) else read_dtype(found[1])
        closed: Any = found[2]
        return pd.IntervalDtype(subtype, closed)
    dtype: Any = None
    if _FOREIGN.fullmatch(name):
        dtype = pd.api.types.pandas_dtype(name)
    ours = _NUMBERS.fullmatch(name) or _PERIOD.fullmatch(name)
    if dtype is None or (
        type(dtype).__module__.partition(".")[0] in ("pandas", "numpy") and not ours
    ):
        raise ValueError(f"{name[:80]!r} is no dtype that is written")
    return dtype
