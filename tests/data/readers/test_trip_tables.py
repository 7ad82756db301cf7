"""Tables of rides: both layouts, archives, and what is refused with file and line."""

import io
import zipfile

import pandas as pd
import pytest

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize import trips
from stflow_lib.data.readers.trip_tables import read_trips

NEW = "started_at,ended_at,start_lat,start_lng,end_lat,end_lng"
OLD = ("starttime,stoptime,start station latitude,start station longitude,"
       "end station latitude,end station longitude")  # fmt: skip
RIDE = "2021-01-01 10:59:59,2021-01-01 11:00:00,41.01,-87.99,41.19,-87.71"


def write_zip(path, **files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.csv", text)
    return path


def test_both_layouts_read_alike_out_of_zips(tmp_path):
    """Header spelling must not matter: 2013 to 2019 with spaces or capitals, 2020 on."""
    texts = [f"{head}\n{RIDE}\n" for head in (NEW, OLD, OLD.title().replace("time", " Time"))]
    paths = [write_zip(tmp_path / f"{at}.zip", rides=text) for at, text in enumerate(texts)]
    first, *others = (read_trips(path) for path in paths)
    assert list(first) == list(trips.COLUMNS) and first["end_lat"][0] == 41.19
    assert first["start"][0] == pd.Timestamp("2021-01-01 10:59:59")
    for other in others:
        pd.testing.assert_frame_equal(first, other)


def test_months_are_joined_and_plain_csv_is_read(tmp_path):
    other = RIDE.replace("10:59", "10:58")
    two = write_zip(tmp_path / "two.zip", jan=f"{NEW}\n{RIDE}\n", feb=f"{NEW}\n{other}\n")
    (tmp_path / "one.csv").write_text(f"ride_id,{NEW}\nx,{RIDE}\n")
    assert len(read_trips([two, tmp_path / "one.csv"])) == 3


@pytest.mark.parametrize(
    "text, message",
    [
        (
            f"ride_id,{NEW.removesuffix(',end_lng')}\n",
            r"a.zip/rides.csv: columns \['end_lng'\]",
        ),
        ("lat,lon\n1,2\n", "a.zip/rides.csv: no start time, neither started_at nor starttime"),
        (
            f"{NEW}\n{RIDE}\n{RIDE.replace('2021', '20x1')}\n",
            "rides.csv: line 3: start is '20x1",
        ),
        (f"{NEW}\n{RIDE.replace('41.19', 'north')}\n", "rides.csv: line 2: end_lat is 'north'"),
        (
            f"{NEW}\n{RIDE.replace('2021-01-01 11:00:00', '')}\n",
            "rides.csv: line 2: end is nan",
        ),
        ("", "a.zip/rides.csv: the file is empty"),
    ],
)
def test_bad_tables_are_named(tmp_path, text, message):
    """The file, and the column or the line as an editor counts it."""
    with pytest.raises(DataError, match=message):
        read_trips(write_zip(tmp_path / "a.zip", rides=text))


def test_bad_files_are_named(tmp_path):
    whole = write_zip(tmp_path / "cut.zip", rides=f"{NEW}\n{RIDE}\n").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    with pytest.raises(DataError, match=r"cut.zip: not readable"):
        read_trips(tmp_path / "cut.zip")
    with pytest.raises(DataError, match=r"gone.zip: no such file"):
        read_trips(tmp_path / "gone.zip")
    with pytest.raises(DataError, match="no path is given"):
        read_trips([])
    (tmp_path / "latin.csv").write_bytes(f"{NEW},name\n{RIDE},caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin.csv: line 2, byte \d+: 0xe9 is not utf-8 text"):
        read_trips(tmp_path / "latin.csv")


def ride(name, minute=10, day="2021-01-01"):
    return f"{name},{day} 00:{minute}:00,{day} 00:50:00,41.01,-87.99,41.19,-87.71\n"


IDS = f"ride_id,{NEW}\n"


def test_a_ride_in_two_files_is_one_ride(tmp_path):
    """The first and last hours of a month often lie in both files."""
    (tmp_path / "a.csv").write_text(IDS + ride("R1") + ride("R2"))
    (tmp_path / "b.csv").write_text(IDS + ride("R2") + ride("R3"))
    with pytest.warns(UserWarning, match="1 of 4 rides came before and count once"):
        rides = read_trips([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert len(rides) == 3 and rides.attrs == {"rides_double": 1}
    assert rides.index.tolist() == [0, 1, 2] and list(rides) == list(trips.COLUMNS)
    assert read_trips(tmp_path / "a.csv").attrs == {"rides_double": 0}


def test_without_an_id_the_whole_row_says_which_ride(tmp_path):
    """Two bikes from one dock to another in the same second are two rides."""
    rows = [f"{RIDE},{bike}\n" for bike in (7, 8)]
    (tmp_path / "a.csv").write_text(f"{OLD},bikeid\n" + "".join(rows))
    (tmp_path / "b.csv").write_text(f"{OLD},bikeid\n" + rows[1])
    with pytest.warns(UserWarning, match="1 of 3 rides"):
        rides = read_trips([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert len(rides) == 2 and rides.attrs["rides_double"] == 1


def test_one_id_for_two_rides_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text(IDS + ride("R1") + ride("R2"))
    (tmp_path / "b.csv").write_text(IDS + ride("R2", minute=11))
    rule = r"b.csv: row 0: ride 'R2' is another one than in .*a.csv: row 1"
    with pytest.raises(DataError, match=rule):
        read_trips([tmp_path / "a.csv", tmp_path / "b.csv"])
    (tmp_path / "a.csv").write_text(IDS + ride("R1") + ride(""))
    with pytest.raises(DataError, match="a.csv: line 3: ride_id is nan"):
        read_trips(tmp_path / "a.csv")


def archive_of(members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, archive_of(member) if isinstance(member, dict) else member)
    return content.getvalue()


def test_every_table_of_an_archive_is_read(tmp_path):
    """Capitals, folders and zips in a zip; what macOS adds holds no rides."""
    members = {
        "A.CSV": IDS + ride("R1"),
        "old/b.csv": IDS + ride("R2"),
        "__MACOSX/._A.CSV": b"\0\5\x16\7",
        ".DS_Store": b"\0",
        "feb.ZIP": {"c.csv": IDS + ride("R3", day="2021-02-01")},
    }
    (tmp_path / "a.ZIP").write_bytes(archive_of(members))
    assert read_trips(tmp_path / "a.ZIP")["start"].dt.month.tolist() == [1, 1, 2]


@pytest.mark.parametrize(("members", "message"), [
    ({"a.csv": IDS + ride("R1"), "b.txt": "x"}, "b.zip/b.txt: neither a csv nor a zip"),
    ({"a.csv": IDS + ride("R1"), "b.csv.gz": "x"}, "b.zip/b.csv.gz: neither a csv nor a zip"),
    ({"__MACOSX/a.csv": ""}, "b.zip: no CSV file in it"),
    ({}, "b.zip: no CSV file in it"),
    ({"c.zip": {}}, "b.zip/c.zip: no CSV file in it"),
    ({"c.zip": "x"}, "b.zip/c.zip: not readable"),
    ({"c.zip": {"d.zip": {"e.csv": "x"}}}, "b.zip/c.zip/d.zip: a zip in a zip in a zip"),
    ({"a.csv": IDS}, "b.zip/a.csv: no rides"),
])  # fmt: skip
def test_a_member_that_is_not_read_is_named(tmp_path, members, message):
    """A month without a table, beside one that has its own, made a city with a hole."""
    (tmp_path / "a.zip").write_bytes(archive_of({"a.csv": IDS + ride("R0")}))
    (tmp_path / "b.zip").write_bytes(archive_of(members))
    with pytest.raises(DataError, match=message):
        read_trips([tmp_path / "a.zip", tmp_path / "b.zip"])


def test_the_tables_of_an_archive_are_bounded_together(tmp_path, monkeypatch):
    members = {name: IDS + ride(name) * 10 for name in ("a.csv", "b.csv")}
    (tmp_path / "a.zip").write_bytes(archive_of(members))
    monkeypatch.setenv("STFLOW_MAX_BYTES", "1500")
    with pytest.raises(DataError, match="a.zip: takes 1,.* bytes, more than the 1,500"):
        read_trips(tmp_path / "a.zip")


def stamped(tmp_path, *stamps, header=NEW):
    path = tmp_path / "a.csv"
    rows = (f"{start},{end},41.01,-87.99,41.19,-87.71" for start, end in stamps)
    path.write_text("\n".join([header, *rows, ""]))
    return path


def test_offsets_become_the_wall_clock_of_the_city(tmp_path):
    """Winter and summer have other offsets, and Z is one too."""
    stamps = [("2021-01-01 10:00:00-06:00", "2021-01-01 10:05:00-0600"),
              ("2021-07-01T15:00:00Z", "2021-07-01 10:05-05")]  # fmt: skip
    rides = read_trips(stamped(tmp_path, *stamps), "America/Chicago")
    assert rides["start"].astype(str).tolist() == ["2021-01-01 10:00:00", "2021-07-01 10:00:00"]
    assert rides["end"].astype(str).tolist() == ["2021-01-01 10:05:00", "2021-07-01 10:05:00"]
    assert rides["start"].dtype == "datetime64[ns]"


@pytest.mark.parametrize(("start", "zone", "message"), [
    ("2021-01-01 10:00:00-06:00", None, "line 3: start is .*-06:00', with an offset from UTC"),
    ("2021-01-01 10:00:00Z", None, "line 3: start is .*Z', with an offset from UTC"),
    ("2021-01-01 10:00:00Z", "America/Chicago", "line 2: start is .*, without an offset"),
])  # fmt: skip
def test_offsets_are_not_guessed(tmp_path, start, zone, message):
    plain = "2021-01-01 10:00:00"
    path = stamped(tmp_path, (plain, plain), (start, plain))
    with pytest.raises(DataError, match=f"a.csv: {message}"):
        read_trips(path, zone)


def test_a_zone_that_does_not_exist_is_named(tmp_path):
    stamp = "2021-01-01 10:00:00Z"
    with pytest.raises(DataError, match="zone 'Mars/Base': not a time zone"):
        read_trips(stamped(tmp_path, (stamp, stamp)), "Mars/Base")


def test_citi_bike_of_2014_writes_the_month_first(tmp_path):
    stamps = ("9/1/2014 00:00:25", "09/30/2014 0:05:07")
    rides = read_trips(stamped(tmp_path, stamps, header=OLD))
    assert rides["start"][0] == pd.Timestamp("2014-09-01 00:00:25")
    assert rides["end"][0] == pd.Timestamp("2014-09-30 00:05:07")
    minutes = ("1/2/2015 0:01", "1/2/2015 13:07")
    rides = read_trips(stamped(tmp_path, minutes, header=OLD))
    assert rides["end"][0] == pd.Timestamp("2015-01-02 13:07")


@pytest.mark.parametrize(("stamps", "header", "line"), [
    (["9/1/2014 00:00:25"], NEW, 2),
    (["9/1/2014 00:00:25", "2014-09-01 00:00:25"], OLD, 3),
    (["2014-09-01 00:00:25", "9/1/2014 00:00:25"], OLD, 3),
    (["9/1/2014 00:00:25", "13/1/2014 00:00:25"], OLD, 3),
    (["9/1/2014 00:00:25", "9/1/2014 00:00"], OLD, 3),
    (["9/1/14 00:00:25"], OLD, 2),
    (["9/1/2014"], OLD, 2),
    (["2021-01-01 10:00:00", "2021-01-01 10"], NEW, 3),
    (["2021-01-01 10:00:00", "2021-01-01"], NEW, 3),
    (["2021-01-01 10:00:00", "20210101"], NEW, 3),
])  # fmt: skip
def test_a_stamp_in_another_format_is_refused(tmp_path, stamps, header, line):
    """A date cut short is not midnight, and a day is not a month."""
    path = stamped(tmp_path, *((one, one) for one in stamps), header=header)
    with pytest.raises(DataError, match=f"a.csv: line {line}: start is '{stamps[-1]}'"):
        read_trips(path)


@pytest.mark.parametrize(("end", "value"), [
    ("91.0,-87.71", "end_lat is '91.0'"), ("41.19,-187.71", "end_lon is '-187.71'"),
    ("inf,-87.71", "end_lat is 'inf'"), ('"41,19",-87.71', "end_lat is '41,19'"),
    ("4119000,-87.71", "end_lat is '4119000'"),
])  # fmt: skip
def test_places_lie_on_the_globe(tmp_path, end, value):
    (tmp_path / "a.csv").write_text(f"{NEW}\n{RIDE.replace('41.19,-87.71', end)}\n")
    with pytest.raises(DataError, match=f"a.csv: line 2: {value}"):
        read_trips(tmp_path / "a.csv")


@pytest.mark.parametrize(("text", "line"), [
    (f"{NEW}\r\n\r\n{RIDE}\r\n{{bad}}\r\n", 4),
    (f"{NEW}\r{RIDE}\n{{bad}}\r\n", 3),
    (f"{NEW},name\n{RIDE},\"two\nlines\"\n{{bad}},x\n", 4),
    (f"{NEW},name\n{RIDE},\"a, b\"\n{{bad}},x", 3),
    (f"\n{NEW}\n{{bad}}", 3),
])  # fmt: skip
def test_lines_are_counted_as_an_editor_counts(tmp_path, text, line):
    """Blank lines, other line ends and line ends in quotes shift rows against lines."""
    path = tmp_path / "a.csv"
    path.write_bytes(text.format(bad=RIDE.replace("41.19", "north")).encode())
    with pytest.raises(DataError, match=f"a.csv: line {line}: end_lat is 'north'"):
        read_trips(path)
    path.write_bytes(text.format(bad=RIDE + ",9").encode())
    with pytest.raises(DataError, match=f"a.csv: line {line} has . fields"):
        read_trips(path)
    path.write_bytes(text.format(bad=RIDE.replace("10:59", "10:58")).encode())
    assert len(read_trips(path)) == text.count("{bad}") + text.count(RIDE)


def test_one_name_in_two_spellings_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text(f"{OLD},Start Time\n{RIDE},x\n")
    with pytest.raises(DataError, match="a.csv: column 'starttime' comes twice"):
        read_trips(tmp_path / "a.csv")
