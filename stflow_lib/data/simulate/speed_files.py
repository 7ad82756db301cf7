"""Files as a person has them, of a simulated city: to try the readers and the pages on."""

from pathlib import Path

import numpy as np

from stflow_lib.data.catalog.index import load

DAYS = 4.0 + 14 / 24  # the last day breaks off at 14:00
WITHOUT_PLACE = 2  # sensors


def write_speeds(folder: Path, minutes: int = 15, days: float = DAYS) -> tuple[Path, Path]:
    """(speeds.csv, one column a sensor; sensors.csv) of `sim-speed-c` in km/h, in `folder`.

    minutes: of a step, a multiple of 5. Some readings are missing, and so are the places of the
    last WITHOUT_PLACE sensors.
    """
    folder.mkdir(parents=True, exist_ok=True)
    city = load("sim-speed-c").isel(time=slice(0, round(days * 288)))
    speed = city.speed.coarsen(time=minutes // 5).mean()
    table = speed.to_pandas().set_axis(city.time.values[:: minutes // 5]).round(1)
    table.to_csv(folder / "speeds.csv", index_label="time")
    places = city[["lat", "lon"]].to_dataframe()[["lat", "lon"]].rename_axis("sensor")
    places.iloc[-WITHOUT_PLACE:] = np.nan
    places.to_csv(folder / "sensors.csv")
    return folder / "speeds.csv", folder / "sensors.csv"
