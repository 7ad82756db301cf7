"""Maps with a slider: what the page's script reads is what was computed."""

import base64
import json
import re

import numpy as np
import pytest

from stflow_lib.data.slider_map import (
    MISSING,
    Layer,
    SliderMap,
    content,
    ends,
    errors,
    levels,
    to_html,
    to_page,
)

TRUTH = np.arange(12.0).reshape(2, 2, 3)


def two_layers(**more) -> SliderMap:
    layers = [Layer("seen", TRUTH), Layer("guessed", TRUTH + 1), errors(TRUTH, TRUTH + 1)]
    return SliderMap("A <title>", "trips", ["one", "two"], layers, **more)


def test_levels_by_hand():
    """Half of the way is the middle level, and its square root is reached at a quarter."""
    values = np.array([0.0, 1.0, 2.0, 4.0, np.nan])
    assert [*levels(values, 0, 4)] == [0, 64, 127, 254, MISSING]
    assert [*levels(values, 0, 4, 0.5)] == [0, 127, 180, 254, MISSING]


def test_a_map_without_contrast_has_one_level():
    """Nothing is divided by zero."""
    assert [*levels(np.full(3, 7.0), 7, 7)] == [0, 0, 0]


def test_layers_of_a_kind_share_their_ends():
    """Two panels on two scales would look alike and be different; errors begin at zero."""
    layers = two_layers().layers
    assert ends(layers, "value") == (0, 12) and ends(layers, "error") == (0, 1)


def test_content_gives_the_values_back():
    """Decoded levels are the values but for half a level of the scale."""
    found = content(two_layers())["layers"][1]
    whole = np.frombuffer(base64.b64decode(found["levels"]), np.uint8).reshape(2, 2, 3)
    assert np.abs(whole / 254 * 12 - (TRUTH + 1)).max() <= 6 / 254
    assert found["means"] == ["3.5", "9.5"] and found["scale"] == ["0", "6", "12"]


def test_thousands_are_written_out():
    (found,) = content(SliderMap("t", "u", ["a", "b"], [Layer("x", TRUTH * 150)]))["layers"]
    assert found["scale"] == ["0", "825", "1650"] and found["means"][1] == "1275"


def test_a_frame_of_which_nothing_is_known_has_no_mean():
    maps = np.stack([TRUTH[0], np.full((2, 3), np.nan)])
    (found,) = content(SliderMap("t", "u", ["a", "b"], [Layer("x", maps)]))["layers"]
    assert found["means"] == ["2.5", "unknown"]


def test_the_middle_of_a_root_scale_is_a_quarter():
    """Below the middle of the colours stands the value that has that colour."""
    assert content(two_layers(power=0.5))["layers"][0]["scale"] == ["0", "3", "12"]


def test_places_keep_their_shape_and_north_is_above():
    """The longer side fills the square."""
    places = np.array([[0.0, 0.0], [4.0, 2.0]])
    shown = SliderMap("t", "km/h", ["one"], [Layer("x", np.zeros((1, 2)))], places)
    assert content(shown)["places"] == [[0.0, 0.75], [1.0, 0.25]]


def test_a_layer_lacks_no_frame():
    with pytest.raises(ValueError, match="seen: want 3 frames"):
        content(SliderMap("t", "u", ["a", "b", "c"], [Layer("seen", TRUTH)]))


def test_html_holds_its_data_and_escapes_its_title():
    """A closing tag in a name must not end the script."""
    layers = [Layer("</script>", TRUTH)]
    page = to_html(SliderMap("A <title>", "trips", ["one", "two"], layers))
    assert "A &lt;title&gt;" in page and page.count("</script>") == 1
    data = re.search(r'json">(.*)</script>', page)[1]
    assert json.loads(data)["layers"][0]["name"] == "</script>"


def test_a_page_by_itself_names_no_other_file():
    """Script and style stand in it; what is left of addresses is the empty picture of its tab."""
    page = to_page(two_layers())
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,"]
    assert not re.search(r"https?:|url\(|@import|\bimport\b", page.replace("http-equiv", ""))
    assert "default-src 'none'" in page and to_html(two_layers()) in page
    assert "<title>A &lt;title&gt;</title>" in page and '<html lang="en">' in page
