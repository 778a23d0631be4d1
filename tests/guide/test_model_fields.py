"""The guide's section "Model Fields": frames in the database and in S3."""

from __future__ import annotations

import pandas as pd
import pytest

from artigraph import (
    ArtifactFilter,
    DatabaseArtifact,
    ModelArtifact,
    ModelFilter,
    NodeFilter,
    NodeRelationshipFilter,
    RemoteArtifact,
    delete_models,
    nodes_exist,
    read_artifacts,
    read_model,
    read_nodes,
    write_model,
)
from tests.guide.conftest import Notebook, S3Server

ONE_FIELD = """
    from typing import Annotated
    from artigraph import DataModel, model_field
    from artigraph.storage.aws import S3Storage
    from artigraph.serializer.pandas import dataframe_serializer

    s3_storage = S3Storage("my-bucket")


    class MyDataModel(DataModel, version=1):
        frame: Annotated[pd.DataFrame, dataframe_serializer, s3_storage]
"""

REUSABLE_TYPES = """
    from typing import Annotated, TypeVar

    import pandas as pd

    from artigraph.storage.aws import S3Storage
    from artigraph.serializer.pandas import dataframe_serializer
    from artigraph.serializer.numpy import numpy_serializer

    s3_bucket = S3Storage("my-bucket")

    T = TypeVar("T")
    S3 = Annotated[T, s3_bucket]
    PandasDataframe = Annotated[pd.DataFrame, dataframe_serializer]


    class MyDataModel(DataModel, version=1):
        db_frame: PandasDataframe
        s3_frame: S3[PandasDataframe]
"""


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The guide's bucket, found as boto3 finds things: through the environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = s3_server.client()
    # One server for all tests, so what an earlier one left is taken out.
    client.create_bucket(Bucket="my-bucket")
    for one in client.list_objects_v2(Bucket="my-bucket").get("Contents", []):
        client.delete_object(Bucket="my-bucket", Key=one["Key"])
    client.close()
    return "my-bucket"


def frame(start: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"x": [start, start + 1], "name": ["a", "b"]}, index=[10, 20])


def objects(server: S3Server) -> dict[str, bytes]:
    """What is in the bucket, past the code under test."""
    client = server.client()
    try:
        listed = client.list_objects_v2(Bucket="my-bucket").get("Contents", [])
        return {
            one["Key"]: client.get_object(Bucket="my-bucket", Key=one["Key"])["Body"].read()
            for one in listed
        }
    finally:
        client.close()


async def test_an_annotated_field_is_stored_in_s3(
    store: str, notebook: Notebook, bucket: str, s3_server: S3Server
) -> None:
    """The frame's bytes are an object in the bucket, and only its address is in the row."""
    notebook["pd"] = pd
    await notebook.run(ONE_FIELD)
    model = notebook["MyDataModel"](frame=frame(1))
    written = await write_model(label="m", model=model)
    (part,) = await read_nodes(NodeRelationshipFilter(child_of=written.artifact.node_id))
    assert isinstance(part, RemoteArtifact)
    assert part.node_label == "frame"
    assert part.remote_artifact_storage == "s3://my-bucket"
    ((key, data),) = objects(s3_server).items()
    assert part.remote_artifact_location is not None
    assert part.remote_artifact_location in key
    assert part.artifact_size == len(data)

    read = await read_model(ModelFilter(label="m"))
    pd.testing.assert_frame_equal(read.value.frame, frame(1))
    assert read.value == model


async def test_reusable_annotated_types_compose(
    store: str, notebook: Notebook, bucket: str, s3_server: S3Server
) -> None:
    """``S3[PandasDataframe]`` is a frame in S3; ``PandasDataframe`` alone is in the database."""
    await notebook.run("from artigraph import DataModel")
    await notebook.run(REUSABLE_TYPES)
    model = notebook["MyDataModel"](db_frame=frame(100), s3_frame=frame(200))
    written = await write_model(label="m", model=model)
    parts = {
        str(node.node_label): node
        for node in await read_nodes(NodeRelationshipFilter(child_of=written.artifact.node_id))
    }
    assert type(parts["db_frame"]) is DatabaseArtifact
    assert parts["db_frame"].database_artifact_value
    assert type(parts["s3_frame"]) is RemoteArtifact
    assert parts["s3_frame"].remote_artifact_location
    for part in parts.values():
        assert isinstance(part, DatabaseArtifact | RemoteArtifact)
        assert part.artifact_serializer == "artigraph-pandas"

    read = await read_model(NodeFilter(node_id=written.artifact.node_id))
    pd.testing.assert_frame_equal(read.value.db_frame, frame(100))
    pd.testing.assert_frame_equal(read.value.s3_frame, frame(200))


async def test_a_part_is_an_artifact_of_its_own(
    store: str, notebook: Notebook, bucket: str
) -> None:
    """Each frame can also be read without its model, by the field's name."""
    await notebook.run("from artigraph import DataModel")
    await notebook.run(REUSABLE_TYPES)
    model = notebook["MyDataModel"](db_frame=frame(1), s3_frame=frame(2))
    await write_model(label="m", model=model)
    (found,) = await read_artifacts(ArtifactFilter(artifact_label="s3_frame"))
    pd.testing.assert_frame_equal(found.value, frame(2))


async def test_deleting_the_model_empties_the_bucket(
    store: str, notebook: Notebook, bucket: str, s3_server: S3Server
) -> None:
    """Its blob goes with the last row that names it, and not before."""
    notebook["pd"] = pd
    await notebook.run(ONE_FIELD)
    model = notebook["MyDataModel"](frame=frame(31))
    await write_model(label="one", model=model)
    await write_model(label="two", model=model)
    assert len(objects(s3_server)) == 1
    await delete_models(ModelFilter(label="one"))
    assert (await read_model(ModelFilter(label="two"))).value == model
    await delete_models(ModelFilter(label="two"))
    assert objects(s3_server) == {}
    assert not await nodes_exist(NodeFilter())


async def test_fields_must_be_json_unless_annotated(store: str, notebook: Notebook) -> None:
    """Plain fields are JSON in the model's own row: no row below it."""
    await notebook.run("""
        from artigraph import DataModel

        class Plain(DataModel, version=1):
            some: list[int]
            other: dict[str, float]
    """)
    model = notebook["Plain"](some=[1, 2], other={"a": 0.5})
    written = await write_model(label="m", model=model)
    (node,) = await read_nodes(NodeFilter())
    assert isinstance(node, ModelArtifact)
    assert node.model_artifact_data == {"some": [1, 2], "other": {"a": 0.5}}
    assert node.node_id == written.artifact.node_id


async def test_naming_a_bucket_touches_no_network(notebook: Notebook) -> None:
    """The cell runs on a machine without any credentials; only writing needs the bucket."""
    notebook["pd"] = pd
    await notebook.run(ONE_FIELD)
    assert notebook["MyDataModel"](frame=frame()).frame.equals(frame())
