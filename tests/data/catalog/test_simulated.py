"""Cards of the simulated cities, against the cities themselves."""

import pytest

from stflow_lib import data
from stflow_lib.data import simulate
from stflow_lib.data.catalog import index, simulated


@pytest.mark.parametrize("name", [name for name in simulate.CITIES if name != "sim-fine-128"])
def test_simulated_cards_are_true(name):
    """The catalogue's text is what the simulation makes, and the card changes nothing."""
    entry, city = index.entries()[name], data.load(name)
    made = simulate.CITIES[name]()[0]
    main = city.flow if city.attrs["kind"] == "grid" else city.speed
    assert entry.shape == " x ".join(map(str, main.shape))
    for key, value in entry.card().items():
        assert value == city.attrs[key] == made.attrs[key]
    assert city.attrs["sha256"] == made.attrs["sha256"]


def test_every_simulated_city_has_a_card_and_the_days_it_says():
    """A city without a card cannot be loaded by name; sim-fine-128 is too large
    to make here."""
    cards = {entry.name: entry for entry in simulated.ENTRIES}
    assert set(cards) == set(simulate.CITIES)
    for entry in cards.values():
        steps, days = int(entry.shape.split(" x ")[0]), int(entry.span.split(" days")[0])
        assert steps * entry.step_minutes == days * 1440
    large = simulate.CITIES["sim-fine-128"].keywords
    assert cards["sim-fine-128"].shape.endswith(f"{large['rows']} x {large['cols']}")
    assert cards["sim-fine-128"].span.startswith(f"{large['days']} days")
