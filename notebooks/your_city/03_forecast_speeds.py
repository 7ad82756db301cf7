# %% [markdown]
# # Forecast the speeds of your sensors
#
# *What you need: a file of speeds (CSV, or PeMS station text), one column a sensor or one row a
# reading. Runs in: a minute or two for some days of a hundred sensors. You will see: the hour after
# your last step, sensor by sensor, each with an interval, and how many days are worth waiting for.*
#
# Run it on your own file, in one line:
#
# ```
# python -m stflow_lib page your_city/03_forecast_speeds -p path speeds.csv -p zone Europe/Berlin
# ```
#
# Add `-p unit mph` for another unit, and `-p sensors sensors.csv` for places (sensor, lat, lon) or
# edges (from, to, distance). Columns with other names are told as in
# `-p columns "{time: zeit, sensor: id, speed: v}"`. Any step that divides a day will do, and the
# last day may break off.
# Without `path` the page writes a small invented file, cut at 14:00, and goes on with that.

# %% tags=["parameters"]
path: str = ""  # your file; several with commas between them; empty: an invented one
sensors: str = ""  # places or edges; empty: a graph is made from correlations
zone: str = "Europe/Berlin"  # IANA name of the city's time zone
unit: str = "km/h"  # km/h, mph or m/s
columns: dict = {}  # time, sensor, speed -> names in your file
minutes: int = 60  # to forecast
method: str = ""  # one of speedgraph.METHODS; empty: a mixture of fast ones
days: str = "1 2 4"  # of own data that are tried, as many as there are
out: str = "build/your_city"  # folder for what is written

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from stflow_lib import speedgraph
from stflow_lib.book import interval_scores
from stflow_lib.book.display import show_table, show_text
from stflow_lib.book.plots.speedgraph import own_city
from stflow_lib.data import sensors_city
from stflow_lib.data.export import export, table
from stflow_lib.data.simulate.speed_files import write_speeds
from stflow_lib.runs.backtest import backtest

# %% [markdown]
# ## From the file to a city
#
# The step is the most frequent difference of time stamps. What cannot be a speed is made missing,
# what comes twice is averaged, and the line below counts it.

# %%
folder = Path(out)
paths, places = (path.split(","), sensors) if path else write_speeds(folder)
city = sensors_city(paths, places or None, zone=zone, unit=unit, columns=columns)

# %% [markdown]
# ## The steps after the last
#
# Trees, a linear map and the mean of each time of the day are fitted, and mixed by the errors that
# they make side by side in steps that have not taught them. Then they are fitted twice more: to all
# but the last part of your file, to see there how far the mixture is off, which is how wide an
# interval has to be; and to all of it, for the forecast. With `-p method` a single one takes their
# place: the line below says what was fitted, *Graph ridge* if the page you read was made in a hurry.

# %%
model = speedgraph.fit(city, minutes=minutes, method=method or None)
speedgraph.save(model, folder / "speeds.pt")
forecast = model(city)
print(f"{forecast.attrs['method']}, {forecast.attrs['graph']}; calibrated on "
      f"{forecast.attrs['calibrated_on']}")  # fmt: skip

# %%
own_city.band_figure(city, forecast, own_city.most_uncertain(forecast))
plt.show()

# %% [markdown]
# *Figure 1: the sensors whose next hour is least certain. The red line is the last step of the
# file. Of all sensors and steps nine in ten should come to lie inside of the band.*
#
# ### Do such intervals hold?
#
# Of real cities the last fifth was kept aside. What forecasts from a hundred moments in it brought
# is compared with rules, which were given the quantiles of their own held-out errors in the same
# way. The score is the width of an interval, and for a speed outside of it twenty times the distance.

# %%
show_table(
    interval_scores.shown("graph"), "An hour ahead, every sensor; lower scores are better", 2
)
show_text(interval_scores.said("graph"))

# %% [markdown]
# ## How many days must I wait?
#
# Forecasts of a linear method, made at several moments of your own past from the days just before,
# and held against what came. Only whole numbers of days that your file can spare are tried.

# %%
enough = city.sizes["time"] * city.attrs["step_minutes"] / 1440 - 0.5
tried = [float(d) for d in days.split() if float(d) < enough]
errors = backtest(city, "Graph ridge" if "adjacency" in city else "Ridge", days=tried, origins=3,
                  forecast=speedgraph.forecast, minutes=minutes)  # fmt: skip
own_city.waiting_figure(errors)
plt.show()

# %% [markdown]
# *Figure 2: mean absolute error by days of own data; lines are means over the moments, bands reach
# from the best to the worst of them. A line that is flat says that more days are not worth the
# wait. A linear method is used here whatever forecasts above, for it is fitted in a second.*

# %%
first = table(forecast).drop(columns=["lat", "lon"]).head()
show_table(first, "The first lines of the forecast", digits=1)
mapped = bool(np.isfinite(forecast.lat).any())  # sensors that have a place
for ending in ("csv", *["geojson", "html"] * mapped):
    print(export(forecast, folder / f"forecast.{ending}"))
print(folder / "speeds.pt")
