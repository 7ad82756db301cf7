"""Cards of the papers' own sets: forms, readers and sizes that the papers print."""

import pytest

from stflow_lib.data.catalog.papers import ENTRIES, PARTS
from stflow_lib.data.readers import bikes, papers

CARDS = {entry.name: entry for entry in ENTRIES}


@pytest.mark.parametrize("period", papers.TAXIBJ_FIRST)
def test_taxibj_is_one_zip_or_nine_files(period):
    """Three parts with X, Y and ext each; one that is missing would shorten a split."""
    card = CARDS[f"taxibj-{period.lower()}"]
    archive, unpacked = card.forms
    assert archive == (f"taxibj/{period}.zip",) and len(set(unpacked)) == 9
    assert {path.split("/")[2] for path in unpacked} == set(PARTS)
    assert card.read.keywords == {"period": period}
    assert card.span.startswith(papers.TAXIBJ_FIRST[period])


def test_crosstres_has_two_modes_in_three_cities():
    """STBaT's six tasks; a doubled name would hide one of them."""
    cards = [card for name, card in CARDS.items() if name.startswith("crosstres")]
    asked = [tuple(card.read.keywords.values()) for card in cards]
    assert sorted(asked) == [(c, m) for c in ("CHI", "DC", "NY") for m in ("Bike", "Taxi")]
    for card, (city, mode) in zip(cards, asked, strict=True):
        files = [path.rsplit("/")[-1] for path in card.forms[1]]
        assert files == [
            f"{mode}{city}_pickup.npy",
            f"{mode}{city}_dropoff.npy",
            f"{city}_poi.npy",
        ]


@pytest.mark.parametrize(("name", "sensors"), [("metr-la", 207), ("pems-bay", 325)])
def test_dcrnn_and_stgfsl_are_the_same_cities(name, sensors):
    """207 and 325 sensors at five minutes, whoever hands the files around."""
    for card in (CARDS[name], CARDS[f"stgfsl-{name}"]):
        assert card.shape.endswith(f" x {sensors}") and card.step_minutes == 5
        assert card.read.keywords["city"] == name
    assert len(CARDS[name].forms) == 3 and "put it in dcrnn/" in CARDS[name].how


def test_stgfsl_steps_are_the_readers():
    """Ten minutes in China, five in California: a wrong step moves every hour of the day."""
    for name, card in CARDS.items():
        if name.startswith("stgfsl-"):
            assert card.step_minutes == papers.STGFSL[card.read.keywords["city"]][1]


def test_bikenyc_2019_takes_each_month_zipped_or_not():
    """Three months in either form, the ones that the reader opens."""
    zipped, plain = CARDS["bikenyc-2019"].forms
    assert [path + ".zip" for path in plain] == [*zipped]
    assert [path.split("/")[1][:6] for path in plain] == [*bikes.NYC_MONTHS]
