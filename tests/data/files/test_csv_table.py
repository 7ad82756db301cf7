"""Text tables: what pandas would guess, shift or cut is refused with file and line."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.data import DataError
from stflow_lib.data.files import csv_table
from stflow_lib.data.files.read import read_table


@pytest.mark.parametrize(("content", "message"), [
    (b"a,b\n1,2,\n3,4,\n", "line 2 has 3 fields, line 1 has 2"),
    (b"a,b\n1,2\n3\n", "line 3 has 1 fields, line 1 has 2"),
    (b"a,b\r\n1,2\r\n\r\n3,4,5\r\n", "line 4 has 3 fields"),
    (b'a,b\n"1\n1",2\n3,4,5\n', "line 4 has 3 fields"),
    (b"a,b\n1,2\r3,4\r\n5,6,7\n", "line 4 has 3 fields"),
    (b"a,b\n1,5,2,5\n", "line 2 has 4 fields"),
    (b"a,b,a\n1,2,3\n", "column 'a' comes twice"),
    (b"a,b\n1,2\n3,\x004\n", "line 3: holds a NUL"),
    (b"a,b\n1,2\n3,caf\xe9\n", "line 3, byte 13: 0xe9 is not utf-8 text"),
    (b"\xff\xfea\0,\0b\0", "line 1, byte 0: 0xff is not utf-8"),
    (b'a,b\n"1,2\n3,4\n', "not readable as a table"),
    (b"\n\n", "the file is empty"),
])  # fmt: skip
def test_text_that_is_not_the_table_it_seems(tmp_path, content, message):
    """One field more in every row than in the header shifted all sensors by one."""
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=f"t.csv: {message}"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(("content", "message"), [
    (b'a,b\n1,2\n"3,5",4\n', r"line 3, column 'a': '3,5' is not a number \(a decimal comma"),
    (b'a,b\n"1\n",2\n\n3,x\n', r"line 5, column 'b': 'x' is not"),
    (b"a,b\n1,2\n\n3,x\n", "line 4, column 'b': 'x' is not a number$"),
    (b"a,b\nTrue,2\n", "line 2, column 'a': .*True.* is not a number"),
    (b"a,b\n99999999999999999999,2\n", "line 2, column 'a': '99999999999999999999' is not"),
])  # fmt: skip
def test_a_column_of_numbers_holds_numbers(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    for numbers in (True, ["b", "a"]):
        with pytest.raises(DataError, match="t.csv: " + message):
            read_table(tmp_path / "t.csv", numbers=numbers)
    assert len(read_table(tmp_path / "t.csv")) > 0


def test_blanks_and_absent_columns_are_no_text(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"a,b,c\n1,,x\n,,y\n")
    assert read_table(tmp_path / "t.csv", numbers=["a", "b"]).shape == (2, 3)
    with pytest.raises(DataError, match="t.csv: column 'd' is missing"):
        read_table(tmp_path / "t.csv", numbers=["d"])


def test_another_encoding_is_read_where_it_is_named(tmp_path):
    text = "a,name\n1,caf\xe9\n"
    for encoding in ("utf-8", "utf-8-sig", "latin-1", "utf-16"):
        (tmp_path / "t.csv").write_text(text, encoding)
        options = {} if encoding.startswith("utf-8") else {"encoding": encoding}
        table = read_table(tmp_path / "t.csv", ["a"], **options)
        assert table["name"].tolist() == ["caf\xe9"]
    with pytest.raises(
        DataError, match="t.csv: not readable as a table: unknown encoding: klingon"
    ):
        read_table(tmp_path / "t.csv", encoding="klingon")


fields = st.sampled_from(
    ["1", "x y", '"p,q"', '"two\nlines"', '"a ""b"""', 'a"b', "", "\u00e9"]
)
ends = st.sampled_from(["\n", "\r\n", "\r"])


@given(st.lists(st.tuples(st.lists(fields, min_size=2, max_size=3), ends), max_size=5))
def test_the_fast_look_never_overlooks_a_row(rows):
    """It may ask for a closer look; where it does not, the parser finds equal rows."""
    text = "a,b\n" + "".join(",".join(row) + end for row, end in rows)
    if csv_table._evenly_split(text.encode(), ","):
        assert {len(f) for _, f in csv_table.records(text.encode(), "t")} == {2}


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("deep"), OverflowError("big")])
def test_whatever_pandas_raises_is_named(tmp_path, monkeypatch, error):
    """A machine that is full says nothing about the file that filled it."""

    def fail(*_, **__):
        raise error

    (tmp_path / "t.csv").write_text("a\n1\n")
    monkeypatch.setattr(csv_table.pd, "read_csv", fail)
    with pytest.raises(DataError, match="t.csv: not readable as a table: (Mem|deep|big)"):
        read_table(tmp_path / "t.csv")


def test_it_reads_what_pandas_reads():
    text = b'a,b\n1.10,"x, y"\n\n-2e-5,NA\n'
    want = pd.read_csv(io.BytesIO(text))
    pd.testing.assert_frame_equal(csv_table.parse_csv(text, "t"), want)
