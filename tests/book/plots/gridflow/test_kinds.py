"""Gains by kind: a kind keeps its number, its name and its share of each city."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import xarray as xr

from stflow_lib.book.plots.gridflow import kinds
from stflow_lib.book.plots.gridflow.tasks import measured_errors, open_pair
from stflow_lib.gridflow import METHODS

NAMES = ("homes", "shops", "parks", "ports")
CITIES = {"x": [[0, 0, 0, 0, 1], [1, 1, 2, 3, -1]], "y": [[0, 1, 1, 2], [2, 2, 3, 3]]}


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    monkeypatch.setattr(kinds, "region_types", lambda city, protocol: CITIES.get(city) and (
        xr.DataArray(CITIES[city], dims=("row", "col"), attrs={"names": NAMES})))  # fmt: skip
    yield
    plt.close("all")


@pytest.fixture
def case(recorded):
    """A method that halves the errors of kinds 2 and 3, rare in x, and leaves the others."""

    def group(method, city, *factors):
        parts = {f"part_kind_{k}_rmse": f * (k + 1) for k, f in enumerate(factors)}
        return [recorded(method, city, {name: v * (1 + s / 10) for name, v in parts.items()}, s)
                for s in range(3)]  # fmt: skip

    better = group("A", "x>y", 1, 1, 0.5, 0.5) + group("A", "z>y", 1, 1, 1, 1)
    return better, group("B", "x>y", 1, 1, 1, 1), "x>y"


def test_shares_are_of_cells_with_a_kind():
    """Cells without a kind would make every share smaller."""
    shares = kinds.kind_shares("x", "P60")
    assert shares.to_dict() == pytest.approx(
        {
            (2, "parks"): 100 / 9,
            (3, "ports"): 100 / 9,
            (1, "shops"): 300 / 9,
            (0, "homes"): 400 / 9,
        }
    )
    assert kinds.kind_shares("nowhere", "P60") is None


def test_rarest_in_the_source_comes_first(case):
    judged = kinds.gains_by_kind(case)
    assert judged["kind"].tolist()[2:] == ["shops", "homes"]
    gains = judged.set_index("kind")["gain"]
    assert gains.to_dict() == pytest.approx({"parks": 50, "ports": 50, "shops": 0, "homes": 0})
    shares = judged.set_index("kind")[["source", "target"]].loc["ports"]
    assert shares.tolist() == pytest.approx([100 / 9, 25])
    assert judged["n"].tolist() == [3] * 4


def test_without_kinds_or_runs_there_are_no_gains(case):
    better, other, pair = case
    assert kinds.gains_by_kind((better, better, "z>y")).empty  # nobody knows the kinds of z
    assert kinds.gains_by_kind(([], other, pair)).empty


def test_the_rarer_half_minus_the_commoner_half(case):
    """The wrong way round it would say that common kinds gain."""
    (row,) = kinds.rare_minus_common(case, kinds.gains_by_kind(case)).itertuples()
    assert (row.scarcity, row.n) == ("3", 3)
    assert (row.gain, row.low, row.high) == pytest.approx((50, 50, 50))


@pytest.mark.parametrize(
    "gain, low, high, text",
    [(2.0, 1.0, 3.0, "+2.0 points [+1.0, +3.0], n=3: rare kinds gain more"),
     (-2.0, -3.0, -1.0, "-2.0 points [-3.0, -1.0], n=3: common kinds gain more"),
     (2.0, np.nan, np.nan, "+2.0 points, n=3: no certain difference")],
)  # fmt: skip
def test_a_difference_says_what_is_certain(gain, low, high, text):
    row = SimpleNamespace(gain=gain, low=low, high=high, n=3)
    assert kinds.contrast_text(row) == f"rarer minus commoner half {text}"


def test_kinds_stand_in_rows_with_their_shares(case):
    table = kinds.kinds_table(kinds.gains_by_kind(case))
    assert list(table) == ["% of source", "% of target", "3 days of target data"]
    assert table.loc["homes"].tolist()[:2] == pytest.approx([400 / 9, 12.5])
    assert table.loc["ports"].tolist()[2].startswith("+50.0 [")


def test_a_figure_has_a_panel_for_each_case_with_kinds(case, capsys):
    """A pair without kinds says so instead of leaving an empty frame."""
    nothing = ([], case[1], "x>y")
    kinds.show_kinds({"x>y": case, "none": nothing}, "title")
    out = capsys.readouterr().out
    assert "none: no errors by kind" in out and "x → y, 3 days of target data: rarer" in out
    figure = plt.gcf()
    (axis,) = figure.axes
    assert figure.get_suptitle() == "title" and axis.get_title() == "x → y"
    assert axis.get_xlabel() == "gain in RMSE (%)"
    assert figure.get_supylabel() == "kind of region, share of the source's cells"
    assert axis.collections[-1].get_offsets()[:, 0].tolist() == pytest.approx([50, 50, 0, 0])
    named = [text.get_text() for text in axis.get_yticklabels()]
    assert named[2:] == ["shops, 33.3 %", "homes, 44.4 %"] and len(named) == len(NAMES)


def test_an_oracle_gives_each_kind_the_weight_it_has_in_the_target(monkeypatch):
    """Summed over the cells of a kind, weights are the target's shares; without any they are 1."""
    seen = []
    monkeypatch.setattr(kinds, "weighted_line", lambda one, weights: seen.append(weights))
    source = SimpleNamespace(mask=torch.tensor([[[True, True, True], [True, False, False]]]))
    target = SimpleNamespace(mask=torch.tensor([[[True, True, True, True]]]))
    one = SimpleNamespace(sources=(source,), target=target, kinds=torch.tensor([[0, 1, 1, 1]]))
    known = torch.tensor([[0, 0, 0], [1, 1, 1]])  # three of kind 0 and one of kind 1 are valid
    for name in ("none", "oracle"):
        kinds._weighted_line(one, known, name)
    none, oracle = seen
    assert none.tolist() == [1, 1, 1, 1] and oracle.mean() == 1
    assert oracle[:3].sum() / oracle.sum() == 0.25 and oracle[3] / oracle.sum() == 0.75


def test_a_line_with_weights_one_is_the_line(monkeypatch):
    """The simulated pair as the table has it: "none" is the row Linear."""
    monkeypatch.undo()
    pair = "sim-grid-a>sim-grid-c"
    found = kinds.told_shares(pair, "P60", 3)
    line = measured_errors(METHODS["Linear"], open_pair(pair, "P60", 3))
    assert found["none"] == pytest.approx(line["rmse"], rel=1e-5)
    assert found["oracle"] != found["none"]
