"""What the quickstart keeps: its node class and its models.

Definitions belong in a module, so that any kernel can import them: this is
all that a fresh one needs beside the database's address.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from sqlalchemy.orm import Mapped

from artigraph import DataModel, Node
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.storage.file import FileSystemStorage

__all__ = ["DATA", "Dataset", "Details", "Run", "Scores", "Settings"]

DATA = Path(__file__).parent / "quickstart-data"
"""Where the quickstart keeps everything. Delete it whenever you like."""

# The name is stored with each value, so the folder may move.
files = FileSystemStorage(DATA / "files", name="quickstart-files")

Frame = Annotated[pd.DataFrame, dataframe_serializer, files]
Array = Annotated[np.ndarray, array_serializer, files]


class Run(Node):
    """One training of one model."""

    __mapper_args__ = {"polymorphic_identity": "run"}

    run_started_at: Mapped[datetime]
    run_ended_at: Mapped[datetime | None]


class Dataset(DataModel, version=1):
    """What was learnt from, and how it was split."""

    name: str
    features: tuple[str, ...]
    train_rows: int
    test_rows: int


class Settings(DataModel, version=1):
    """What was trained."""

    estimator: str
    parameters: dict[str, int | float]


class Scores(DataModel, version=1):
    """How good it was, on rows that it had not seen."""

    accuracy: float
    log_loss: float


class Details(DataModel, version=1):
    """What one wants to look at later, in files."""

    predictions: Frame
    importances: Frame
    confusion: Array
