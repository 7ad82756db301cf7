"""Adjacency from lists of edges."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError, from_edges


def test_weights_of_distances_go_one_way():
    """exp(-(d / sigma)^2) from 7 to 5, nothing back, whatever the order of rows and ids."""
    table = pd.DataFrame({"from": [7, 5], "to": [5, 9], "cost": [2.0, 1.0]})
    weights = from_edges(table, [5, 7, 9], sigma=2.0)
    want = np.eye(3)
    want[1, 0], want[0, 2] = np.exp(-1), np.exp(-0.25)
    assert np.allclose(weights, want) and weights.dtype == np.float32


def test_weights_are_taken_as_they_are_and_edges_alone_count_one():
    ends = pd.DataFrame({"From": ["a"], "To": ["b"]})
    assert from_edges(ends, ["a", "b"]).tolist() == [[1, 1], [0, 1]]
    assert from_edges(ends.assign(weight=0.5), ["a", "b"]).tolist() == [[1, 0.5], [0, 1]]


def test_foreign_sensors_are_left_out_and_counted(tmp_path, capsys):
    path = tmp_path / "edges.csv"
    path.write_text("from,to\n1,2\n1,3\n8,9\n")
    assert from_edges(path, [1, 2]).sum() == 3
    assert "2 of 3 edges lead to sensors without speeds" in capsys.readouterr().out


def test_what_is_no_list_of_edges_says_what_is_wanted():
    with pytest.raises(DataError, match="columns a, b; wanted from, to and distance or weight"):
        from_edges(pd.DataFrame({"a": [1], "b": [2]}), [1, 2])
    with pytest.raises(DataError, match="no edge between two of the 2 sensors"):
        from_edges(pd.DataFrame({"from": [1], "to": [1]}), [1, 2])
    with pytest.raises(DataError, match="0 to 1"):
        from_edges(pd.DataFrame({"from": [1], "to": [2], "weight": [3.0]}), [1, 2])
