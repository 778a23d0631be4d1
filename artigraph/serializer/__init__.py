"""Values to bytes and back: one module a library."""

from collections.abc import Sequence

from artigraph.serializer.base import build_in

__all__ = ["BUILT_IN"]

_SPARSE = [
    f"scipy:{form}_{kind}"
    for form in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
    for kind in ("array", "matrix")
]

BUILT_IN: dict[str, tuple[str, Sequence[str]]] = {
    "artigraph-json": ("artigraph.serializer.json:json_serializer", ()),
    "artigraph-json-sorted": ("artigraph.serializer.json:json_sorted_serializer", ()),
    "artigraph-datetime": ("artigraph.serializer.datetime:datetime_serializer", ()),
    "artigraph-timedelta": ("artigraph.serializer.datetime:timedelta_serializer", ()),
    "artigraph-numpy": ("artigraph.serializer.numpy:array_serializer", ["numpy:ndarray"]),
    "artigraph-pandas": ("artigraph.serializer.pandas:dataframe_serializer", ["pandas:DataFrame"]),
    "artigraph-polars": ("artigraph.serializer.polars:dataframe_serializer", ["polars:DataFrame"]),
    "artigraph-parquet": ("artigraph.serializer.pyarrow:parquet_serializer", ["pyarrow:Table"]),
    "artigraph-feather": ("artigraph.serializer.pyarrow:feather_serializer", ()),
    "artigraph-record-batch": (
        "artigraph.serializer.pyarrow:record_batch_serializer",
        ["pyarrow:RecordBatch"],
    ),
    "artigraph-file": ("artigraph.serializer.file:file_serializer", ["artigraph:File"]),
    "artigraph-pillow": ("artigraph.serializer.pillow:image_serializer", ["PIL:Image"]),
    "artigraph-matplotlib": (
        "artigraph.serializer.matplotlib:figure_serializer",
        ["matplotlib:Figure", "artigraph:FigureImage"],
    ),
    "artigraph-plotly": ("artigraph.serializer.plotly:figure_serializer", ["plotly:Figure"]),
    "artigraph-scipy": ("artigraph.serializer.scipy:sparse_serializer", _SPARSE),
}
"""The built-in serializers by stored name: where each is found, and the types that it is
chosen for, by library and name, so that a value finds it before either was imported."""

build_in(BUILT_IN)
