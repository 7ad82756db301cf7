# %% [markdown]
# # From GPS fixes to flow maps
#
# *What you need: arrays, a little probability. Reading: 15 minutes. Runs in: half a minute. You
# will see: how eleven million dots on a map become the numbers that every network of the
# fine-grained part is trained on, and which of these numbers are noise.*
#
# The papers start from flow maps: so many vehicles entered cell $(r, c)$ in half-hour $t$. Nobody
# publishes how the maps were made, and the making matters: the treatment of gaps, borders and
# clocks decides what a network can learn. Here we make our own from raw taxi positions, rule by
# rule, and check each rule against a form so plain that it cannot be wrong.
#
# In turn: 1. fixes and tracks; 2. segments; 3. entries, walked exactly; 4. the clock; 5. maps of
# several sizes; 6. how much of a map is noise; 7. pick-ups and drop-offs.

# %% tags=["parameters"]
profile: str = "smoke"  # lab, paper: the real fixes when they are in STFLOW_DATA
step_minutes: int = 30  # length of a time step
fine_cells: int = 128  # cells per side of the finest map; divisible by 8
taxis: int = 60  # simulated taxis
days: int = 7  # simulated days
seed: int = 0  # every random number of this page comes from it

# %%
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book.plots.data import gps_to_maps
from stflow_lib.data import Box, DataError, block_sum
from stflow_lib.data.catalog.entry import data_folder
from stflow_lib.data.rasterize import gps
from stflow_lib.data.simulate.taxis import simulate_fixes

box = Box(lat_min=37.708, lat_max=37.812, lon_min=-122.515, lon_max=-122.383)
zone = "America/Los_Angeles"
raw = data_folder() / "taxi-sf" / "gps.parquet"
real = profile != "smoke" and raw.exists()

# %% [markdown]
# ## 1. Fixes and tracks
#
# In May and June 2008 the Cabspotting project published the positions of 537 San Francisco taxis,
# about one **fix** a minute: taxi, time in UTC seconds, latitude, longitude, and whether a
# passenger was on board. With the real fixes absent, or at the smallest size of this book, the
# taxis below are simulated: they drive along a street grid from hub to hub, ten hours a day, with a
# passenger on every second ride. Everything after this cell is the same for both.

# %%
fixes = gps.read_fixes(raw) if real else simulate_fixes(taxis, days, seed)
city = "San Francisco's taxis" if real else "simulated taxis"
span = pd.to_datetime([fixes.time.min(), fixes.time.max()], unit="s")
print(f"{city}: {len(fixes):,} fixes of {fixes.taxi[-1] + 1} taxis, {span[0]} to {span[1]} UTC")


# %% [markdown]
# `Fixes` checks itself when made: a fix out of order, doubled in time or off the globe is an error
# that names the taxi and the index. Left, all fixes at once, counted in small bins: streets appear
# by themselves. Right, six hours of one taxi. The grey line joins its fixes, and cuts corners
# wherever a minute is longer than a block. This is the resolution we have to live with.

# %%
mine = np.flatnonzero(fixes.taxi == fixes.taxi[len(fixes) // 3])
busiest = mine[np.searchsorted(fixes.time[mine], fixes.time[mine[0]] + 86_400 * 2)]
window = (fixes.taxi == fixes.taxi[busiest]) & (
    np.abs(fixes.time - fixes.time[busiest]) < 3 * 3600
)
title = f"six hours of taxi {fixes.taxi[busiest]}"
gps_to_maps.fixes_figure(fixes, fixes.where(window), box, title)
plt.show()

# %% [markdown]
# ## 2. Segments
#
# Between two fixes a taxi was somewhere, and we do not know where. If the fixes are at most three
# minutes apart, a straight line at even speed is a fair guess; after an hour it is fiction. And a
# line that would need 130 km/h or more joins a true position to a faulty one. A **segment** is a
# pair of neighbouring fixes of one taxi that passes both rules. The histograms show what is lost: a
# long tail of gaps (breaks, nights, garages) and, in the real fixes, the upper flank of a hump that
# motorways make near 105 km/h.

# %%
gap, kmh = gps_to_maps.gaps_and_speeds(fixes)
kept = (gap <= 180) & (kmh < 130)
far, fast = gap > 180, (gap <= 180) & (kmh >= 130)
print(
    f"median gap {np.median(gap):.0f} s; {kept.mean():.1%} of {len(gap):,} pairs are segments"
)
print(f"not kept: {far.mean():.1%} for their gap, {fast.mean():.1%} for their speed")
gps_to_maps.pairs_figure(gap, kmh, 180, 130)
plt.show()

# %% [markdown]
# ## 3. Entries, walked exactly
#
# Lay a grid over the city. An **entry** is a change of cell along a segment; it belongs to the cell
# entered and to the half-hour in which the border is crossed. For a segment from $(x_0, y_0)$ at
# $t_0$ to $(x_1, y_1)$ at $t_1$, in units of cells, border $x = k$ is met at
#
# $$\alpha_k = \frac{k - x_0}{x_1 - x_0}, \qquad t(\alpha_k) = t_0 + \alpha_k\,(t_1 - t_0),$$ (eq-crossing)
#
# and likewise for $y$. A cell owns its southern and western borders; a corner leads straight into
# the diagonal cell. The plainest form in exact fractions: find all $\alpha$, look between them,
# note where the cell has changed.


# %%
def entered_naive(start, end):
    """(fraction of the way, cell) of each entry between two points in exact cell units."""
    parts = {Fraction(0), Fraction(1)}
    for a, b in zip(start, end, strict=True):
        borders = range(ceil(min(a, b)), floor(max(a, b)) + 1) if a != b else []
        parts |= {Fraction(border - a, b - a) for border in borders}
    parts = sorted(parts)
    looks = [Fraction(0), *((low + high) / 2 for low, high in pairwise(parts)), Fraction(1)]
    ways = list(zip(start, end, strict=True))
    cells = [tuple(floor(a + look * (b - a)) for a, b in ways) for look in looks]
    steps = zip(parts, pairwise(cells), strict=True)
    return [(part, now) for part, (before, now) in steps if now != before]


# %% [markdown]
# A toy track of six fixes, one a minute, in cells of ten units of 1e-5 degrees. Shaded: the cells
# entered, and the points where that happens, in the order driven.

# %%
toy_box, rows, cols = Box(0.0, 0.0006, 0.0, 0.0009), 6, 9
points = [(5, 4), (13, 27), (33, 47), (33, 63), (56, 76), (47, 85)]  # (north, east)
track = [(Fraction(north, 10), Fraction(east, 10)) for north, east in points]
entries = [
    (*(a + part * (b - a) for a, b in zip(start, end, strict=True)), *cell)
    for start, end in pairwise(track)
    for part, cell in entered_naive(start, end)
]
gps_to_maps.walk_figure(np.array(track, float), entries, rows, cols)
plt.show()

# %% [markdown]
# The third segment starts where the second ends, so cells chain without gap or overlap; a border is
# crossed once however close a fix lies to it. The fast form (`stflow_lib.data.rasterize.segments`)
# keeps, per axis, the distance to the next border and always crosses the nearer one
# {cite}`amanatideswoo`. It compares products of integers, never rounded fractions, so it must agree
# with the plain form to the last entry: on the toy above, and on a thousand random segments whose
# ends fall on borders and corners on purpose.


# %%
def walked(points):
    """Entries [T, rows, cols] per minute of one taxi through `points`, one fix a minute."""
    lat, lon = np.array(points).T
    none = np.zeros(len(lat))
    report = gps.Fixes(none, 60 * np.arange(len(lat)), lat, lon, none)
    return gps.entry_counts(report, toy_box, rows, cols, step_minutes=1, zone="UTC")[1]


def plain(points):
    """The same by `entered_naive`: minute i + fraction, row counted from the north."""
    counts = np.zeros((len(points), rows, cols), int)
    track = [(Fraction(int(north), 10), Fraction(int(east), 10)) for north, east in points]
    for minute, (start, end) in enumerate(pairwise(track)):
        for part, (row, col) in entered_naive(start, end):
            if 0 <= row < rows and 0 <= col < cols:
                counts[floor(minute + part), rows - 1 - row, col] += 1
    return counts


# %%
random_track = np.random.default_rng(seed).integers([-5, -5], [66, 96], (1001, 2))
assert (walked(points) == plain(points)).all() and walked(points).sum() == len(entries)
assert (walked(random_track) == plain(random_track)).all()
assert abs(walked(random_track[::-1]).sum() - walked(random_track).sum()) <= 1
print(f"toy: {len(entries)} entries; random track: {walked(random_track).sum():,}; all equal")

# %% [markdown]
# Driven backwards, a track crosses the same borders: the totals of both ways differ at most by the
# cells of its two ends, which the last assertion checks too.
#
# Why not simply sample points along each segment and count cells as they change? Because a line
# that cuts the corner of a cell for a few metres is missed between two samples. The curve shows,
# for a few taxis, which share of the true entries sampling finds.


# %%
def entries_sampled(fixes, kept, cells, pieces):
    """Entries found when a segment is looked at only at the ends of equal pieces."""
    first = np.flatnonzero(fixes.taxi[1:] == fixes.taxi[:-1])[kept]
    before, found = None, 0
    for part in np.linspace(0, 1, pieces + 1):
        lat = fixes.lat[first] * (1 - part) + fixes.lat[first + 1] * part
        lon = fixes.lon[first] * (1 - part) + fixes.lon[first + 1] * part
        row = np.floor((lat / 1e5 - box.lat_min) / (box.lat_max - box.lat_min) * cells)
        col = np.floor((lon / 1e5 - box.lon_min) / (box.lon_max - box.lon_min) * cells)
        inside = (row >= 0) & (row < cells) & (col >= 0) & (col < cells)
        now = np.where(inside, row * cells + col, -1)
        found += 0 if before is None else int(((now != before) & inside).sum())
        before = now
    return found


# %%
few = fixes.where(fixes.taxi < 10)
few_gap, few_kmh = gps_to_maps.gaps_and_speeds(few)
few_kept = (few_gap <= 180) & (few_kmh < 130)
exact = gps.entry_counts(few, box, fine_cells, fine_cells, step_minutes, zone)[1].sum()
pieces = 2 ** np.arange(8)
share = [entries_sampled(few, few_kept, fine_cells, int(n)) / exact for n in pieces]
assert max(share) <= 1 and share[-1] > 0.97
gps_to_maps.sampling_figure(pieces, share)
plt.show()

# %% [markdown]
# Sampling creeps up to the exact count from below. Cut in sixteen, the real taxis' segments still
# lack a tenth of their entries, and not evenly: a street along the grid soon has them all, one
# across it keeps losing the corners that it clips. The exact walk needs no such knob. It also makes
# the count checkable: the entries of a segment are its border crossings, less one for each corner
# hit.
#
# Now the whole set, on the finest grid and on one of half as many cells a side. The first call may
# include compilation, which is kept on disk for the next time.

# %%
started = perf_counter()
time, fine = gps.entry_counts(fixes, box, fine_cells, fine_cells, step_minutes, zone)
print(
    f"{fine.sum():,} entries in {len(time):,} steps and {fine_cells} x {fine_cells} cells, "
    f"{perf_counter() - started:.1f} s"
)
half = gps.entry_counts(fixes, box, fine_cells // 2, fine_cells // 2, step_minutes, zone)[1]
if real and (fine_cells, step_minutes) == (128, 30):
    assert fine.sum() == 37_883_199 and half.sum() == 18_953_108
sizes = pd.DataFrame(
    {
        "walked on its own grid": [fine.sum(), half.sum()],
        "as block sums of the fine map": [fine.sum(), block_sum(fine, 2).sum()],
    },
    index=[f"{fine_cells} x {fine_cells}", f"{fine_cells // 2} x {fine_cells // 2}"],
)
assert (half <= block_sum(fine, 2)).all()
sizes

# %% [markdown]
# A word on the table. Entries are no substance: a taxi that crosses four fine cells inside one
# coarse cell makes four fine entries but only one coarse one. The structural constraint of flow
# inference nevertheless *defines* the coarse map as the block sum of the fine map, as UrbanFM and
# UrbanSTC do {cite}`urbanfm,urbanstc`. We follow them: in this book a coarse value is the sum of
# the fine entries inside its block, crossings inside the block included, and the task is to say how
# the sum was shared out.
#
# ## 4. The clock
#
# Fixes are stamped in UTC; people live by the local clock. Seven hours of shift would leave the
# rhythm intact and put it in the wrong place: a model told that it is Saturday would see Friday
# evening.

# %%
clocks = {f"local ({zone})": zone, "UTC": "UTC"}
maps = {name: gps.entry_counts(fixes, box, 8, 8, step_minutes, zone=clock)
        for name, clock in clocks.items()}  # fmt: skip
gps_to_maps.clock_figure({name: gps_to_maps.mean_day(*made) for name, made in maps.items()})
plt.show()

# %% [markdown]
# By the local clock the quiet hours fall into the night, as they should. Local time has one trap.
# On the night when daylight saving begins or ends, an hour is missing or happens twice, and a grid
# of regular local steps cannot hold it. Rather than shift half of the days by an hour, the library
# refuses such a span and says where to cut. San Francisco's three and a half weeks contain no
# change; these two made-up fixes do:

# %%
second_sunday_of_march = int(pd.Timestamp("2008-03-09 09:00", tz="UTC").timestamp())
night = gps.Fixes(
    [0, 0], second_sunday_of_march + np.array([0, 7200]), [3776000] * 2, [-12242000] * 2, [0, 0]
)
try:
    gps.entry_counts(night, box, 4, 4, step_minutes, zone=zone)
except DataError as error:
    print(error)

# %% [markdown]
# ## 5. Maps of several sizes
#
# The three maps below come from one walk: the fine map and its block sums by 4 and by 8. No entry
# is lost on the way, whatever the block. The left map shows single streets; the middle one is what
# a network gets to see, and the left one is what it has to give back.

# %%
total = fine.sum(0)
coarser = {1: total, 4: block_sum(total, 4), 8: block_sum(total, 8)}
assert {int(values.sum()) for values in coarser.values()} == {int(fine.sum())}
side = (box.lat_max - box.lat_min) * 111_195 / fine_cells
titles = {
    f"{fine_cells // factor} x {fine_cells // factor} cells of {side * factor:.0f} m": values
    / len(time)
    for factor, values in coarser.items()
}
gps_to_maps.maps_figure(titles, box, f"mean entries per {step_minutes} min")
plt.show()

# %% [markdown]
# ## 6. How much of a map is noise?
#
# Suppose the best conceivable model knew, for every fine cell $i$, its true share $p_i$ of its
# block. Given the coarse count $x$ and independent entries, the fine count would still scatter with
# the binomial variance
#
# $$\operatorname{Var}(y_i \mid x) = x\,p_i\,(1 - p_i),$$ (eq-floor)
#
# and no network would get below it. Set it against the error that a fixed split actually makes
# (shares taken over the whole record: the HA baseline with hindsight). Where the quotient is near
# one, everything that is left is counting noise, and a table of methods on that map would rank
# luck.

# %%
even = len(fine) // 2 * 2
hourly = fine[:even].reshape(-1, 2, *fine.shape[1:]).sum(1, dtype=np.int32)  # two steps to one
shares = {
    f"{fine_cells} x {fine_cells}, {step_minutes} min": gps_to_maps.noise_share(fine),
    f"{fine_cells} x {fine_cells}, {2 * step_minutes} min": gps_to_maps.noise_share(hourly),
    f"{fine_cells // 2} x {fine_cells // 2}, {step_minutes} min": gps_to_maps.noise_share(half),
}

# %% [markdown]
# A second view without any model: look at one cell at the same time of day, weekdays apart from
# weekends. The **Fano factor** is the variance over the mean of these counts; independent events
# would give 1, real differences between days give more, and so do taxis that come in bunches or
# cross the same border twice.

# %%
mean, variance = gps_to_maps.mean_and_variance(time, fine)
seen = variance > 0
print(
    f"Fano factor of the {fine_cells} x {fine_cells} map: {variance.sum() / mean.sum():.2f}; "
    f"its median cell: {np.median(variance[seen] / mean[seen]):.2f}"
)
gps_to_maps.noise_figure(mean[seen], variance[seen], shares)
plt.show()

# %% [markdown]
# With the real taxis and 90 m cells, a half-hour holds two entries a cell on average, the typical
# cell keeps close to the Poisson line, and the binomial floor is 97 % of the squared error of a
# fixed split: there is next to nothing to learn. Adding half-hours to hours, or cells to 180 m,
# brings it down to three quarters. This is why the book has two taxi cities: **taxi-sf-64**,
# half-hourly with cells of 180 m, and **taxi-sf-128**, hourly with cells of 90 m.
#
# The floor is a yardstick and no theorem, because entries are not independent: bunches of taxis
# scatter more, and a taxi that drives down a street enters its cells one after the other, which is
# more regular than throws of a die. The simulated taxis, which keep to their streets and choose
# their ways by lot, pass 100 % for that reason: nothing to learn, and less scatter than the formula
# says.

# %% [markdown]
# ## 7. Pick-ups and drop-offs
#
# The occupied flag gives a second kind of map. A **pick-up** is a fix with a passenger after one
# without, a **drop-off** the reverse, counted where and when the change was first seen.

# %%
got_in, got_out = gps.changes(fixes)
hours, rides = gps.pickups_dropoffs(fixes, box, fine_cells // 4, fine_cells // 4, 60, zone)
pickups, dropoffs = rides.sum(0)
table = pd.DataFrame(
    {"in the record": [len(got_in), len(got_out)], "in the box": rides.sum((0, 2, 3))},
    index=["pick-ups", "drop-offs"],
)
assert (table["in the box"] <= table["in the record"]).all()
gps_to_maps.rides_figure(pickups.astype(float), dropoffs.astype(float), box)
plt.show()
table

# %% [markdown]
# San Francisco's passengers are picked up where taxis wait or cruise and let out all over town:
# orange downtown, violet around it. (The simulated ones know no such difference.) Rides that begin
# or end outside the box, at the airport above all, are not on the map. As hourly maps these are the
# city *taxi-sf-trips* of the second part.
#
# From here on, a city comes by name with everything above done, its rules and box in the
# attributes, checked and hashed:

# %%
card = {"name": "taxis on this page", "source": city, "licence": "see the catalogue"}
half_size = (fine_cells // 2, fine_cells // 2)
made = gps.entry_flow_city(fixes, box, *half_size, step_minutes, zone, **card)
assert int(made["flow"].sum(dtype="f8")) == half.sum()
pd.Series(
    {
        key: made.attrs[key]
        for key in ("unit", "zone", "step_minutes", "cell_m", "max_gap_s", "max_kmh")
    }
)

# %% [markdown]
# ## What to remember
#
# - A map is a measurement with rules: three minutes, 130 km/h, straight lines, borders owned by one
#   side. They are parameters here.
# - Walk cells exactly. Sampling loses entries, and makes the loss depend on the street's direction.
# - Coarse maps are block sums by definition, so they conserve entries; a grid walked at coarse size
#   would count fewer.
# - Look at the noise before training: at 90 m and half an hour almost nothing is left to infer.
#
# **Deviations.** None of the three papers says how its maps were made from trajectories; the rules
# of this page are ours.
#
# **Next.** {doc}`03_simulated_cities` builds cities whose truth is known. **References.** Fixes:
# {cite}`cabspotting`; the walk: {cite}`amanatideswoo`; the constraint: {cite}`urbanfm`.
