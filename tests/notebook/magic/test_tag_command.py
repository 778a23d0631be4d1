"""Tags on a magic's line: set, taken away, asked for and completed."""

from __future__ import annotations

import re

from IPython.core.completer import provisionalcompleter

from artigraph import TagError
from artigraph.display.shown import as_text
from tests.notebook.shell import Shell

DEFINE = """
    class TaggedFit(DataModel, version=1):
        loss: float

    async with ModelGroup(new_node(node_label="family")) as family:
        family.add_models({"a": TaggedFit(0.1), "b": TaggedFit(0.2), "c": TaggedFit(0.3)})
    rate = 0.93
    """


def labels(found: object) -> list[str]:
    return [one.artifact.node_label for one in found]  # type: ignore[attr-defined]  # a list of models


def test_tags_are_set_told_and_taken_away(shell: Shell) -> None:
    """Values are typed as they are anywhere; what is left is told."""
    shell.run(DEFINE)
    told = repr(
        shell.run("%artigraph tag a best stage=prod score=$rate good=true note='two words'")
    )
    assert "has 5 tags" in told
    tags = shell.run("(await read_tags(TagFilter(name='best'))).popitem()[1]")
    assert tags == {
        "best": None, "good": True, "note": "two words", "score": 0.93, "stage": "prod",
    }  # fmt: skip
    assert "has 1 tag" in repr(shell.run("%ag tag a --remove best good '#score' note score"))
    assert "has no tag best" in repr(shell.run("%ag tag a --remove #best"))
    listed = shell.run("%ag tag")._repr_html_()
    assert "#stage" in listed
    assert "stage" in shell.run("%ag tag a")._repr_html_()


def test_an_alias_moves(shell: Shell) -> None:
    """With --unique-below the other one loses it."""
    shell.run(DEFINE, "%ag tag a stage=prod --unique-below family")
    shell.run("%ag tag b stage=prod --unique-below family")
    assert labels(shell.run("%ag find TaggedFit tag:stage=prod")) == ["b"]
    told = as_text(shell.run("%ag tag c stage=prod"))
    assert re.search(r"has #stage as an alias\s+below\s+node", told)
    (scope,) = re.findall(r"--unique-below\s+(\d+)", told)  # a line may end in it
    assert "alias" not in as_text(shell.run(f"%ag tag c stage=prod --unique-below {scope}"))
    assert labels(shell.run("%ag find TaggedFit tag:stage=prod")) == ["c"]
    assert "wants a tag" in shell.fail("%ag tag b --unique-below family").err
    assert isinstance(shell.fail("%ag tag family prod --unique-below a").error, TagError)


def test_find_by_tags(shell: Shell) -> None:
    """Beside conditions of fields, or in place of the class; blanks may stand around a sign."""
    shell.run(
        DEFINE, "%ag tag a best score=0.5", "%ag tag b best score=0.9", "%ag tag c score=high"
    )
    assert labels(shell.run("%ag find TaggedFit #best")) == ["a", "b"]
    assert labels(shell.run("%ag find TaggedFit #best loss>0.15")) == ["b"]
    assert labels(shell.run("%ag find TaggedFit tag:score > 0.6")) == ["b"]
    assert labels(shell.run("%ag find TaggedFit tag:score>$rate")) == []
    assert labels(shell.run("%ag find TaggedFit tag:score~h%")) == ["c"]
    assert labels(shell.run("%ag find TaggedFit tag:best=null")) == ["a", "b"]
    assert labels(shell.run("%ag find #best --order -tag:score")) == ["b", "a"]
    assert labels(shell.run("%ag find #best loss<0.15")) == ["a"]
    assert "%artigraph tag tells which" in as_text(shell.run("%ag find #missing"))
    assert "Nothing found" in as_text(shell.run("%ag find TaggedFit #missing"))
    assert "compares a tag with nothing" in shell.fail("%ag find TaggedFit tag:score>").err


def test_odd_names(shell: Shell) -> None:
    """A name that is none is refused with its reason."""
    shell.run(DEFINE)
    for line, told in {"%ag tag a ''": "1 to 100", "%ag tag a 'x '": "Call it 'x'"}.items():
        cell = shell.fail(line)
        assert isinstance(cell.error, TagError)
        assert told in cell.out + cell.err


def test_names_are_completed(memory_shell: Shell) -> None:
    """Behind # and tag:, and where tags are taken away."""
    memory_shell.run(DEFINE, "%ag tag a best stage=prod")
    complete = memory_shell.ipython.Completer.completions

    def offered(line: str) -> list[str]:
        with provisionalcompleter():
            return [one.text for one in complete(line, len(line))]

    assert any("stage" in text for text in offered("%artigraph find TaggedFit tag:st"))
    assert any("best" in text for text in offered("%artigraph find TaggedFit #b"))
    assert any("best" in text for text in offered("%artigraph tag a --remove be"))


def test_tags_in_quotes_and_misspelt(shell: Shell) -> None:
    """A tag is typed as its chip shows it; a wrong one tells the nearest."""
    shell.run(DEFINE, "%ag tag a stage='in test' score=0.5")
    assert labels(shell.run('%ag find "#stage=in test"')) == ["a"]
    assert labels(shell.run('%ag find TaggedFit "#stage=in test" "#score>0.4"')) == ["a"]
    assert labels(shell.run("%ag find TaggedFit #stage='in test'")) == ["a"]
    for line in ("%ag find #scoer", "%ag find TaggedFit #scoer"):
        assert "Did you mean #score?" in " ".join(as_text(shell.run(line)).split())
    assert "ordered by as '-tag:score'" in str(shell.fail("%ag find #score --order -#score").error)


def test_a_tag_that_no_model_has(shell: Shell) -> None:
    """Models are what find shows; if none has the tag, the nodes that have it."""
    shell.run(DEFINE, "%ag tag family chosen")
    assert [node.node_label for node in shell.run("%ag find #chosen")] == ["family"]
    shell.run("%ag find #chosen --save picked")
    assert [node.node_label for node in shell.run("%ag find @picked")] == ["family"]
    assert not shell.run("%ag find #chosen --in family")
