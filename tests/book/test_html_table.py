"""Tables as HTML: nothing is said twice, nothing is lost, the best is marked."""

import re

import numpy as np
import pandas as pd
import pytest

from stflow_lib.book import html_table
from stflow_lib.book.html_table import lowest, simplify, to_html, without_gaps


def columns(*tuples, names=("city", "scarcity", "metric")) -> pd.MultiIndex:
    return pd.MultiIndex.from_tuples(tuples, names=names)


def test_levels_that_say_the_same_everywhere_go_into_the_caption():
    """ "metric rmse" over every column of a table of RMSE is a row lost."""
    wide = columns(("sf", "20", "rmse"), ("sf", "100", "rmse"))
    frame = pd.DataFrame([["1.0", "2.0"]], ["HA"], wide)
    found, caption = simplify(frame, "Table 3: RMSE")
    assert list(found.columns) == ["20", "100"] and found.columns.names == ["scarcity"]
    assert caption == "Table 3: RMSE, sf"


def test_a_number_that_is_a_heading_keeps_its_meaning():
    frame = pd.DataFrame(
        [["1.0", "2.0"]], ["HA"], columns(("a", "20", "mae"), ("b", "20", "mae"))
    )
    assert simplify(frame, "Errors")[1] == "Errors, scarcity 20, mae"


def test_the_number_of_seeds_is_said_once():
    frame = pd.DataFrame({"a": ["1.0 ± 0.1 (n=3)", "2.0 ± 0.1 (n=3)"], "b": ["3.0 (n=3)", ""]})
    found, caption = simplify(frame, "Errors")
    assert caption == "Errors, n=3" and found["a"].tolist() == ["1.0 ± 0.1", "2.0 ± 0.1"]


@pytest.mark.parametrize("other", ["2.0 (n=1)", "2.0 (n=3, stale)"])
def test_cells_that_differ_in_their_seeds_keep_them(other):
    """A stale or shorter cell must not hide among the others."""
    frame = pd.DataFrame({"a": ["1.0 (n=3)", other]})
    assert simplify(frame, "")[0].equals(frame)


def test_rows_without_a_run_leave_the_table():
    frame = pd.DataFrame({"a": ["1.0", "not run"], "b": ["not run", "not run"]}, ["HA", "FODE"])
    found, absent = without_gaps(frame)
    assert list(found.index) == ["HA"] and absent == ["FODE"]
    printed = frame.assign(b=["1", "2"])  # a printed number is a reason to stay
    assert without_gaps(printed)[0].equals(printed)
    assert without_gaps(frame.iloc[1:])[0].equals(frame.iloc[1:])  # or nothing would be left


def test_the_lowest_mean_and_its_ties_by_welchs_interval():
    """By hand: s = 0.1, n = 3 each, so t(4) sqrt(2 s^2 / 3) = 2.776 x 0.0816 = 0.227."""
    cells = ["1.000 ± 0.100", "1.220 ± 0.100", "1.230 ± 0.100", "not run", "1.500 ± 0.000"]
    assert lowest(cells) == [True, True, False, False, False]


def test_without_spreads_only_equal_means_tie():
    assert lowest(["2.5", "2.5", "2.6", ""]) == [True, True, False, False]
    assert lowest(["2.5", "not run"]) == [False, False]  # nothing to compare with
    assert lowest(["3.1 (n=1)", "2.9 ± 0.1 (n=2)"]) == [False, True]


def test_the_best_is_bold_and_nothing_else_becomes_a_tag():
    frame = pd.DataFrame({"sf": ["1.0", "<b>", "3.0"]}, ["x<y", "b", "c"])
    page = to_html(html_table.bold_best(frame), "A & B", 3, True, False)
    assert "<strong><span" in page and page.count("<strong>") == 1
    assert "&lt;b&gt;" in page and "x&lt;y" in page and "A &amp; B" in page


def test_a_table_can_be_reached_by_keyboard_and_has_a_name():
    """What scrolls must take the focus, or its right columns are out of reach."""
    page = to_html(pd.DataFrame({"a": [1.0]}), "Errors", 3, True, False)
    assert 'role="region" tabindex="0" aria-label="Errors"' in page


def test_index_and_last_heading_share_the_corner():
    frame = pd.DataFrame(
        np.eye(2), pd.Index(["a", "b"], name="method"), columns(("sf", "20"), ("ny", "20"),
                                                                names=("city", "share"))
    )  # fmt: skip
    page = to_html(frame, "", 1, True, False)
    assert page.count("<tr") == 4 and "method / share" in page


def test_long_wide_and_searchable_tables_say_so():
    long = pd.DataFrame({f"c{k}": range(40) for k in range(8)})
    assert html_table.classes(long, True, True) == "table-scroll indexed tall wide searchable"
    assert html_table.classes(long.iloc[:3, :2], True) == "table-scroll indexed"


def wholes(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<span style="min-width:([\d.]+)em">([^<]*)</span>', page)


def test_whole_parts_of_a_column_are_equally_wide():
    """Means of 9.9 and 123.4 that start below each other are compared wrongly at a glance."""
    cells = ["9.900 ± 0.100", "123.400 ± 2.000", "not run", "-1.5"]
    page = to_html(pd.DataFrame({"sf": cells}), "", 3, True, False)
    assert wholes(page) == [("2.1", "9"), ("2.1", "123"), ("2.1", "-1")]
    assert "9</span>.900\xa0±\xa00.100</span></td>" in page and "<td>not run</td>" in page


def test_a_number_and_its_spread_are_one_piece_and_what_follows_is_not():
    """In a narrow column "9" and ".598" stood on two lines; a note may go to the next."""
    cells = ["9.598 ± 0.050 (n=3, 2 not run)", "10.1 [8.2, 12.0]", "1,234"]
    page = to_html(pd.DataFrame({"sf": cells}), "", 3, True, False)
    assert "9</span>.598\xa0±\xa00.050</span> (n=3, 2 not run)</td>" in page
    assert "10</span>.1</span> [8.2,\xa012.0]</td>" in page and "1,234</span></span>" in page


def test_zero_has_no_minus():
    page = to_html(pd.DataFrame({"gain": [-0.04, 0.04, -0.06]}), "", 1, True, False)
    assert re.findall(r"<td>([^<]*)</td>", page) == ["0.0", "0.0", "-0.1"]


def test_bold_numbers_are_as_wide_as_others():
    """Bold figures are wider in most fonts: the width is the column's, in em."""
    frame = html_table.bold_best(pd.DataFrame({"sf": ["9.9", "10.0"]}))
    page = to_html(frame, "", 3, False, False)
    assert (
        '<strong><span class="number"><span style="min-width:1.4em">9</span>.9</span>' in page
    )
    assert [width for width, _ in wholes(page)] == ["1.4", "1.4"]


def test_words_dates_and_columns_of_numbers_are_left_alone():
    """Numbers stand to the right with equal digits; words do not become numbers by their first."""
    words = pd.DataFrame({"a": ["2b", "13D", "-"], "b": ["one 1", "4", "two 12"]})
    assert not wholes(to_html(words, "", 1, True, False))
    days = pd.DataFrame({"a": ["2016-01-01", "2017-01-01"], "b": ["1.5", "2.5"]})
    assert not wholes(to_html(days, "", 1, True, False))  # as they are, they stand in line
    assert not wholes(to_html(pd.DataFrame({"a": [1.5, 10.5]}), "", 1, True, False))


def test_floats_among_words_get_the_digits_of_the_table():
    frame = pd.DataFrame({"a": [1.23456, "12.300", np.nan]}, dtype=object)
    page = to_html(frame, "", 3, False, False)
    assert "1</span>.235" in page and "12</span>.300" in page and "–" in page


def test_a_number_stays_on_the_line_of_its_spread_and_interval():
    """Words may be broken so that a table fits; in a wide one spreads may move down."""
    frame = pd.DataFrame({"a": ["1.5 ± 0.2 (n=3)", "HA: +1.2 [-0.4, 2.0] a, 3"]})
    page = to_html(frame, "", 1, True, False)
    assert "1.5\xa0±\xa00.2 (n=3)" in page and "HA: +1.2 [-0.4,\xa02.0] a, 3" in page
    wide = to_html(pd.concat({k: frame["a"] for k in range(8)}, axis=1), "", 1, True, False)
    assert "1.5 ±\xa00.2" in wide and "[-0.4,\xa02.0]" in wide
    crowd = to_html(pd.concat({k: frame["a"] for k in range(10)}, axis=1), "", 1, True, False)
    assert "1.5 ±\xa00.2" in crowd and "[-0.4, 2.0]" in crowd
