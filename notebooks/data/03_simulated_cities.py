# %% [markdown]
# # Simulated cities
#
# *What you need: averages, exponentials, the Poisson distribution. Reading: 15 minutes. Runs in:
# under a minute. You will see: how the cities that every page of this book can run on are made, and
# which part of them can be learned.*
#
# A real city never tells you what was noise. A simulated one does: we know the rate behind each
# count, the land use behind each rhythm, and the speed behind each lost reading. So we can say how
# good a method **could** be, and whether a rare kind of region was served well. This page builds
# three kinds of city from eight ingredients.
#
# In turn: 1. land use; 2. purposes and rhythms; 3. gravity; 4. roads; 5.
# chance; 6. weather; 7. shares of types; 8. traffic waves.

# %% tags=["parameters"]
seed: int = 0  # every random number on this page comes from it
side: int = 32  # fine cells per side of the fine city
factor: int = 4  # M: fine cells per side of a coarse cell
days: int = 14  # days of the fine city
sensors: int = 48  # sensors of the road city

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book.display import show_table
from stflow_lib.book.plots.data import simulated_cities, simulated_traffic
from stflow_lib.data import block_sum, simulate
from stflow_lib.data.simulate import TYPES, gravity, landuse, purposes, traffic

city, truth = simulate.simulate_fine(side, side, days, seed=seed)
print(f"{city.sizes['time']} steps, {city.flow.values.sum():,.0f} entries, "
      f"{city.flow.values.mean():.2f} {city.attrs['unit']} and cell")  # fmt: skip

# %% [markdown]
# `simulate_fine` returns two things: the *city*, which keeps the same contract as a real one, and
# the *truth*, which no method may see. Every ingredient draws from its own random stream, named
# after it, so more offices do not change the weather.
#
# ## 1. Land use
#
# Each cell is one of seven types. A type $k$ has a smooth random field $g_k$ and a liking $c_k$ for
# the centre, and takes its best cells,
#
# $$ \text{score}_k(i) = g_k(i) + c_k \, e^{-r_i^2 / 2\sigma^2}, $$ (eq-sim-land)
#
# the rarest type first, until it has exactly its share. What a type *is* shows in its places: cafés
# and banks among offices, parking and repair in industry. Region embeddings can only learn a
# region's type from there.

# %%
asked = landuse.cell_counts(landuse.DEFAULT_SHARES, side * side)
found = np.bincount(truth["type"].values.ravel(), minlength=len(TYPES))
assert np.array_equal(asked, found)
simulated_cities.land_figure(truth)
plt.show()

# %% [markdown]
# Offices gather in the middle, industry at the edge, and the shares hold to one cell: the assertion
# above compares them. Patches are about three cells wide, so a coarse cell of four by four usually
# mixes two or three types. That mixture is what makes the inside of a coarse cell change over the
# day.
#
# ## 2. Purposes and rhythms
#
# People do not travel because of the hour but for a reason. Five purposes join a *home* end with an
# *away* end, and each direction has its own rhythm, a sum of bumps on the 24-hour circle, one for
# working days and one for free days (weekends and holidays):
#
# $$ \rho(t) = q + \sum_b h_b \exp\!\big(-(t - t_b)^2 / 2 w_b^2\big). $$ (eq-sim-rhythm)

# %%
midnight = purposes.rhythm(purposes.PURPOSES["leisure"].back[1], np.array([0.0, 24.0]))
assert np.isclose(*midnight)  # the circle closes
simulated_cities.rhythm_figure()
plt.show()

# %% [markdown]
# Commuters leave at eight and return at six; nights out end after midnight on free days and wrap
# around the circle; outings wait for the weekend. A model that has seen only one working week has
# never met the orange curves: that is what scarcity of data means here.
#
# ## 3. Gravity
#
# Whoever travels chooses an end by its mass and its distance. With the masses $h$ of home ends and
# $a$ of away ends,
#
# $$ T_{ij} = h_i \, a_j \, e^{-d_{ij}/L}, \qquad h = \frac{\text{home}}{\sqrt{\sum \text{home}}}, \quad
# a = \frac{\text{away}}{\sqrt{\sum \text{away}}}, $$ (eq-sim-gravity)
#
# and trips back use $T^\top$. A city of 128 x 128 cells would need 268 million entries of $T$, but
# flows need only its row and column sums: convolutions of the masses with $e^{-d/L}$, which FFTs do
# in milliseconds.

# %%
kernel = gravity.decay_kernel(side, side, cell_m=150.0, decay_m=2500.0)
home, away = purposes.ends("work", truth["type"].values, truth["mass"].values)
table = gravity.trip_matrix(home, away, kernel)  # [cells, cells], for the check only
sent, received = gravity.trip_ends(home, away, kernel)
assert np.allclose(table.sum(1), sent.ravel()) and np.allclose(table.sum(0), received.ravel())
print(f"largest difference of row sums: {np.abs(table.sum(1) - sent.ravel()).max():.1e}")

# %%
busiest = int(home.argmax())
row = table[busiest].reshape(side, side)
live = np.flatnonzero(away.ravel() > 0)[:: max(1, side // 16)]
here = np.array(np.divmod(busiest, side))[:, None]
distance_km = np.hypot(*(np.array(np.divmod(live, side)) - here)) * 0.15
cost = table[busiest, live] / (home.flat[busiest] * away.ravel()[live])
simulated_cities.gravity_figure(100 * row / row.sum(), cost, distance_km, 2.5)
plt.show()

# %% [markdown]
# Left, the bright spots are offices and factories; they fade with distance from the cell. Right,
# every pair of cells lies on the exponential, because nothing else separates $T_{ij}$ from the
# product of masses. Three limits hold exactly and are tested: equal masses at both ends make $T$
# symmetric, $L \to \infty$ gives $h_i a_j$, and $L \to 0$ keeps everyone at home.
#
# ## 4. Roads
#
# Half of all entries arrive in a cell; the other half only pass through it. Passing traffic of a
# purpose follows roads, $\text{road}_i \sum_j e^{-6 d_{ij}/L} (\text{sent}_j + \text{received}_j)$,
# in two ranks; arrivals use streets.

# %%
simulated_cities.roads_figure(truth)
plt.show()

# %% [markdown]
# Streets lie two or three cells apart, avenues every half dozen, motorways form a ring and three
# lines that also bridge water. Narrow roads concentrate flow *within* coarse cells: the structure
# that a network has to discover from the maps. In rain, drivers change from avenues to motorways by
# a factor of $e^{0.6 \cdot \text{wetness}}$.
#
# Put together, the expected entries of cell $i$ at time $t$ are a sum over components $k$, each a
# purpose, a part of the journey (arrival out, arrival back, avenue, motorway) and one of four
# districts:
#
# $$ \lambda_i(t) = \sum_k v_k(t) \, w_k(i), \qquad y_i(t) \sim \text{Poisson}(\lambda_i(t)). $$ (eq-sim-rate)

# %%
hour = city.time.dt.hour.values
working = ~city.external.sel(factor=["weekend", "holiday"]).any("factor").values
flow = city.flow.values[:, 0]
maps = {f"{h}:00 to {h + 1}:00, working days": flow[working & (hour == h)].mean(0)
        for h in (8, 23)}  # fmt: skip
split = simulate.fine_split(truth, factor)
mean_split = [split[working & (hour == h)].mean(0) for h in (8, 23)]
change = 100 * (mean_split[1] - mean_split[0])
simulated_cities.hours_figure(maps, change, factor, city.attrs["unit"])
plt.show()

# %% [markdown]
# Grey lines are borders of coarse cells. The bright cells at eight are not those at eleven at
# night, and on the right single cells gain (purple) or lose (orange) up to a quarter of their whole
# block by night. The **split** of a block,
# $\pi_i(t) = \lambda_i(t) / \sum_{j \in b(i)} \lambda_j(t)$, is what fine-grained inference must
# learn. Below, one block over one day.

# %%
total = block_sum(split, factor)
assert np.allclose(total[block_sum(simulate.fine_rate(truth), factor) > 0], 1, atol=1e-5)
day = slice(48, 96)  # Tuesday
blocks = split[day].reshape(48, side // factor, factor, side // factor, factor)
moved = np.ptp(blocks, axis=0).sum((1, 3)) * np.sqrt(block_sum(flow[day].sum(0), factor))
r, c = np.unravel_index(moved.argmax(), moved.shape)  # a busy block whose shares move
types = truth["type"].values.reshape(side // factor, factor, side // factor, factor)[r, :, c]
simulated_cities.split_figure(blocks[:, r, :, c], types, np.arange(48) / 2)
plt.show()

# %% [markdown]
# Bands widen and narrow with the purposes: each land use has its hours. What wobbles beyond that
# are **moods**. Every district and purpose has a factor $\exp(m z_t - m^2/2)$ with $z$ a slow
# random walk back to zero, so some evenings are lively. No calendar tells a mood, but the coarse
# map does: if all blocks with theatres are busy, then so are the theatres.
#
# How much is there to learn? Three rules, none of them a network, judged on the last quarter of the
# days:

# %%
steps = len(flow)
train, test = slice(0, steps // 2), slice(3 * steps // 4, steps)
coarse = block_sum(flow, factor)
parent = coarse.repeat(factor, -2).repeat(factor, -1)
mean_share = np.divide(flow, parent, out=np.zeros_like(flow), where=parent > 0)[train].mean(0)
rules = {"MEAN: equal parts": 1 / factor**2, "HA: mean share of the past": mean_share,
         "truth: the split behind the counts": split[test]}  # fmt: skip
rmse = {name: np.sqrt(((share * parent[test] - flow[test]) ** 2).mean())
        for name, share in rules.items()}  # fmt: skip
show_table(
    pd.Series(rmse, name=f"RMSE ({city.attrs['unit']})").to_frame(), "Rules and floor", digits=2
)
assert rmse["truth: the split behind the counts"] < 0.8 * rmse["HA: mean share of the past"]

# %% [markdown]
# The last line is a floor, not a competitor: it knows $\pi_i(t)$ and still errs, by pure counting
# noise. Between it and HA lies everything that hour, weather and the coarse map can tell. A network
# below HA has learned something; one below the floor would have cheated.
#
# ## 5. Chance
#
# A Poisson count has its mean as variance. We group cell-steps of equal rate and look:

# %%
rate = simulate.fine_rate(truth).ravel().astype(float)
z = (flow.ravel() - rate)[rate > 2] / np.sqrt(rate[rate > 2])
print(f"standardised counts: mean {z.mean():+.4f}, variance {z.var():.4f}, n = {z.size:,}")
assert abs(z.mean()) < 4 / np.sqrt(z.size) and abs(z.var() - 1) < 0.02
simulated_cities.noise_figure(rate, flow.ravel(), "vehicles per step")
plt.show()

# %% [markdown]
# Over four powers of ten the dots sit on the line. Where a cell expects one vehicle, the noise is
# as large as the flow: errors there cannot shrink, whatever the method.
#
# ## 6. Weather and holidays
#
# The seven external factors have the names and ranges of TaxiBJ's {cite:p}`urbanfm`: temperature,
# wind, holiday, weekend, weekday, hour, and one of sixteen weather classes. They have effects:
# $\log v$ of a purpose changes by its own amount per unit of wetness and per ten degrees. Outings
# lose three quarters in steady rain, trips to the station gain.

# %%
sky = pd.DataFrame({"wet": [p.wet for p in purposes.PURPOSES.values()],
                    "per 10 °C": [p.warm for p in purposes.PURPOSES.values()]},
                   index=list(purposes.PURPOSES))  # fmt: skip
change = (100 * (np.exp(sky) - 1)).add_suffix(" (%)")
show_table(change, "Change of volume per unit of wetness and per 10 °C", digits=0)
simulated_cities.sky_figure(city, truth)
plt.show()

# %% [markdown]
# One holiday falls in each fortnight, in the middle of a week; its day looks like a Saturday. The
# weather class a network sees is a coarse reading of the wetness that acts.
#
# ## 7. Shares of types: a known imbalance
#
# STBaT {cite:p}`stbat` claims to serve rare kinds of regions as well as common ones. To test that,
# the imbalance must be a dial. `imbalanced_shares(r)` makes the commonest type $r$ times as
# frequent as the rarest; the three grid cities a, b and c use $r = 12$, $r = 1$, and $r = 12$ with
# the order reversed, so what is rare in one is common in the other.

# %%
grids = {name: simulate.CITIES[name]() for name in ("sim-grid-a", "sim-grid-b", "sim-grid-c")}
simulated_cities.cities_figure({name: pair[1] for name, pair in grids.items()})
plt.show()

# %% [markdown]
# What a type *means* does not change with its share. Below are the pick-ups of a mean working day
# by land use, each city a line.

# %%
curves = {name: simulated_cities.working_day(*pair) for name, pair in grids.items()}
simulated_cities.type_rhythm_figure(curves, grids["sim-grid-a"][0].attrs["unit"])
plt.show()
alike = [np.corrcoef([c[k] for c in curves.values()]).min() for k in range(6)]
column = pd.DataFrame({"least correlation between two cities": alike}, index=TYPES[:6])
show_table(column, "How alike a type's working day is in the three cities", digits=2)
assert min(alike) > 0.8

# %% [markdown]
# Shapes agree across cities, levels differ with mass and surroundings. Knowledge about a hub
# therefore transfers, if the method has not drowned its few hubs among the many homes of city a.
# Drop-offs come from the same trips: what is picked up in an hour is put down in that hour, or in
# the next with probability $\min(d_{ij} / s, 1)$, where $s$ is how far a vehicle drives in an hour.

# %%
a_city, a_truth = grids["sim-grid-a"]
picked, dropped = simulate.grid_rate(a_truth).astype(float).sum((0, 2, 3))
under_way = float(a_truth["volume"].values[-1] @ a_truth["late"].values.sum((1, 2)))
print(f"expected: {picked:,.1f} picked up, {dropped:,.1f} put down, {under_way:,.1f} under way")
assert np.isclose(picked, dropped + under_way)

# %% [markdown]
# ## 8. Traffic waves
#
# Speeds need another physics. On a road, vehicles are conserved,
# $\partial_t k + \partial_x q = \text{on} - \text{off}$, and flow depends on density through the
# triangular **fundamental diagram**
#
# $$ q(k) = \min\big(v_f\, k,\; w\,(k_j - k)\big), \qquad q_{\max} = \frac{v_f\, w\, k_j}{v_f + w}. $$ (eq-sim-diagram)
#
# Between two cells passes the smaller of what the upper can send and the lower can take (the cell
# transmission model). Ramps follow the land use around them; roads cross at interchanges; some
# cells have lost a lane; rain and incidents cut capacity.

# %%
road_city, road_truth = simulate.simulate_speed(sensors, 14, seed=seed)
diagram = traffic.Diagram(free=105.0)
assert diagram.speed(0.0) == diagram.free
assert np.isclose(diagram.flow(diagram.critical), diagram.capacity)
assert (road_truth["flow"] <= road_truth["capacity"] * (1 + 1e-5)).all()
simulated_traffic.diagram_figure(road_truth, diagram)
plt.show()

# %% [markdown]
# The left branch is free traffic, each sensor with its own free speed (90 to 100 % of the
# diagram's); the right branch queues. Dots under the triangle are steps in which a lane drop, an
# incident or rain lowered capacity, or in which a wave passed. A queue's tail moves by conservation
# at $(q_{in} - q_{out}) / (k_{in} - k_{queue})$, which is negative: **upstream, against the
# traffic**. The next picture shows it.

# %%
slow = (road_truth["complete"] < 40).values.reshape(14, 288, -1)  # [day, step, node]
begun = (slow[:, 1:] & ~slow[:, :-1]).sum(1)  # jams begun at each sensor on each day
way = road_truth["way"].values
lively = np.array([begun[:, way == w].sum(1) for w in range(way.max() + 1)])
jam_way, jam_day = np.unravel_index(lively.argmax(), lively.shape)
simulated_traffic.wave_figure(road_truth, jam_way, jam_day, road_city.attrs["unit"], cell_km=0.8)
plt.show()

# %% [markdown]
# Dark wedges begin at a bottleneck and lean downwards to the right: a driver further back meets the
# queue later. So the sensor *ahead* foretells a jam, one reason why a graph helps. Above the
# bottleneck the road is free again.
#
# A detector reports this speed with noise of 2 km/h, and not always.

# %%
reported = road_city["speed"].values
gone = np.isnan(reported)
assert np.array_equal(gone, road_truth["missing"].values)
assert np.array_equal(reported[~gone], road_truth["complete"].values[~gone])
simulated_traffic.gaps_figure(road_city, road_truth)
plt.show()

# %% [markdown]
# Gaps come as single readings, as hours of one sensor, and, rarely, as an hour of the whole
# network. Outages of mean length $m$ that start at the rate $-\log(1 - p)/m$ cover the share $p$,
# which a test checks. Because the truth keeps the lost readings, filling-in can be judged here and
# nowhere else.
#
# ## What to remember
#
# - A city is a sum of purposes; land use decides who takes part, gravity where to, roads which way.
# - The split of a coarse cell depends on hour, weather and mood, so a fixed share (HA) can be
#   beaten, and the true split gives the floor.
# - Imbalance of land use is one parameter; what a type means stays fixed.
# - Queues are waves that travel upstream.
#
# **Deviations.** No paper has these cities; they copy the shapes of TaxiBJ's external factors, of
# hourly pick-ups with places, and of loop detectors. Pick-ups and drop-offs are drawn independently
# around rates that share their trips, vehicles do not choose another way in a jam, and days run
# side by side after three hours of warm-up, so a queue at midnight would be cut.
#
# **Next.** {doc}`01_cities` shows them beside real ones. **References.** Fine maps and external
# factors: {cite}`urbanfm,urbanstc`; imbalance of regions: {cite}`stbat`; sensor graphs:
# {cite}`dcrnn`. Density waves are Lighthill's and Whitham's (1955) and Richards' (1956), the cell
# transmission model is Daganzo's (1994).
