"""Which stored models derive from which, where their classes are not defined here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from artigraph.codec.base import TAG
from artigraph.db.engine import when_opened
from artigraph.db.store import Store
from artigraph.filter.model import note_missed
from artigraph.model.base import models_by_name
from artigraph.orm.node import node_table
from artigraph.outline.name import names_in

__all__: list[str] = []


async def _look(engine: AsyncEngine, store: Store) -> None:
    """See what the newest row of each unknown class tells of its bases."""
    columns = node_table.c
    missed: dict[str, set[str]] = {}
    async with engine.connect() as connection:
        stored = (await connection.execute(select(names_in(columns.model_artifact_type)))).scalars()
        for name in {*stored} - {None} - models_by_name.keys():
            newest = (
                select(columns.model_artifact_data)
                .where(columns.model_artifact_type == name)
                .order_by(columns.node_id.desc())
                .limit(1)
            )
            for base in _bases_in((await connection.execute(newest)).scalar()):
                missed.setdefault(base, set()).add(str(name))
    note_missed(store, missed)


def _bases_in(document: Any) -> list[str]:
    # Of a document that somebody may have changed.
    told = document.get(TAG) if isinstance(document, dict) else None
    bases = told.get(TAG) if isinstance(told, dict) else None
    return [one for one in bases if isinstance(one, str)] if isinstance(bases, list) else []


when_opened.append(_look)
