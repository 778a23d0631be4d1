"""A run: a block whose node is written at once, and tells how the block went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock, get_ident
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import inspect
from typing_extensions import override

from artigraph.concurrency import is_asked_to_stop, to_its_end
from artigraph.display.escape import visible
from artigraph.errors import LabelExistsError, RunBusyError, RunError
from artigraph.model.base import BaseModel
from artigraph.model.group import ModelGroup
from artigraph.model.group_models import Added
from artigraph.note import check_note_text
from artigraph.orm.base import utc_now
from artigraph.orm.run import TrackedRun
from artigraph.run.beat import Beating, beat_for, can_beat, leave
from artigraph.run.ending import attempt, error_text, status_of, tell
from artigraph.run.kept import Kept, Queued
from artigraph.run.learn import learn_facts, set_known_facts
from artigraph.storage.base import Storage
from artigraph.tag.value import stored_tags

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
        self._kept = Kept()
        self._written_end = False
        self._task: asyncio.Task[Any] | None = None
        self._thread = 0
        self._series: SeriesWriter | None = None
        self._end_beat: Callable[[], None] | None = None
        self._beating: Beating | None = None
        self._opening = Lock()

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
        if get_ident() == self._thread and is_asked_to_stop(self._task):
            # A loop that never awaits would go on to its end otherwise.
            raise asyncio.CancelledError
        series.add(step, **values)

    def _open_series(self) -> SeriesWriter:
        self._check_open("log()")
        # Threads may log the first point at once.
        with self._opening:
            if self._series is None:
                from artigraph.series import open_series  # not for runs without a curve

                with self.using_its_store():
                    self._series = open_series(self.node)
            return self._series

    def keep(self, /, **values: Any) -> Queued:
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
            LabelError: A name that no database could hold; nothing is kept.
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
        models = {name: one for name, one in values.items() if isinstance(one, BaseModel)}
        others = self._kept.checked(values, storage, self._models.all())
        super().add_models(models)
        self._kept.values |= others
        return Queued(self.save, f"kept {', '.join(map(visible, values))}")

    @override
    def add_models(self, models: Mapping[str, BaseModel]) -> Added:
        """As of any group; a finished run takes none."""
        self._check_open("add_models()")
        return super().add_models(models)

    def tag(self, /, *names: str, **values: Any) -> Queued:
        """Give the run tags; see :func:`~artigraph.tag_nodes`.

        Args:
            *names: Tags without a value.
            **values: Tags with one.

        Returns:
            Something that may be awaited, to have them written at once.

        Raises:
            TagError: A name or a value that no tag has.
        """
        self._check_open("tag()")
        given = {**dict.fromkeys(names), **values}
        stored_tags(given)  # refuses what no tag has
        self._kept.tags |= given
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
        self._kept.notes.append(check_note_text(text))
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
        if self._ended:
            self._check_open("start_run() again")
        await super().__aenter__()
        self._task, self._thread = asyncio.current_task(), get_ident()
        try:
            if not (self._resumed or self._finished):
                await self._write_new(self.node)
            if not self._finished:
                self._begin_beating()
        except BaseException as error:
            await to_its_end(self._give_up(error))
            raise
        return self

    async def _give_up(self, error: BaseException) -> None:
        """Of a run that was stopped when its row was just written: have the row say so."""
        try:
            if inspect(self.node).has_identity and not self._finished:
                self._note_end(error)
                with suppress(Exception):
                    await self._save_end()
        finally:
            self._leave()

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
        # Another thread would not find a memory of this loop's own.
        if can_beat() and not knows_all:
            learn_facts(node.node_id)

    def _begin_beating(self) -> None:
        beat_at = self.node.tracked_run_beat_at
        if beat_at is not None:
            self._beating = Beating(self.node.node_id, beat_at, self._note_taken)
            self._end_beat = beat_for(self._beating)

    def _note_taken(self) -> None:
        self._taken = True

    @override
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None and is_asked_to_stop(self._task):
            # Asked while the block computed: it is told so once that is written.
            exc = asyncio.CancelledError()
        try:
            with self.using_its_store():
                # To its end: of a run that is stopped while it ends nothing is lost.
                await to_its_end(self._end(exc))
        finally:
            if self._beating is not None and not self._written_end:
                leave(self._beating)
            self._leave()

    async def _end(self, exc: BaseException | None) -> None:
        if self._end_beat is not None:
            self._end_beat()
        if self._finished:
            self._ended = True
            return
        errors: list[Exception] = []
        try:
            if self._series is not None:
                # What was logged stays, however the block ends.
                await attempt(self._series.close, errors, "curves")
            if exc is None or self._keeps_on_error:
                await self._write_all(errors)
            else:
                self._forget_added()
            known = len(errors)
            self._note_end(exc or (errors[0] if errors else None))
            await self._save_all(errors)
            if len(errors) > known or not self._written_end:
                # The last transaction was to write both: the row does not say yet what failed.
                self._note_end(exc or (errors[0] if errors else None))
                await self._save_end()
        except Exception as error:
            errors.append(error)
        finally:
            self._ended = True
        tell(errors, exc)

    def _forget_added(self) -> None:
        self._models.forget(list(self._models.unsaved))
        self._kept = Kept()

    async def _write_all(self, errors: list[Exception]) -> None:
        """Write values, tags and notes; what cannot be written keeps no other back."""
        try:
            await self._write_kept()
        except Exception as error:
            kept, found = self._kept, list[Exception]()
            for what, part in kept.parts():
                self._kept = part
                await attempt(self._write_kept, found, what)
            self._kept = Kept()
            # Together they failed for a reason of the moment, if each was written alone.
            errors += found or ([] if kept else [error])

    async def _save_all(self, errors: list[Exception]) -> None:
        """Write the models and how it went in one transaction; else each model that can be."""
        models = dict(self._models.unsaved)
        try:
            await self._save_end()
        except Exception as error:
            if not models or isinstance(error, RunBusyError):
                raise
            self._models.forget(list(models))
            for label, model in models.items():
                self._models.add({label: model})
                await attempt(super().save, errors, label)
                if label in self._models.unsaved:
                    self._models.forget([label])

    async def _save_end(self) -> None:
        if self._beating is not None and await self._beating.is_lost():
            self._taken = True
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
        kept = self._kept
        if not (kept or self._resumed):
            return
        # What it had kept under the same names before it was gone on with makes room.
        again = [*kept.values, *self._models.unsaved] if self._resumed else []
        if kept or again:
            await kept.write(self.node.node_id, again)
        self._kept = Kept()
