"""Each paper's method against the best of three groups, in words and in a picture's rows."""

import pandas as pd
import pytest

from stflow_lib.book import glance
from stflow_lib.verdicts.ranking import Standing
from stflow_lib.verdicts.resampling import Sample

NAMES = ["Linear", "Finetuned", "STBaT", "Trees", "Previous hour", "Few-shot mean"]


def standing(profile="bench", own=("STBaT",), errors=None, converged=frozenset(NAMES)):
    """Three seeds of each method; rules and Linear have no seed."""
    errors = errors or {
        "Linear": [1.0], "Finetuned": [2.0, 2.1, 2.0], "STBaT": [1.0, 1.1, 1.0],
        "Previous hour": [4.0], "Few-shot mean": [5.0],
    }  # fmt: skip
    samples = {
        name: Sample(pd.Series(dict(enumerate(found)), dtype=float), fixed=len(found) == 1)
        for name, found in errors.items()
    }
    order = sorted(samples, key=lambda name: samples[name].values.mean())
    rows = pd.DataFrame(
        {"error": [samples[n].values.mean() for n in order],
         "seeds": [len(samples[n].values) for n in order]}, order,
    )  # fmt: skip
    return Standing("x>y", "3", profile, rows, samples, converged, {}, 9)


@pytest.mark.parametrize("wing, method, group", [
    ("finegrained", "HA", glance.RULE), ("finegrained", "UrbanFM", glance.PRINTED),
    ("finegrained", "ShareNet", glance.LACKING), ("finegrained", "UrbanSTC+E", ""),
    ("gridflow", "Linear", glance.LACKING), ("gridflow", "Finetuned", glance.PRINTED),
    ("speedgraph", "TSJT(GWN)", ""), ("speedgraph", "GWN", glance.PRINTED),
    ("speedgraph", "Ridge", glance.LACKING), ("speedgraph", "Last value", glance.RULE),
])  # fmt: skip
def test_every_method_is_in_one_group(wing, method, group):
    """A form of the paper's own method is no rival of it."""
    assert glance.group_of(wing, method) == group


def test_the_best_of_each_group_is_compared():
    found = glance.against_best("gridflow", [standing()]).set_index("group")
    assert found["other"].to_dict() == {
        glance.RULE: "Previous hour", glance.PRINTED: "Finetuned", glance.LACKING: "Linear",
    }  # fmt: skip
    assert found["gain"].tolist() == pytest.approx([74.17, 49.18, -3.33], abs=0.01)
    assert found["so_far"].tolist() == ["confirmed", "confirmed", "open"]
    assert found["verdict"].tolist() == ["confirmed", "confirmed", "open"]


def test_trainings_that_did_not_end_are_no_verdict():
    some = standing("lab", converged=frozenset({"Linear", "Finetuned", "Previous hour"}))
    found = glance.against_best("gridflow", [some])
    assert set(found["verdict"]) == {"not converged"} and found["so_far"][0] == "confirmed"


def test_a_place_without_the_papers_method_has_no_row():
    assert glance.against_best("gridflow", [standing(errors={"Linear": [1.0]})]).empty
    assert glance.sentence("gridflow", glance.against_best("gridflow", [])) == (
        "STBaT: no records yet."
    )


def test_the_table_has_intervals_and_names_profiles_where_they_differ():
    one = glance.table(glance.against_best("gridflow", [standing()]))
    assert list(one) == ["error", "seeds", *glance.GROUPS]
    assert one[glance.PRINTED].item().startswith("Finetuned: +49.2 [+4")
    assert one[glance.PRINTED].item().endswith("] yes") and one["seeds"].item() == 3
    found = glance.against_best("gridflow", [standing()])
    other = found.assign(where="z", profile="lab")
    both = glance.table(pd.concat([found, other]))
    assert both["records"].tolist() == ["bench", "lab, short fixed schedule"]


def test_the_sentence_counts_places_by_group():
    found = glance.against_best("gridflow", [standing()])
    said = glance.sentence("gridflow", pd.concat([found, found.assign(where="z")]))
    assert said.startswith(
        "STBaT: test RMSE of STBaT at 2 cities and amounts of data. Against the error "
    )
    assert "of the best rule: lower at 2; " in said and "no paper has: open at 2." in said
    assert said.endswith("Records: bench.")


def test_claims_are_counted_and_those_without_runs_stay_claims():
    judged = pd.DataFrame({
        "id": ["a", "a", "b", "c"], "so_far": ["confirmed", "open", "", ""],
        "verdict": ["not converged", "open", "not run", "needs data that cannot be had"],
    })  # fmt: skip
    assert glance.claims_sentence(judged) == (
        "3 claims give 4 judgements, one for each city; 2 have runs: not converged 1, open 1. "
        "What all intervals say so far, also those of trainings that had not converged: "
        "confirmed 1, open 1."
    )
    none = glance.claims_sentence(judged[2:])
    assert "0 have runs: none. " in none and none.endswith(" not converged: nothing.")


def test_the_front_page_counts_what_is_certain_on_both_sides():
    """One sentence a paper: ahead, behind, and where nothing can be said."""
    words = ["confirmed", "opposite", "", "open"]
    found = pd.DataFrame({"group": [glance.RULE] * 4, "so_far": words})
    assert glance.finding("gridflow", found) == (
        "The next hour of demand in a city with few days: STBaT is better than the best rule in "
        "1 of 4 settings (worse in 1, 1 without an interval)."
    )
    assert glance.finding("gridflow", found[:0]).endswith("(STBaT): no records yet.")
