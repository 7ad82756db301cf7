# %% [markdown]
# # Forecast demand from trips
#
# *What you need: a file of trips (CSV, zip or parquet) with start and end, each with time, latitude
# and longitude. Runs in: a minute or two for a month of a bike system. You will see: the hours
# after your last one, cell by cell, each with an interval, as files for QGIS or a spreadsheet.*
#
# Run it on your own file:
#
# ```
# python -m stflow_lib page your_city/01_forecast_demand -p path trips.csv -p zone Europe/Berlin
# ```
#
# Files of Citi Bike, Divvy, Capital Bikeshare, Bluebikes, Indego and BIXI are recognised by their
# header. For any other table name its columns, as in
# `-p columns "{start: von, end: bis, start_lat: y1, start_lon: x1, end_lat: y2, end_lon: x2}"`.
# Without `path` the page writes a small file of invented trips and goes on with that.
#
# Few days? Lend it a city with a longer record, by name or as the `.nc` file that this page has
# written for it, with the same length of a step: `-p sources build/your_city/boston.nc`. What places
# of the same kind of history go on to do is learned there. Below two days and without another city
# a model that comes with the package forecasts.

# %% tags=["parameters"]
path: str = ""  # your file; several with commas between them; empty: invented trips
zone: str = "America/New_York"  # IANA name of the city's time zone
columns: dict = {}  # start, end, start_lat, start_lon, end_lat, end_lon -> names in your file
sources: str = ""  # cities to learn from as well; several with commas between them
cell_m: float = 1000.0  # side of a cell in metres
like: str = ""  # .nc file or name of a city whose box is taken; empty: around nearly all ends
hours: int = 12  # to forecast
method: str = ""  # one of gridflow.METHODS; empty: a mixture of the fast ones
name: str = "your-city"  # of the files that are written
out: str = "build/your_city"  # folder for them

# %%
from pathlib import Path

import matplotlib.pyplot as plt

from stflow_lib import gridflow
from stflow_lib.book import interval_scores
from stflow_lib.book.display import show_table, show_text
from stflow_lib.book.plots.your_city import band_figure, busiest
from stflow_lib.book.plots.your_city_widgets import explore
from stflow_lib.data import open_city, write_city
from stflow_lib.data.export import export
from stflow_lib.data.readers.your_trips import box_of, trips_city
from stflow_lib.data.simulate.trips import write_trips

# %% [markdown]
# ## From trips to counts
#
# A trip counts where and when it starts, and again where and when it ends. The box is laid around
# nearly all ends; what lies outside, or has no readable time or place, is left out and counted in
# the line below.

# %%
folder = Path(out)
paths = path.split(",") if path else [write_trips(folder / "invented-trips.csv")]
box = box_of(open_city(like)) if like else None
city = trips_city(paths, zone, name, cell_m=cell_m, columns=columns, box=box)
write_city(city, folder / f"{name}.nc")

# %% [markdown]
# ## The hours after the last
#
# Of the hours that your file has, the first fit a handful of fast methods. The next show their
# errors side by side, from which the weights follow of a mean of them that is nearer than the best
# alone. The last are kept aside to see how far its forecasts are off: that is how wide an interval
# has to be. Each predicted hour is an input of the next.

# %%
lending = [source.strip() for source in sources.split(",") if source.strip()]
model = gridflow.fit(city, lending, hours=hours, method=method or None)
gridflow.save(model, folder / f"{name}.pt")
forecast = model(city, hours)
lent = forecast.attrs["sources"]
print(forecast.attrs["method"], f"taught by {lent}" if lent else "taught by your file",
      f"calibrated from {forecast.attrs['calibrated_hours']} hours", sep=", ")  # fmt: skip

# %%
way = city.direction.values[0]
band_figure(city, forecast, busiest(city, way))
plt.show()

# %% [markdown]
# *Figure 1: the busiest cell, its last days and the hours to come. In nine of ten hours the count
# should lie inside of the band; in cells that are empty most of the time it does so more often, for
# there the band begins at 0 and nothing lies below.*

# %% [markdown]
# ### Do such intervals hold?
#
# Of real cities the last fifth was kept aside. What forecasts from a hundred moments in it brought
# is compared with rules, which were given the quantiles of their own held-out errors in the same
# way. The score is the width of an interval, and for a count outside of it twenty times the distance.
# The mixture is what your own forecast is made by where no method is named.

# %%
show_table(
    interval_scores.shown("grid"), "Six hours ahead, every cell; lower scores are better", 2
)
show_text(interval_scores.said("grid"))

# %%
busy = int(forecast["mean"].sum(("direction", "row", "col")).values.argmax())
explore(forecast, city, busy)

# %% [markdown]
# *Figure 2: the hour with the most trips of those to come. Left the forecast, right how unsure it
# is: where more happens, more can go another way. In JupyterLab, hour, direction and cell are yours
# to choose.*
#
# ## What was written
#
# The `.nc` of the city is accepted wherever a city is named, in Python, by pages and by the other
# verbs; the `.pt` is the fitted model, which `gridflow.load_model` opens in another process. The
# `.html` is a page by itself, to be opened in any browser: mean and width with a slider over the
# hours.

# %%
for ending in ("nc", "csv", "geojson", "html"):
    print(export(forecast, folder / f"{name}-forecast.{ending}"))
print(folder / f"{name}.nc", folder / f"{name}.pt", sep="\n")
