"""Cards of the grid cities: what a card states and what its reader is asked for agree."""

import pytest

from stflow_lib.data.catalog import index
from stflow_lib.data.catalog.grids import ENTRIES
from stflow_lib.data.readers import bikes, grids, taxi

CARDS = {entry.name: entry for entry in ENTRIES}


@pytest.mark.parametrize("name", ["taxi-sf-64", "taxi-sf-128", "taxi-sf-trips"])
def test_taxi_cards_ask_for_the_cells_and_steps_that_they_state(name):
    """A card of 64 cells whose reader makes 128 would load, and be another city."""
    card, asked = CARDS[name], CARDS[name].read.keywords
    assert card.shape.endswith(f"{asked['cells']} x {asked['cells']}")
    assert card.step_minutes == asked["step_minutes"] and card.forms == ((taxi.SF_GPS,),)
    trips = card.read.func is taxi.read_taxi_trips
    assert trips == (card.shape.split(" x ")[1] == "2") == name.endswith("trips")


@pytest.mark.parametrize("name", [name for name in CARDS if name.startswith("jonas")])
def test_jonas_cards_read_the_file_of_their_city(name):
    """New York's file behind Washington's name: both exist, both load."""
    _, city, mode = name.split("-")
    card = CARDS[name]
    assert card.read.keywords == {"city": city, "mode": mode}
    rows, cols = card.shape.split(" x ")[2:]
    assert grids.JONAS_FILES[city].endswith(f"-{rows}x{cols}")
    assert grids.JONAS_FILES[city] in card.forms[0][0]


@pytest.mark.parametrize("name", ["bikes-chicago-2021", "bikes-dc-2021"])
def test_bike_cards_ask_for_their_box_and_zone(name):
    """One city's rides on the other's box would be an empty map with a true card."""
    card, asked = CARDS[name], CARDS[name].read.keywords
    assert card.shape.endswith("{} x {}".format(*asked["cells"]))
    assert card.zone == asked["zone"] and asked["places"] in card.forms[0][2]
    assert all(asked["system"] in month for month in card.forms[0][:2])
    box = {"bikes-chicago-2021": bikes.CHICAGO, "bikes-dc-2021": bikes.WASHINGTON}[name]
    assert asked["box"] is box


@pytest.mark.parametrize("city", ["chengdu", "xian"])
def test_didi_cards_read_the_file_of_their_city(city):
    """The two files have one shape: a wrong name would load."""
    card = CARDS[f"didi-{city}-2016"]
    assert card.read.keywords == {"city": city} and card.forms == ((f"didi-2016/{city}.npz",),)
    assert [raw.path.lower() for raw in card.raw_files()] == [f"uctb/data/didi_{city}.tar.gz"]


def test_all_that_can_be_downloaded_has_a_list():
    """Every grid city is free to be had: none may depend on a file that nobody can fetch."""
    assert all(card.manifest and not card.how for card in ENTRIES)


def test_what_is_refined_divides_by_its_factor():
    """The factor belongs to the card: the cities that stand in for UrbanSTC's sets have one."""
    fine = {card.name: card for card in index.entries().values() if card.factor}
    assert {name: card.factor for name, card in fine.items()} == {
        "taxi-sf-64": 4, "taxi-sf-128": 4, "bikenyc-p6": 2, "nyc-2016": 2,
        "bikenyc-2019": 2, "sim-fine": 4, "sim-fine-128": 4,
        **{f"taxibj-p{n}": 4 for n in range(1, 5)},
    }  # fmt: skip
    for card in fine.values():
        assert all(int(side) % card.factor == 0 for side in card.shape.split(" x ")[2:])
    assert set(fine) == {card.name for card in index.entries().values()
                         if card.stands_in_for.startswith("UrbanSTC")}  # fmt: skip
