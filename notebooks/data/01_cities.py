# %% [markdown]
# # Cities
#
# *What you need: pandas and pictures. Reading: 12 minutes. Runs in: a few seconds simulated, a
# minute with all real cities. You will see: every city of this book, what is counted in it, when,
# where, and what is missing.*
#
# Three papers, three kinds of record. UrbanSTC looks at **fine maps**, counts of vehicles in small
# cells; STBaT at **demand grids**, pick-ups and drop-offs an hour; TSJT at **sensor graphs**,
# speeds on roads. Most of the data behind their printed numbers is not freely to be had, so each
# set has stand-ins that are. This page opens all that are on your machine.
#
# In turn: 1. the catalogue; 2. what a city is; 3. flows; 4. places; 5. speeds; 6. every city's
# week; 7. the numbers; 8. clocks.

# %% tags=["parameters"]
names: list | None = None  # cities to show; None: simulated ones at smoke size, else all here

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from stflow_lib import data
from stflow_lib.book.display import show_table
from stflow_lib.book.plots.data.cities import city_figure, poi_maps, week_rhythms
from stflow_lib.book.plots.data.portraits import portraits
from stflow_lib.data import DataError

# %% [markdown]
# ## 1. The catalogue
#
# `data.catalog()` lists what exists, whether or not it is here, without opening a file. A city is
# looked for in the folder that the environment variable `STFLOW_DATA` names, then downloaded from a
# public repository at a fixed commit and compared with the hash recorded for it; a file that is cut
# short or altered never enters the folder. What cannot be downloaded says how to get it. The
# simulated cities need no file and are always here; at its smallest size this page shows no others,
# though its text speaks of all. (*sim-fine-128* is left out: it is *sim-fine* at the size of the
# paper.)

# %%
catalog = data.catalog()
if names is None:
    smoke = os.environ.get("STFLOW_PROFILE", "smoke") == "smoke"
    wanted = catalog.index.str.startswith("sim-") if smoke else catalog["here"]
    names = list(catalog.index[wanted & (catalog.index != "sim-fine-128")])

shown = catalog.assign(here=np.where(catalog["here"], "yes", "no"))
shown = shown.rename(columns={"stands_in_for": "stands in for"})
show_table(shown.drop(columns=["step (min)", "size (MB)"]), "All cities, simulated ones first",
           search=True)  # fmt: skip

# %% [markdown]
# The last column says what a set is for. A name that ends in "itself" is a paper's own data: its
# reader is tested on small files of the same format and waits for those who have the files. All
# other names are stand-ins, and a claim about a stand-in never counts as a claim about the
# original: only the order of methods and relative gains carry over, not the errors.
#
# ## 2. What a city is
#
# Every reader returns the same kind of object, an `xarray.Dataset` that has passed `check_city`.
# Row 0 is the northern edge of a grid, time is local and regular, flows are finite and not
# negative, a missing speed is NaN and never zero. The attributes are the card: unit, zone, source,
# licence and a hash over all values, which every result in this book carries with it.

# %%
cities = {name: data.load(name) for name in names}
grids = {name: city for name, city in cities.items() if city.attrs["kind"] == "grid"}
graphs = {name: city for name, city in cities.items() if city.attrs["kind"] == "graph"}
first = cities[names[0]]
print(first)

# %% [markdown]
# The contract is worth something only if a bad file cannot slip through. Take one count of this
# city and turn it negative; repeat one time stamp. Both are refused, with the rule and the place:

# %%
broken = first.copy(deep=True)
main = broken["flow" if "flow" in broken else "speed"]
main.values[(3,) + (0,) * (main.ndim - 1)] = -1
times = first["time"].values.copy()
times[5] = times[4]
stammer = first.assign_coords(time=times)
messages = []
for city in (broken, stammer):
    try:
        data.check_city(city)
    except DataError as error:
        messages.append(str(error))
print(*messages, sep="\n")
assert "not negative" in messages[0] and "duplicated" in messages[1]
assert data.check_city(first) is first

# %% [markdown]
# ## 3. Flows
#
# Three pictures a city. The **map** shows each cell's mean flow on a logarithmic scale, because a
# busy cell sees a thousand times what a quiet one does; cells that never saw anyone are grey. The
# **rhythm** is the mean day of the whole city, weekdays in blue, weekends in orange, with a band
# that holds eight days in ten. The **record** shows every whole day, which is where holidays,
# storms and outages are.

# %%
for city in grids.values():
    city_figure(city)
    plt.show()
    plt.close()

# %% [markdown]
# Look for four things. *Concentration*: a handful of cells holds most of the flow, so a good score
# in the centre can hide a useless one elsewhere; this imbalance is what STBaT corrects. *Two kinds
# of day*: commuters make two peaks from Monday to Friday, leisure one hill at the weekend, and a
# rule that knows the hour but not the day misses both. *Drift*: bikes lose level in autumn, so an
# old average overshoots in January. *Holes*: New York's taxis nearly vanish on 23 January 2016,
# when blizzard Jonas closed the roads, and San Francisco's feed falls silent for three half-hours.
# A test set that holds such a day measures the day as much as the method.
#
# Grids made from tables of rides also say on their card what the table could not tell. An end may
# lack a place or lie off the map; it is counted and left out. Or it is known to two decimals of a
# degree only, a place somewhere within a kilometre. Such ends are kept, and cells must not cut
# them: where a border runs through a hundredth, all rounded ends near it fall on one side, and a
# row between two hundredths sees none.

# %%
tables = {name: city for name, city in grids.items() if "pickups_rounded" in city.attrs}
for name, city in tables.items():
    card, kinds = city.attrs, ("pickups", "dropoffs")
    rounded = sum(card[f"{kind}_rounded"] for kind in kinds)
    lost = sum(
        card[f"{kind}_{why}"] for kind in kinds for why in ("nowhere", "outside", "late")
    )
    ends = 2 * (card["rides"] - card["rides_off_span"] - card["rides_backwards"])
    edges = [card[f"{axis}_{side}"] for axis in ("lat", "lon") for side in ("min", "max")]
    centred = np.allclose(np.mod(np.multiply(edges, 100), 1), 0.5)
    print(
        f"{name}: of {ends:,} ends of rides {lost:,} ({lost / ends:.1%}) are left out and "
        f"{rounded:,} ({rounded / ends:.1%}) have two decimals at most;",
        "cells are centred on hundredths of a degree, so a rounded end stays in its cell."
        if centred
        else "cells are the paper's, and their borders cut hundredths of a degree.",
    )
if not tables:
    print("None of the cities on this page is made from a table of rides.")

# %% [markdown]
# ## 4. Places
#
# What a cell is for decides its rhythm, so STBaT and other methods look at **points of interest**.
# OpenStreetMap's point classes are gathered into 14 groups, as many as in the paper's data, whose
# names are not known; street furniture is dropped.

# %%
with_places = [city for city in grids.values() if "poi" in city]
for city in with_places[:2]:
    poi_maps(city)
    plt.show()
    plt.close()

# %% [markdown]
# Restaurants and cafés crowd where people already are, schools and places of worship where they
# live. Some groups are so thin that their map is mostly chance: volunteers' maps are uneven, and
# one more reason to treat a POI vector as a hint, not as a measurement. The JONAS grids have no
# places at all: they are rotated boxes whose corners nobody recorded.
#
# ## 5. Speeds
#
# For a sensor graph the map shows who is linked with whom. Edge weights follow one formula for all
# cities {cite}`dcrnn`,
#
# $$A_{ij} = \exp\!\left(-\frac{d_{ij}^2}{\sigma^2}\right), \qquad A_{ij} = 0 \text{ where it is below } 0.1,$$ (eq-adjacency)
#
# with the distance that the place suggests: the published matrix in Los Angeles, miles between
# sensors in San Diego, miles along the road on the I-680, metres from midpoint to midpoint of
# consecutive segments in Aarhus.

# %%
for city in graphs.values():
    city_figure(city)
    plt.show()
    plt.close()

# %% [markdown]
# On the right, dark streaks are jams, and they line up: the same sensors at the same hours on
# working days. That is what the hour-of-week mean lives on, and why the
# interesting errors sit at the edges of the streaks. Light grey is missing. It is not always
# honest: San Diego shows no gap, yet only 48 % of its readings were observed and the rest filled in
# by the operator (`observed` says which). In Aarhus a zero means that no vehicle passed; read as
# standing traffic it would be the worst jam in Europe.
#
# ## 6. Every city's week
#
# One row a city, one column an hour of the week, colour against the city's own mean. Flows span a
# factor of sixteen, speeds hardly more than a half: the upper scale runs from a quarter to four
# times, the lower from 0.8 to 1.25.

# %%
week_rhythms(cities)
plt.show()

# %% [markdown]
# Rows that look alike are cities between which a method could hope to carry knowledge; rows that do
# not are a warning. Taxi nights stand where bike nights are empty. The weekend hill of a bike city
# lies where its weekday valley is.
#
# ## 7. The numbers
#
# The same in figures. *Zeros* is the share of zero counts among cells that are ever active. *Top
# tenth* is the share of all flow in the busiest tenth of cells. *Day* and *week* are the
# correlation of the city's total with itself 24 hours and 7 days before: how far the simplest rules
# will get.

# %%
table = portraits(cities)
show_table(table, "Units are cells or sensors; mean in the city's own unit a step", digits=2)

# %%
assert (table["active"] <= table["units"]).all()
assert (table["mean"] > 0).all()
assert table[["zeros", "top tenth", "missing"]].stack().between(0, 1).all()
assert all(city.attrs["sha256"] == data.schema.content_hash(city) for city in cities.values())

# %% [markdown]
# Read the table before any result table. Where the mean is far below one vehicle a step and nine in
# ten values are zero, a network that predicts almost nothing looks accurate, and RMSE is ruled by a
# few cells. Where the weekly echo is near one, a method has to earn its place against last week's
# value.
#
# ## 8. Clocks
#
# A record of flows is only as good as its clock. Twice a year local time repeats or skips an hour;
# a reader that does not notice shifts half of the record. Cities whose record runs over such a
# change must say in `clock` what happened to the hour:

# %%
clocks = {name: city.attrs["clock"] for name, city in cities.items() if "clock" in city.attrs}
for name, note in clocks.items():
    print(f"{name}: {note}")
if not clocks:
    print("None of the cities on this page runs over a change of the clocks.")

# %% [markdown]
# Two clocks had to be found in the data. *bikenyc-p6* comes without a year: its quiet Mondays fall
# on the holidays of early 2018, and its one empty row before the end stands exactly at the hour
# that New York skipped on 11 March 2018. *aarhus* is stamped in universal time: its rush hour jumps
# by an hour on the day the clocks changed. It is read in Danish standard time.
#
# ## What to remember
#
# - A city has a name, a checked shape, a unit, a clock, a licence and a hash; anything else is an
#   error with a place in it.
# - Missing is NaN, and a zero is a zero only where somebody could have been counted.
# - Concentration, rhythm and holes decide how hard a city is. Look before training.
# - Stand-ins test the order of methods. The papers' own sets are read by the same calls when their
#   files are there.
#
# **Deviations.** The papers' data is replaced by the stand-ins of the catalogue's last column;
# grouping, grids, boxes and graph widths of the stand-ins are ours. UrbanSTC drops night hours,
# which we keep.
#
# **Next.** {doc}`02_gps_to_maps` makes the taxi maps from raw positions, {doc}`03_simulated_cities`
# builds cities whose truth is known. **References.** Taxi fixes: {cite}`cabspotting`; fine maps:
# {cite}`urbanfm,urbanstc`; demand grids: {cite}`crosstres,stbat`; adjacency: {cite}`dcrnn`.
