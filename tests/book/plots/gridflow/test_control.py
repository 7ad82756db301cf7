"""What the page of the positive control reads from its runs."""

import matplotlib.pyplot as plt
import pytest

from stflow_lib.book import control_runs
from stflow_lib.book.plots.gridflow import control


def rows(gain=5.0):
    out = []
    for model, days, seed in (
        (control_runs.LINE, 0, 0),
        (control_runs.LINE, 0, 1),
        (control_runs.LINE, 3, 0),
    ):
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
        "no day of the target",
        "3 days of the target",
    ]
    plt.close(fig)


def run(model, weights, seed, rmse, days=0):
    return {"model": model, "weights": weights, "days": days, "seed": seed, "rmse": rmse,
            "converged": True}  # fmt: skip


def test_errors_stand_beside_the_hour_before_on_the_same_splits():
    """A network that is worse than that was shown by its gains alone."""
    own = [run(control.LAST, "none", 0, 10.0), run(control.LAST, "none", 1, 20.0),
           run(control.SMALL, "none", 0, 12.0), run(control.SMALL, "none", 1, 18.0),
           run(control.SMALL, "oracle", 1, 25.0), run(control.SMALL, "none", 2, 99.0),
           run(control.SMALL, "none", 0, 1.0, days=3)]  # fmt: skip
    table = control.beside_the_bar(own).set_index("weights")
    assert table.loc["none", ["rmse", control.LAST, "splits", "above it"]].tolist() == [
        15,
        15,
        2,
        1,
    ]
    assert table.loc["oracle", ["rmse", "splits", "above it"]].tolist() == [25, 1, 1]
    said = control.said_of_the_bar(control.beside_the_bar(own))
    assert f"{control.SMALL} 1 of 2." in said


def test_a_gain_of_what_nobody_would_use_is_no_finding():
    """A network above the hour before stood among the gains beyond doubt."""
    few = "MLP, 8 units"
    errors = {  # without weights and with the oracle's, on three splits
        "line": ((10.0, 10.1, 9.9), (9.0, 9.2, 8.8)),
        few: ((10.0, 10.1, 9.9), (9.0, 11.0, 10.0)),
        control.SMALL: ((20.0, 20.1, 19.9), (18.0, 18.2, 17.8)),
    }
    own = [run(model, weights, seed, rmse)
           for model, both in errors.items()
           for weights, some in zip(("none", "oracle"), both, strict=True)
           for seed, rmse in enumerate(some)]  # fmt: skip
    bar = control.beside_the_bar(
        [*own, *(run(control.LAST, "none", s, 11.0) for s in range(3))]
    )
    assert control.usable(bar) == ["line", few]
    assert control.verdict(control.gains(own), bar) == (
        "Without a day of the target the gain by oracle weights is above zero beyond doubt for "
        f"line; it is not shown to differ from zero for {few}; it means little, for the error "
        f"without weights is above that of the hour before, for {control.SMALL}."
    )


def grid(errors):
    """Runs without a day: model -> (without weights, with the oracle's), a number for each split;
    the hour before errs 11."""
    own = [run(model, weights, seed, rmse)
           for model, both in errors.items()
           for weights, some in zip(("none", "oracle"), both, strict=True)
           for seed, rmse in enumerate(some)]  # fmt: skip
    return [*own, *(run(control.LAST, "none", s, 11.0) for s in range(3))]


def widths(errors):
    own = grid(errors)
    return control.widths(own, control.beside_the_bar(own))


def test_widths_are_compared_on_splits_that_both_have():
    """The mean of eight splits of the narrow one stood beside one split of the wide one."""
    narrow, wide = ((10.0, 10.0), (8.0, 9.0)), ((10.0,), (8.0,))
    (said,) = widths({control.SMALL: narrow, control.WIDE: wide})
    assert f"{control.SMALL} +20.0 %" in said and f"{control.WIDE} +20.0 %" in said
    assert "smaller by 0.0 points (one split, no interval)" in said


@pytest.mark.parametrize(
    "wide, word",
    [((9.9, 9.8, 9.9), "), beyond doubt."), ((9.9, 7.0, 8.0), "not shown."),
     ((5.0, 5.0, 5.0), "larger beyond doubt.")],
)  # fmt: skip
def test_a_gain_fades_only_where_splits_agree(wide, word):
    """Two means side by side leave it to the reader, who has no spread of their difference."""
    plain = (10.0, 10.0, 10.0)
    (said,) = widths({control.FEW: (plain, (8.0, 7.9, 8.1)), control.MANY: (plain, wide)})
    assert word in said and "has not found by itself" in said


def test_capacity_absorbs_only_what_the_wide_model_then_has():
    """MLPs of 64 units err more than a line with the oracle's weights: no need of weights is no
    proof that a model follows both kinds."""
    few = ((10.0, 10.1, 9.9), (8.0, 7.9, 8.1))
    (good,) = widths({control.FEW: few, control.MANY: ((7.0, 7.1, 7.2), (7.0, 7.2, 7.1))})
    assert "errs 7.1 trips" in good and "the wide model has found by itself" in good
    (bad,) = widths({control.SMALL: ((20.0, 20.0, 20.0), (9.0, 9.1, 9.2)), control.WIDE: few})
    assert bad.endswith(f"Without weights {control.SMALL} is above the hour before, so this says "
                        "little.")  # fmt: skip
    (both,) = widths({m: ((20.0,), (9.0,)) for m in (control.SMALL, control.WIDE)})
    assert f"Without weights {control.SMALL} and {control.WIDE} are above" in both


def test_weights_of_stbat_are_judged_where_the_oracle_wins():
    own = [run("line", weights, seed, rmse + seed / 10)
           for seed in range(3)
           for weights, rmse in (("none", 10.0), ("RIAM", 9.0), ("oracle", 8.0))]  # fmt: skip

    def said(rows):
        bar = control.beside_the_bar([*rows, *grid({})])
        return control.mechanism(control.gains(rows), bar)

    assert (
        "line RIAM +9.9 % (9.7 to 10.1; 3 splits), a gain beyond doubt, oracle +19.8"
        in said(own)
    )
    for errors, words in (
        ((11.0, 9.0, 10.0), "no gain is shown"),
        ((12.0,) * 3, "a loss beyond"),
    ):
        other = [row | {"rmse": errors[row["seed"]]} if row["weights"] == "RIAM" else row
                 for row in own]  # fmt: skip
        assert words in said(other)
    helpless = [row | {"rmse": 12.0 + row["seed"]} if row["weights"] == "oracle" else row
                for row in own]  # fmt: skip
    for rows in (helpless, [row for row in own if row["weights"] != "RIAM"]):
        assert said(rows).endswith("RIAM cannot be judged.")


def test_real_pairs_are_counted():
    own = [
        run(pair, weights, 0, rmse, days)
        for pair in "ab"
        for days in (0, 3)
        for weights, rmse in (("none", 10.0), ("shares", 9.0 if pair == "a" else 11.0))
    ]
    said = control.said_of_pairs(control.gains(own))
    assert "with no day -10.0 to +10.0 %, a gain of 0.1 % or more in 1 of 2 pairs" in said
