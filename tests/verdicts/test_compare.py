"""Own methods beside the book's: trained, laid out, judged, nothing published."""

from functools import partial

import pytest

from stflow_lib import speedgraph
from stflow_lib.runs import RunError, published
from stflow_lib.runs.register import SIZES, register_method
from stflow_lib.speedgraph.baselines.rules import fit_window
from stflow_lib.training.method import Method, NoSettings
from stflow_lib.verdicts.compare import compare

CITY = "sim-speed-a+sim-speed-b>sim-speed-c"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The last value once more, under another name, in an empty store."""
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("STFLOW_RESULTS", str(tmp_path / "results"))
    monkeypatch.setattr(speedgraph, "METHODS", dict(speedgraph.METHODS))
    method = Method("Own last value", NoSettings, partial(fit_window, 1))
    register_method("speedgraph", method, {"smoke": {}})
    yield method.name
    SIZES.clear()


def test_a_copy_of_a_rule_has_its_errors_and_beats_the_other(own):
    found = compare([own], [CITY], [0], wing="speedgraph", profile="smoke",
                    against=["Last value", "HA"], train_rivals=True)  # fmt: skip
    cells = found.table.iloc[:, -1].to_dict()
    assert cells[own] == cells["Last value"] != cells["HA"]
    gains = found.verdicts.set_index("rival")["gain"]
    assert gains["Last value"] == 0 and gains["HA"] > 0
    assert not published("speedgraph")


def test_rivals_without_a_record_are_left_out(own):
    found = compare([own], [CITY], [0], wing="speedgraph", profile="smoke", against=["HA"])
    assert found.verdicts.empty
    assert "not run" in found.table.loc["HA"].iloc[-1]


def test_a_method_without_a_size_is_named(own):
    with pytest.raises(RunError, match="'Own last value' has no size at 'lab'"):
        compare([own], [CITY], wing="speedgraph")
    with pytest.raises(RunError, match="no wing 'railways'"):
        compare([own], [CITY], wing="railways")
