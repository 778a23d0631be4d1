"""Adding a message of a widget takes one method in Python, which its page asks for by name."""

from __future__ import annotations

import time
from typing import Any

import comm
import pandas as pd
import pytest

from artigraph import FrameViewer
from artigraph.errors import NameTakenError
from artigraph.frame.memory import store_in_memory
from artigraph.notebook.answering import Answering, Handlers, answers
from artigraph.notebook.frame_handlers import FrameHandlers
from tests.notebook.test_viewer import WAIT, Wire


class Meaning(FrameHandlers):
    """The viewer's answers, and one more."""

    @answers("mean")
    async def _mean(self, params: dict[str, Any]) -> dict[str, Any]:
        page = await self.frame.page(0, 100, [params["label"]])
        return {"mean": float(page[params["label"]].mean())}


def test_a_further_question_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A method that says so answers a page, beside those that are inherited."""
    monkeypatch.setattr(comm, "create_comm", Wire)
    frame = pd.DataFrame({"loss": [1.0, 2.0, 6.0]})
    viewer = FrameViewer(frame)
    handlers = Meaning(store_in_memory(frame))
    assert set(handlers.methods) == {"mean", *FrameHandlers(handlers.frame).methods}
    viewer._answering.cancel()
    Answering(viewer, handlers.methods)
    wire = viewer.comm
    assert isinstance(wire, Wire)
    content = {"kind": "request", "view": "v", "number": 1}
    data = {
        "method": "custom",
        "content": {**content, "method": "mean", "params": {"label": "loss"}},
    }
    wire.handle_msg({"content": {"data": data}, "buffers": []})
    until = time.monotonic() + WAIT
    while not (found := [d for d in wire.sent if "'mean': 3.0" in str(d)]):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert found[0]["content"]["kind"] == "reply"


def test_twice_or_half_is_refused() -> None:
    """Two methods for one question of a class, and one that is not async, are named."""
    with pytest.raises(NameTakenError, match=r"Two\._one answers 'one'; give _other another"):

        class Two(Handlers):
            @answers("one")
            async def _one(self, params: dict[str, Any]) -> None: ...

            @answers("one")
            async def _other(self, params: dict[str, Any]) -> None: ...

    with pytest.raises(TypeError, match="What answers 'half' is an async method"):

        @answers("half")  # type: ignore[type-var]  # that is the question
        def _half(params: dict[str, Any]) -> None: ...
