"""Our method against the best other: which that is, and whether the aim is met."""

import pandas as pd
import pytest

from stflow_lib.book.plots.speedgraph import beyond


@pytest.fixture
def judged(recorded):
    """At a day ours is far ahead of all; at three days trees are ahead of it in RMSE."""

    def row(name, day, three, city="a>c", epochs=0):
        return [
            recorded(name, city, {"mae": mae, "rmse": rmse}, seed, amount, epochs=epochs)
            for amount, (mae, rmse) in {"1": day, "3": three}.items()
            for seed in ((0, 1, 2) if epochs else (0,))
        ]

    rows = {
        "Last value": row("Last value", (4.0, 6.0), (4.0, 6.0), "c"),
        "Trees": row("Trees", (3.0, 5.0), (2.0, 3.0), "c"),
        "Net": row("Net", (2.5, 4.5), (3.0, 5.0), "c", 5),
        beyond.OURS: row(beyond.OURS, (2.0, 4.0), (1.9, 3.3)),
    }
    return beyond.gains(rows, ("mae", "rmse"))


def test_the_best_other_is_the_one_of_that_place(judged):
    best = beyond.against_best(judged)
    found = best.set_index(["amount", "metric"])["row"].to_dict()
    assert found == {
        ("1 day", "mae"): "Net", ("1 day", "rmse"): "Net",
        ("3 days", "mae"): "Trees", ("3 days", "rmse"): "Trees",
    }  # fmt: skip
    gains = best.set_index(["amount", "metric"])["gain"]
    assert gains["1 day", "mae"] == pytest.approx(20)
    assert gains["3 days", "rmse"] == pytest.approx(-10)


def test_the_aim_needs_both_errors_and_an_interval(judged):
    sure = judged.assign(low=judged["gain"] - 1, high=judged["gain"] + 1)
    whole, day, three = beyond.sentences(sure)
    assert whole.startswith("Of 2 recorded cases") and "meets the aim in 1:" in whole
    assert "that holds in 1; in 1 its mean MAE or RMSE is clearly above" in whole
    assert day.startswith("c, 1 day: mean MAE 20.0 % [19.0, 21.0] below that of Net; mean RMSE")
    assert day.endswith("the aim is met; both means are lower beyond doubt than every rival's")
    assert "not met in RMSE in the mean; no difference" in three
    assert three.endswith("or it is higher, beside Trees")
    unsure = beyond.sentences(judged.assign(low=float("nan"), high=float("nan")))
    assert "meets the aim in 0:" in unsure[0] and "in 0 its" in unsure[0]
    assert unsure[1].endswith("not met anywhere; no interval beside Last value, Trees, Net")
    (none,) = beyond.sentences(judged.head(0))
    assert none.endswith("recorded yet.")


def test_the_aim_is_at_every_time_ahead(judged):
    """A mean over the times was called met where ten minutes ahead it is not."""
    sure = judged.assign(low=judged["gain"] - 1, high=judged["gain"] + 1)
    day = sure[sure["amount"] == "1 day"]
    soon = day.assign(metric="min10_" + day["metric"], gain=2.0, low=1.0)
    whole, said = beyond.sentences(pd.concat([day, soon], ignore_index=True))
    assert "meets the aim in 0:" in whole and "that holds in 1;" in whole
    assert "the aim is not met in MAE at 10 min, RMSE at 10 min; both means" in said


@pytest.mark.parametrize(
    "gain, low, high, words",
    [(-0.2, -0.3, -0.1, "0.2 % [0.1, 0.3] above"), (1.0, -1.0, 3.0, "1.0 % [-1.0, 3.0] below"),
     (-2.0, float("nan"), float("nan"), "2.0 % above")],
)  # fmt: skip
def test_a_sign_never_contradicts_its_word(gain, low, high, words):
    assert beyond.below_text(gain, low, high) == words


def test_where_networks_are_recorded_is_told(recorded):
    net = recorded("Net", "a>c", {"mae": 1.0}, scarcity="0.25")
    dead = recorded("Net", "a>d", {"mae": 9.0}, notes={"collapsed": True})
    trees = recorded("Trees", "e", {"mae": 1.0}, epochs=0)
    said = beyond.networks([{"Net": [net, dead]}, {"Trees": [trees]}])
    assert "here: c, 6 hours. Elsewhere none" in said
    assert "here: nowhere." in beyond.networks([{"Trees": [trees]}])


def test_a_line_for_each_case_names_the_other(judged):
    best = beyond.against_best(judged)
    table = beyond.best_table(best, "rmse")
    assert [*table.index] == [("c", "1 day"), ("c", "3 days")]
    assert table.loc[("c", "3 days"), "mean"] == "-10.0 (Trees)"


def test_each_error_has_its_own_table_by_minutes_ahead(judged):
    best = beyond.against_best(judged)
    early = best.assign(metric="min30_" + best["metric"], gain=7.0)
    both = pd.concat([early, best], ignore_index=True)
    for error in ("mae", "rmse"):
        table = beyond.best_table(both, error)
        assert [*table.columns] == ["30 min", "mean"]
        assert table["30 min"].str.startswith("+7.0").all()


def test_a_part_of_ours_is_no_rival(recorded):
    """Its trees by themselves are told the same days: they say what the line is worth."""
    rows = {name: [recorded(name, "a>c", {"mae": 1.0, "rmse": 1.0}, epochs=0)]
            for name in (beyond.OURS, beyond.PART, "Trees")}  # fmt: skip
    assert {*beyond.gains(rows, ["mae"])["row"]} == {"Trees"}
