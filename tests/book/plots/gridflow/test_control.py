"""What the page of the positive control reads from its runs."""

import matplotlib.pyplot as plt
import pytest

from stflow_lib.book.plots.gridflow import control


def rows(gain=5.0):
    out = []
    for model, days, seed in ((control.LINE, 0, 0), (control.LINE, 0, 1), (control.LINE, 3, 0)):
        for weights, rmse in (
            ("none", 10.0 + seed),
            ("oracle", (10.0 + seed) * (1 - gain / 100)),
        ):
            out.append({"model": model, "weights": weights, "days": days, "seed": seed,
                        "rmse": rmse, "converged": True})  # fmt: skip
    return out


def test_gains_are_of_the_same_seed():
    found = control.gains(rows()).set_index(["days", "weights"])
    assert found.loc[(0, "oracle"), "gain"] == pytest.approx(5)
    assert found.loc[(0, "oracle"), ["low", "high"]].tolist() == pytest.approx([5, 5])
    assert found.loc[(0, "oracle"), "seeds"] == 2 and found["capped"].sum() == 0


def test_one_split_has_no_interval_in_words():
    """It was printed as "(nan to nan)", and its number stood for all weights."""
    own = [row for row in rows() if row["days"] == 0]
    (said,) = control.reading(control.gains(own))
    assert "oracle +5.0 % (5.0 to 5.0; 2 splits)" in said
    first = [row for row in own if row["seed"] == 0]
    (said,) = control.reading(control.gains(first))
    assert "oracle +5.0 % (one split, no interval)" in said


def test_all_runs_are_planned_once_and_first_seeds_first():
    planned = control.planned(2)
    assert len(set(planned)) == len(planned) == 2 * 2 * (4 + 4 + 2) + 4 * 2 * 3
    assert [place[3] for place in planned] == sorted(place[3] for place in planned)
    assert {place[3] for place in planned if place[0] in control.PAIRS} == {0}


def test_what_is_written_is_not_computed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(control, "path", lambda: tmp_path / "errors.json")
    monkeypatch.setattr(control, "measured", lambda *place: {"rmse": 1.0})
    first = [row for row, _ in zip(control.compute(1), range(3), strict=False)]
    rest = [*control.compute(1)]
    assert len(first) == 3 and len(control.read()) == len(control.planned(1))
    places = [tuple(row[name] for name in control.PLACE) for row in control.read()]
    assert places == control.planned(1) and len(rest) < len(places)


def test_a_network_is_measured_as_the_line_is():
    for model in (control.LINE, control.SMALL):
        found = control.measured(model, "counts", 0, 0, "smoke")
        assert 0 < found["mae"] < found["rmse"]


def test_a_point_of_one_split_is_hollow():
    """Nothing says how far it would move on another split."""
    alone = [row for row in rows() if row["seed"] == 0]
    for some, hollow in ((rows(), False), (alone, True)):
        fig = control.figure(control.gains(some))
        drawn = [line for line in fig.axes[0].lines if len(line.get_xdata()) and
                 line.get_marker() == "o"]  # fmt: skip
        assert drawn and {line.get_markerfacecolor() == "none" for line in drawn} == {hollow}
        plt.close(fig)


def test_the_figure_has_a_panel_for_each_number_of_days():
    fig = control.figure(control.gains(rows()))
    assert [axis.get_title() for axis in fig.axes] == [
        "0 days of the target",
        "3 days of the target",
    ]
    plt.close(fig)
