"""Rows come with their place, and a file that is no table is named by its line."""

import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.runs.csv_rows import rows


def read(path, wrong=lambda names: ""):
    return list(rows(path, wrong))


def test_a_row_is_named_by_the_line_on_which_it_begins(tmp_path):
    """A quoted cell may hold line ends, so counting rows finds the wrong place."""
    path = tmp_path / "a.csv"
    path.write_text('x,y\n1,"two\nlines"\n3,4\n')
    assert read(path) == [
        (f"{path}, line 2", {"x": "1", "y": "two\nlines"}),
        (f"{path}, line 4", {"x": "3", "y": "4"}),
    ]


@pytest.mark.parametrize(
    "text, words",
    [("x,y\n1,2,3\n", "line 2: 3 fields, the header has 2"),
     ("x,y\n1\n", "line 2: 1 fields"),
     ("x,x\n1,2\n", "line 1: column 'x' stands twice"),
     ("x,y\n1,2\n>>>>>>> main\n", "line 3: a merge conflict"),
     ("x,y\n1,\0\n", "line 2: holds a NUL"), ("", "line 1: an empty file")],
)  # fmt: skip
def test_what_is_no_table_is_named(tmp_path, text, words):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=f"{path}, {words}"):
        read(path)


def test_the_reader_judges_the_header(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match="line 1: no z"):
        read(path, lambda names: "" if "z" in names else "no z")
