"""Cards of the speed cities: readers, roles and how to get what cannot be downloaded."""

from stflow_lib.data.catalog.graphs import ENTRIES
from stflow_lib.data.readers import aarhus, graphs

CARDS = {entry.name: entry for entry in ENTRIES}


def test_every_card_has_the_reader_of_its_name():
    """Two cards with their readers swapped would load, each as the other."""
    for name, card in CARDS.items():
        module = aarhus if name == "aarhus" else graphs
        assert card.read is getattr(module, f"read_{name.replace('-', '_')}")


def test_the_four_cities_are_five_minute_graphs_in_their_place():
    """TSJT needs four cities of one step; the papers' units are mph but for Denmark's km/h."""
    assert [*CARDS] == ["la", "san-diego", "bay-i680", "aarhus"]
    for name, card in CARDS.items():
        assert (card.kind, card.step_minutes) == ("graph", 5) and "TSJT" in card.stands_in_for
        assert card.unit == ("km/h" if name == "aarhus" else "mph")


def test_only_the_corridor_has_to_be_exported_by_hand():
    """A card with neither list nor instructions leaves its reader with an error
    and no way on."""
    assert {name for name, card in CARDS.items() if not card.manifest} == {"bay-i680"}
    assert {name for name, card in CARDS.items() if card.how} == {"bay-i680"}


def test_files_of_a_form_lie_in_the_folder_of_the_city():
    """Two cities that name one file would take turns in overwriting it."""
    for name, card in CARDS.items():
        assert all(path.startswith(f"speed/{name}/") for form in card.forms for path in form)
        assert all(raw.into.startswith(f"speed/{name}/") for raw in card.raw_files())
