"""A run: a block whose node is written at once, and tells how the block went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import get_ident
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import override

from artigraph.concurrency import to_its_end
from artigraph.db.session import new_session
from artigraph.display.escape import visible
from artigraph.errors import LabelExistsError, RunBusyError, RunError
from artigraph.filter.artifact import ArtifactFilter
from artigraph.filter.node import NodeFilter
from artigraph.filter.relation import NodeRelationshipFilter
from artigraph.model.added import Added
from artigraph.model.base import BaseModel
from artigraph.model.group import ModelGroup
from artigraph.node.artifact import new_artifact, write_artifacts
from artigraph.node.node import delete_nodes
from artigraph.note import _check_text, write_note
from artigraph.orm.base import utc_now
from artigraph.orm.run import TrackedRun
from artigraph.run.beat import Beating, abandon, beat_for, can_beat
from artigraph.run.ending import error_text, status_of
from artigraph.run.kept import Queued, with_serializer
from artigraph.run.learn import learn_facts, set_known_facts
from artigraph.serializer.base import Serializer
from artigraph.storage.base import Storage
from artigraph.tag.write import tag_nodes

if TYPE_CHECKING:
    from artigraph.series.writer import SeriesWriter

__all__ = ["Run"]


class Run(ModelGroup):
    """A run under way: what :func:`~artigraph.start_run` makes of a block.

    It is a group of its node, so what ``add_model`` takes, and what :meth:`keep` does, hangs
    on the node. All of it is written at the block's end, also if the block raises.

    Args:
        node: Its node, new or of a run that goes on.
        keeps_on_error: Write what was added if the block raises.
    """

    def __init__(self, node: TrackedRun, *, keeps_on_error: bool = True) -> None:
        super().__init__(node)
        self._keeps_on_error = keeps_on_error
        self._resumed = False
        self._finished = False
        self._ended = False
        self._taken = False
        self._kept: dict[str, tuple[Any, Serializer[Any], Storage | None]] = {}
        self._replaced: set[str] = set()
        self._tags: dict[str, Any] = {}
        self._notes: list[str] = []
        self._written_end = False
        self._task: asyncio.Task[Any] | None = None
        self._thread = 0
        self._series: SeriesWriter | None = None
        self._end_beat: Callable[[], None] | None = None

    @property
    @override
    def node(self) -> TrackedRun:
        """The run's node."""
        node = super().node
        assert isinstance(node, TrackedRun)  # noqa: S101  # __init__ took one
        return node

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters, as they are kept; not to be changed."""
        return MappingProxyType(self.node.tracked_run_params or {})

    @property
    def is_finished(self) -> bool:
        """Whether it was gone on with, and had been finished already: there is nothing to do.

        ::

            async with start_run("fit", resume=True, lr=0.1) as run:
                if not run.is_finished:
                    ...
        """
        return self._finished

    def log(self, /, step: int | None = None, **values: float) -> None:
        """Add a point to curves of the run; returns at once.

        Points are written each second from a thread, so a loop need not await.

        Args:
            step: A whole number; one more than the last one, unless given.
            **values: Numbers by metric; NaN and infinities as well.

        Raises:
            RunError: The run is not under way.
            SeriesError: A value that is no number. The other points are kept.
            asyncio.CancelledError: The task was told to stop, as by a notebook's stop button.
        """
        series = self._series
        if series is None or self._taken:
            series = self._open_series()
        if get_ident() == self._thread and _is_asked_to_stop(self._task):
            # A loop that never awaits would go on to its end otherwise.
            raise asyncio.CancelledError
        series.add(step, **values)

    def _open_series(self) -> SeriesWriter:
        self._check_open("log()")
        if self._series is None:
            from artigraph.series.writer import open_series  # not for runs without a curve

            with self.using_its_store():
                self._series = open_series(self.node)
        return self._series

    def keep(self, **values: Any) -> Queued:
        """Keep values on the run, under their names; each may be read back with its node.

        They are written at the block's end, so a value must not be changed meanwhile; or at
        once, with ``await run.keep(…)``. A run that goes on replaces what it kept before under
        the same names.

        Args:
            **values: Models, frames, arrays, figures, files, and plain values that JSON can
                hold: whatever a serializer knows.

        Returns:
            Something that may be awaited.

        Raises:
            LabelExistsError: The run keeps something of that name already; nothing is kept.
            RunError: The run is not under way.
            SerializationError: No serializer knows a value; nothing is kept.
        """
        return self._keep(None, values)

    def keep_in(self, storage: Storage, /, **values: Any) -> Queued:
        """As :meth:`keep`, with the bytes in a storage and not in the database.

        Args:
            storage: Where the bytes go.
            **values: As for :meth:`keep`; of models, their fields say where their parts go.
        """
        return self._keep(storage, values)

    def _keep(self, storage: Storage | None, values: Mapping[str, Any]) -> Queued:
        self._check_open("keep()")
        known = self._models.all()
        models = {name: one for name, one in values.items() if isinstance(one, BaseModel)}
        others: dict[str, tuple[Any, Serializer[Any], Storage | None]] = {}
        for name, value in values.items():
            if name in known or name in self._kept:
                raise LabelExistsError(
                    f"The run keeps {visible(name, 60)!r} already. Choose another name, or keep "
                    "it once, when it is done."
                )
            if name not in models:
                value, serializer = with_serializer(name, value)
                others[name] = value, serializer, storage
        super().add_models(models)
        self._kept |= others
        return Queued(self.save, f"kept {', '.join(map(visible, values))}")

    @override
    def add_models(self, models: Mapping[str, BaseModel]) -> Added:
        """As of any group; a finished run takes none."""
        self._check_open("add_models()")
        return super().add_models(models)

    def tag(self, *names: str, **values: Any) -> Queued:
        """Give the run tags; see :func:`~artigraph.tag_nodes`.

        Args:
            *names: Tags without a value.
            **values: Tags with one.

        Returns:
            Something that may be awaited, to have them written at once.
        """
        self._check_open("tag()")
        given = {**dict.fromkeys(names), **values}
        self._tags |= given
        return Queued(self.save, f"tagged {', '.join(map(visible, given))}")

    def note(self, text: str) -> Queued:
        """Write a note about the run; see :func:`~artigraph.write_note`.

        Args:
            text: What to write: Markdown.

        Returns:
            Something that may be awaited, to have it written at once.

        Raises:
            FilterError: The text is none or too long.
        """
        self._check_open("note()")
        self._notes.append(_check_text(text))
        return Queued(self.save, "noted")

    def _check_open(self, call: str) -> None:
        name = visible(str(self.node.node_label or self.node.node_id), 60)
        if self._taken:
            raise RunBusyError(
                f"The run {name} was taken for lost after a minute without a sign of life, and "
                "another process goes on with it. What is logged here would be mixed with that."
            )
        if self._ended:
            raise RunError(f"The run {name} has ended: call {call} inside of its block.")
        if self._finished:
            raise RunError(
                f"The run {name} was finished before: {call} would change what it found. Ask "
                "run.is_finished before the work, or start one without resume=True."
            )
        if self._inside is None:
            raise RunError(
                f"The run {name} has not begun: call {call} inside of async with start_run(…)."
            )

    @override
    async def __aenter__(self) -> Self:
        node = self.node
        await super().__aenter__()
        self._task, self._thread = asyncio.current_task(), get_ident()
        try:
            if not (self._resumed or self._finished):
                await self._write_new(node)
            if not self._finished:
                self._begin_beating()
        except BaseException:
            self._leave()
            raise
        return self

    async def _write_new(self, node: TrackedRun) -> None:
        node.tracked_run_started_at = now = utc_now()
        node.tracked_run_status = "running"
        node.tracked_run_beat_at = now if can_beat() else None
        knows_all = set_known_facts(node)
        try:
            await super().save()
        except LabelExistsError as error:
            raise LabelExistsError(
                f"{error} start_run({node.node_label!r}, resume=True) goes on with an unfinished "
                "run."
            ) from error
        if not knows_all:
            self._learn()

    def _learn(self) -> None:
        # Another thread would not see the row of a session that is open, nor a memory of
        # this loop's own.
        if can_beat():
            learn_facts(self.node.node_id)

    def _begin_beating(self) -> None:
        beat_at = self.node.tracked_run_beat_at
        if beat_at is not None:
            self._end_beat = beat_for(Beating(self.node.node_id, beat_at, self._note_taken))

    def _note_taken(self) -> None:
        self._taken = True

    @override
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None and _is_asked_to_stop(self._task):
            # Asked while the block computed: it is told so once that is written.
            exc = asyncio.CancelledError()
        try:
            with self.using_its_store():
                # To its end: of a run that is stopped while it ends nothing is lost.
                await to_its_end(self._end(exc))
        finally:
            if not self._written_end and not self._finished:
                abandon(self.node)
            self._leave()

    async def _end(self, exc: BaseException | None) -> None:
        if self._end_beat is not None:
            self._end_beat()
        if self._finished:
            self._ended = True
            return
        try:
            if self._series is not None:
                await self._series.close()  # what was logged stays, however the block ends
            if exc is None or self._keeps_on_error:
                await self._write_kept()
            else:
                self._forget_added()
            self._note_end(exc)
            await self._save_end()
        except Exception as error:
            with suppress(Exception):
                self._forget_added()
                self._note_end(exc or error)
                await self._save_end()
            if exc is None:
                raise
            exc.add_note(f"What the run has kept could not be written either: {error}")
        finally:
            self._ended = True

    def _forget_added(self) -> None:
        self._models.forget(list(self._models.unsaved))
        self._kept, self._tags, self._notes = {}, {}, []

    async def _save_end(self) -> None:
        if self._taken:
            self._check_open("the end")
        await super().save()
        self._written_end = True

    def _note_end(self, exc: BaseException | None) -> None:
        node = self.node
        node.tracked_run_status = status_of(exc)
        node.tracked_run_ended_at = utc_now()
        node.tracked_run_beat_at = None
        node.tracked_run_error = None if node.tracked_run_status == "finished" else error_text(exc)

    @override
    async def save(self) -> None:
        """Write what was added and kept since the last time, tags and notes; points, too.

        Raises:
            SerializationError: A value would not come back equal.
            LabelExistsError: A label is taken in the database.
            StorageError: A storage failed.
        """
        with self.using_its_store():
            if self._series is not None:
                await self._series.flush()
            await self._write_kept()
        await super().save()

    async def _write_kept(self) -> None:
        kept, tags, notes = self._kept, self._tags, self._notes
        if not (kept or tags or notes or self._resumed):
            return
        node_id = self.node.node_id
        async with new_session():
            await self._make_room(node_id, [*kept, *self._models.unsaved])
            if kept:
                await write_artifacts(
                    new_artifact(name, value, serializer, storage=storage, parent_id=node_id)
                    for name, (value, serializer, storage) in kept.items()
                )
            if tags:
                await tag_nodes(NodeFilter(node_id=node_id), tags)
            for text in notes:
                await write_note(node_id, text)
        self._kept, self._tags, self._notes = {}, {}, []

    async def _make_room(self, node_id: int, labels: list[str]) -> None:
        """Delete what a run that goes on had kept under the same names before."""
        if self._resumed and labels:
            here = NodeRelationshipFilter(child_of=node_id)
            await delete_nodes(ArtifactFilter(label=labels, relationship=here))


def _is_asked_to_stop(task: asyncio.Task[Any] | None) -> bool:
    """Whether a task was cancelled while it computed, and has not learned of it yet."""
    # asyncio tells by cancelling() how often it was, and by this alone whether it is still to come.
    return task is not None and getattr(task, "_must_cancel", False)
