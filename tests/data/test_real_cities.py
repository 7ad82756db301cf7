"""The real cities, whole: counts that were taken from the sources once, and raw
against compact."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib import data
from stflow_lib.data.calendars import public_holidays
from stflow_lib.data.readers import aarhus, graphs
from stflow_lib.data.schema import content_hash


@pytest.fixture(scope="module")
def load(real_data, tmp_path_factory):
    """Each real city once, derived maps in a cache of their own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("STFLOW_CACHE", str(tmp_path_factory.mktemp("derived")))
    cities = {}

    def one(name):
        if name not in cities:
            if not data.catalog().here[name]:
                pytest.skip(f"real data: {name} is not in STFLOW_DATA")
            cities[name] = data.load(name)
        return cities[name]

    yield one
    patch.undo()


SHAPES = {
    "taxi-sf-64": (1151, 1, 64, 64), "taxi-sf-128": (576, 1, 128, 128),
    "taxi-sf-trips": (576, 2, 32, 32), "bikenyc-p6": (2189, 2, 80, 32),
    "nyc-2016": (4320, 2, 16, 12),
    "jonas-nyc-taxi": (2400, 2, 16, 8), "jonas-nyc-bike": (2400, 2, 16, 8),
    "jonas-dc-taxi": (2400, 2, 9, 12), "jonas-dc-bike": (2400, 2, 9, 12),
    "bikes-chicago-2021": (1416, 2, 35, 25), "bikes-dc-2021": (1416, 2, 23, 23),
    "didi-chengdu-2016": (1440, 1, 16, 16), "didi-xian-2016": (1440, 1, 16, 16),
    "la": (2016, 207), "san-diego": (4032, 308), "bay-i680": (8928, 136),
    "aarhus": (33338, 449),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_shape_card_and_hash(load, name):
    """The catalogue's text says what the arrays are, and the hash is the arrays' own."""
    city = load(name)
    main = city.flow if city.attrs["kind"] == "grid" else city.speed
    assert main.shape == SHAPES[name]
    row = data.catalog().loc[name]
    assert row["shape"] == " x ".join(map(str, main.shape))
    assert city.attrs["name"] == name and city.attrs["sha256"] == content_hash(city)
    first, last = (str(t)[:10] for t in city.time.values[[0, -1]])
    assert row["span"] == f"{first} to {last}"


ORDERS = {"didi-chengdu-2016": (8_439_537, 256), "didi-xian-2016": (5_922_961, 255)}


@pytest.mark.parametrize("name", ORDERS)
def test_didi_orders_and_active_cells(load, name):
    flow = load(name).flow.values
    assert (int(flow.sum(dtype=float)), int((flow.sum(0) > 0).sum())) == ORDERS[name]


TRIPS = {  # (demand, supply) and active cells, from the arrays' own description
    "jonas-nyc-taxi": (41_595_099, 38_715_927, 128),
    "jonas-nyc-bike": (2_147_220, 2_157_043, 99),
    "jonas-dc-taxi": (2_261_153, 2_055_786, 108),
    "jonas-dc-bike": (452_545, 452_574, 78),
}


@pytest.mark.parametrize("name", TRIPS)
def test_jonas_totals(load, name):
    """Summing int16 half-hours without widening, or swapped axes, would change these."""
    city = load(name)
    total = city.flow.astype("f8").sum(("time", "row", "col")).values
    active = (city.flow.sum(("time", "direction")) > 0).sum()
    assert (*total, active) == TRIPS[name]
    assert city.left_out.sum() == (15 if "nyc" in name else 0)
    assert (city.valid.any("direction").sum() == active).item()


def test_jonas_doubled_hour_is_kept_and_told(load):
    """2015-11-01 01:00 holds both passes of the repeated hour."""
    city = load("jonas-nyc-taxi")
    doubled = city.flow.isel(direction=0).sum(("row", "col")).values[193]
    assert city.time.values[193] == np.datetime64("2015-11-01T01:00") and doubled == 58_834
    assert "2015-11-01 01:00" in city.attrs["clock"]


def test_jonas_peak_is_in_its_hour(load):
    hour = load("jonas-dc-bike").flow.sum(("direction", "row", "col")).groupby("time.hour")
    assert int(hour.mean().values.argmax()) == 17


def test_bikenyc_p6_parts_and_active_cells(load):
    city = load("bikenyc-p6")
    assert city.attrs["split"] == (1532, 438, 219) and city.attrs["factor"] == 2
    assert int((city.flow.sum(("time", "direction")) > 0).sum()) == 322


def test_nyc_2016_taxis_clock_compass_and_totals(load):
    """Each trip ends as it begins, the blizzard's Saturday is empty, the hour that daylight saving
    skips too; the busiest cells lie on a line from the south-west to the north-east."""
    flow = load("nyc-2016").flow.astype(float)
    assert flow.sum(("time", "row", "col")).values.tolist() == [28_090_811] * 2
    whole = flow.sum(("direction", "row", "col"))
    days = whole.resample(time="1D").sum()
    assert str(days.time[days.values.argmin()].values)[:10] == "2016-01-23"
    assert whole.sel(time="2016-03-13T02").max() < 0.01 * whole.sel(time="2016-03-13T01").min()
    row, col = np.nonzero(flow.mean(("time", "direction")).values > 150)
    assert len(row) > 10 and np.corrcoef(-row, col)[0, 1] > 0.5


def test_bikenyc_p6_clock_and_compass(load):
    """The inferred calendar: the skipped hour is empty, holidays lack the commuters' peaks.

    And the compass: the quiet west (Jersey City) lies beside the busy south, not the north.
    """
    city = load("bikenyc-p6")
    total = city.flow.sum(("direction", "row", "col")).to_series()
    assert total["2018-03-11 02:00"] == 0
    day = total.groupby([total.index.date, total.index.hour]).sum().unstack()
    peak = (day[[8, 17, 18]].sum(axis=1) / day.sum(axis=1)).iloc[:-1]
    monday = peak[pd.DatetimeIndex(peak.index).dayofweek == 0].sort_values()
    holidays = ["2018-01-01", "2018-01-15", "2018-02-19"]
    assert sorted(map(str, monday.index[:3])) == holidays
    rows = np.flatnonzero(city.flow.isel(col=slice(0, 20)).sum(("time", "direction", "col")))
    assert rows.min() > 25 and float(city.flow[..., :20, :].sum()) == 0


RIDES = {"bikes-chicago-2021": 96_834 + 49_622, "bikes-dc-2021": 100_070 + 77_505}


@pytest.mark.parametrize("name", RIDES)
def test_every_bike_ride_is_counted_or_accounted_for(load, name):
    """Starts on the grid plus starts left out, each with its reason, are all the rides."""
    city = load(name)
    left_out = [city.attrs[key] for key in ("rides_backwards", "pickups_nowhere",
                                            "pickups_outside")]  # fmt: skip
    starts = int(city.flow.astype("f8").sum(("time", "row", "col")).values[0])
    assert starts + sum(left_out) == city.attrs["rides"] == RIDES[name]
    assert starts > 0.97 * RIDES[name]
    assert city.poi.shape[0] == 14 and float(city.poi.sum()) > 2000


ROUNDED = {"bikes-chicago-2021": (12_730, 15_369), "bikes-dc-2021": (18_393, 20_425)}


@pytest.mark.parametrize("name", ROUNDED)
def test_one_bike_ride_in_ten_is_recorded_to_two_decimals(load, name):
    """Counted, and 99 % of all starts lie in the box; no ride starts in other months."""
    attrs = load(name).attrs
    assert (attrs["pickups_rounded"], attrs["dropoffs_rounded"]) == ROUNDED[name]
    assert 0.085 < attrs["pickups_rounded"] / attrs["rides"] < 0.105
    assert attrs["pickups_outside"] < 0.01 * attrs["rides"] and attrs["rides_off_span"] == 0


def test_what_is_left_out_of_the_taxis_is_counted(load):
    """Of 11,220,058 fixes of 537 taxis, pairs by fate: most are walked."""
    attrs = load("taxi-sf-64").attrs
    assert attrs["pairs"] == 11_220_058 - 537 and attrs["taxis_single"] == 0
    lost = [attrs[f"pairs_{fate}"] for fate in ("gap", "outside", "fast")]
    assert min(lost) > 0 and sum(lost) < 0.25 * attrs["pairs"]
    assert load("taxi-sf-trips").attrs["pickups_outside"] < 0.1 * 463_905


def test_bikes_of_the_two_cities_share_their_hours(load):
    """The pair is joined hour by hour; the clocks are each city's own."""
    one, two = load("bikes-chicago-2021"), load("bikes-dc-2021")
    assert (one.time.values == two.time.values).all()
    assert one.attrs["zone"] == "America/Chicago" and two.attrs["zone"] == "America/New_York"


def test_taxi_sf_trips_are_the_changes_of_the_flag(load):
    """463,905 pick-ups and 463,865 drop-offs in all; the box holds nearly all of the city's."""
    pickup, dropoff = load("taxi-sf-trips").flow.sum(("time", "row", "col")).values
    assert 0.9 * 463_905 < pickup <= 463_905 and 0.9 * 463_865 < dropoff <= 463_865


def test_taxi_sf_outages_and_the_cell_side(load):
    """The feed's outages leave three half-hours without any entry; no other is empty."""
    city = load("taxi-sf-64")
    total = city.flow.sum(("direction", "row", "col")).to_series()
    silent = ["2008-05-20 07:30", "2008-05-20 08:00", "2008-05-21 11:30"]
    assert list(total.index[total == 0]) == list(pd.to_datetime(silent))
    assert city.attrs["cell_m"] == pytest.approx(180, abs=2)
    assert load("taxi-sf-128").attrs["cell_m"] == pytest.approx(90, abs=1)


LONE = {"la": 1, "san-diego": 0, "bay-i680": 4, "aarhus": 10}


@pytest.mark.parametrize("name", LONE)
def test_speed_cities_count_what_is_missing_or_alone(load, name):
    """Sensors without an edge, zeros read as missing, places that were interpolated."""
    attrs = load(name).attrs
    zeros = 619_187 if name == "aarhus" else 0
    assert (attrs["isolated_sensors"], attrs["zeros_as_missing"]) == (LONE[name], zeros)
    assert attrs["zeros_kept"] == 0
    assert attrs.get("interpolated_places", 0) == (2 if name == "bay-i680" else 0)


@pytest.mark.parametrize(("name", "days"), [
    ("taxi-sf-64", ["2008-05-26"]), ("bikenyc-p6", ["2018-01-01", "2018-01-15", "2018-02-19"]),
])  # fmt: skip
def test_american_cities_have_the_federal_holidays(load, name, days):
    city = load(name)
    time = pd.DatetimeIndex(city.time.values)
    holidays = public_holidays(time, city.attrs["zone"])
    assert sorted({str(day)[:10] for day in time[holidays]}) == days


def test_la_has_the_files_own_graph(load):
    city = load("la")
    weight = city.adjacency.values
    assert int((weight > 0).sum()) == 2833 and (np.diag(weight) == 1).all()
    assert float(city.speed.max()) == 70.0 and not city.speed.isnull().any()


def test_san_diego_is_half_observed(load):
    city = load("san-diego")
    assert float(city.observed.mean()) == pytest.approx(48.04, abs=0.01)
    assert (city.adjacency.values == city.adjacency.values.T).all()


def test_bay_gaps_and_interpolated_places(load):
    city = load("bay-i680")
    assert float(city.speed.isnull().mean()) == pytest.approx(0.000151, abs=1e-6)
    between = city.lat.values[95:98]
    assert between[0] < between[1] < between[2]


def test_aarhus_zeros_are_missing(load):
    """9.3 % gaps and 4.1 % zeros without a vehicle; a kept zero would be a standing jam."""
    speed = load("aarhus").speed.values
    assert np.isnan(speed).mean() == pytest.approx(0.09324 + 0.04137, abs=2e-5)
    assert np.nanmin(speed) > 0


def test_aarhus_raw_sheets_equal_the_compact_file(load, real_data):
    """The two raw files give the same speeds and counts as the compact arrays."""
    base = real_data / "speed" / "aarhus"
    compact = np.load(base / "speed.npz")
    for sensor in (158324, 181006):
        raw = aarhus.read_citypulse(base / "raw-sample", [sensor])
        at = list(compact["sensor"]).index(sensor)
        assert (raw["time"] == compact["time"]).all()
        for key in ("speed_kmh", "vehicle_count"):
            assert np.array_equal(raw[key][:, 0], compact[key][:, at], equal_nan=True)


def test_san_diego_raw_sheet_equals_the_compact_file(real_data):
    base = real_data / "speed" / "san-diego"
    raw = graphs.read_pems_sensors(base / "raw-sample", [1116165])
    compact = np.load(base / "speed.npz")
    at = list(compact["sensor"]).index(1116165)
    week = np.isin(compact["time"], raw["time"])
    assert week.sum() == len(raw["time"]) == 2016
    assert (raw["speed_mph"][:, 0] == compact["speed_mph"][week, at]).all()
    assert (raw["observed_pct"][:, 0] == compact["observed_pct"][week, at]).all()


def test_files_here_are_the_public_ones(real_data):
    """Every raw file that the folder holds has the hash that its manifest states."""
    from stflow_lib.data.files import download

    for name in ("jonas", "bikenyc-p6", "la", "bikes-chicago-2021", "bikes-dc-2021"):
        for raw in download.manifest(name):
            if (real_data / raw.into).exists():
                download.verify(real_data / raw.into, raw)


def test_every_city_that_is_here_is_tested(real_data):
    here = data.catalog()
    real = here[here.here & ~here.index.str.startswith("sim-")]
    assert set(real.index) <= set(SHAPES), "add the new city's shape and counts"
    assert pd.Index(SHAPES).isin(here.index).all()
