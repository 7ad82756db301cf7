"""What parts and settings did inside: diaries end where they end, luck is that of as many draws."""

import numpy as np
import pytest

from stflow_lib.book.plots.gridflow import ablations

NAN = float("nan")


def curves(**last):
    """Diaries of two directions, two epochs long; the mean of their ends is 2 unless given."""
    found = {}
    for name in ablations.DIARY:
        end = last.get(name, 2.0)
        found |= {
            f"pickup_source_{name}": [0.0, end - 1],
            f"dropoff_source_{name}": [1.0, end + 1],
        }
    return found


@pytest.fixture
def stbat(recorded):
    """Makes STBaT's run with an error, its seed, and the ends of its diaries."""
    return lambda city, error, seed=0, **last: recorded(
        "STBaT", city, {"rmse": error, "mae": error / 2}, seed, curves=curves(**last)
    )


def test_seeds_are_those_with_a_record(recorded):
    group = [recorded("A", "x>y", {"rmse": 1.0, "mae": 3.0}), recorded("A", "x>y", None, 1),
             recorded("A", "x>y", {"rmse": 9.0}, 2, notes={"collapsed": True})]  # fmt: skip
    assert ablations.seeds(group) == [1.0] and ablations.seeds(group, "mae") == [3.0]


def test_a_diary_is_the_mean_of_its_directions():
    """Curves of the target's stage end in other words and are no diary."""
    record = {"curves": curves() | {"pickup_target_omega_std": [9.0, 9.0]}}
    assert ablations.diary(record, "omega_std").tolist() == [0.5, 2.0]


def test_rows_without_a_diary_are_left_out(stbat, recorded):
    """Finetuned has no weights; a row of dashes would look like a failed run."""
    rows = {"all": [stbat("x>y", 1.0, omega_std=3.0), stbat("x>y", 2.0, 1, omega_std=5.0)],
            "Finetuned": [recorded("Finetuned", "x>y", {"rmse": 1.0})]}  # fmt: skip
    last = ablations.mean_last_lines(rows)
    assert list(last.index) == ["all"] and list(last) == [*ablations.DIARY.values()]
    assert last.loc["all", "std of ω"] == 4 and last.loc["all", "POI loss"] == 2
    assert ablations.last_lines(rows["all"])["std of ω"].tolist() == [3, 5]


def test_panels_hold_the_whole_diary(stbat):
    panels = ablations.diary_panels({"h = 1": [stbat("x>y", 1.0, neighbours=8.0)]})
    (spread, neighbours), titles = panels.values(), list(panels)
    assert titles[1] == ("Neighbours", "effective neighbours of a region")
    assert [curve.tolist() for curve in neighbours["h = 1"]] == [[0.5, 8.0]]
    assert [curve.tolist() for curve in spread["h = 1"]] == [[0.5, 2.0]]


def test_sweeps_are_grouped_by_setting(stbat, recorded):
    rows = {"h = 0.5": [stbat("a>b", 1.0)], "tau = 1": [stbat("c>d", 2.0)],
            "h = 2": [stbat("e>f", 3.0)], "D = 8": [recorded("STBaT", "g>h", None)]}  # fmt: skip
    sweeps = ablations.sweeps_of(rows)
    assert sweeps == {"bandwidth h": {"0.5": [1.0], "2": [3.0]}, "temperature τ": {"1": [2.0]}}


def test_a_span_is_held_against_luck():
    """Three values that span 2 around 5; seeds deviate by 1, and three draws span 1.69 of it."""
    spans = ablations.sweep_spans({"h": {"1": [5.0], "2": [4.0], "3": [6.0]}}, [4.0, 5.0, 6.0])
    (row,) = spans.to_dict("records")
    assert (row["values"], row["best at"], row["span (%)"]) == (3, "2", pytest.approx(40))
    assert row["by luck (%)"] == pytest.approx(100 * 1.69 / 5)
    assert np.isnan(ablations.sweep_spans({"h": {"1": [5.0]}}, [4.0])["by luck (%)"].iloc[0])


def test_luck_is_the_mean_range_of_normal_draws():
    """Tables of order statistics: drawn here, 200,000 times."""
    draws = np.random.default_rng(0).standard_normal((200_000, 5))
    for count, luck in ablations.LUCK.items():
        assert np.ptp(draws[:, :count], axis=1).mean() == pytest.approx(luck, abs=0.01)


def test_a_shared_run_is_one_point(stbat):
    """The base setting is in every sweep; drawn four times it would weigh four times."""
    base, other = stbat("a>b", 1.0, omega_std=0.5), stbat("c>d", 2.0, omega_std=0.7)
    rows = {"h = 1": [base], "tau = 1": [base]}
    points = ablations.spread_points(rows, {"w/o POI": [other]})
    assert points.drop(columns="key").to_numpy().tolist() == [
        ["bandwidth h", "1", 0.5, 1.0], ["part left out", "w/o POI", 0.7, 2.0]]  # fmt: skip
