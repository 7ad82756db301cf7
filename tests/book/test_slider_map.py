"""Maps with a slider outside of a page: what there is to see is printed."""

import numpy as np

from stflow_lib.book.slider_map import show
from stflow_lib.data.slider_map import Layer, SliderMap


def test_a_script_prints_what_there_is_to_see(capsys):
    layers = [Layer(name, np.zeros((2, 2, 3))) for name in ("seen", "guessed")]
    show(SliderMap("A <title>", "trips", ["one", "two"], layers))
    assert capsys.readouterr().out == "A <title>: seen, guessed; 2 hours to see\n"
