# %% [markdown]
# # Maps: where the errors are
#
# *What you need: {doc}`01_problem_and_baselines`, {doc}`02_urbanstc_method`. Reading: 10 minutes.
# Runs in: under a minute at the smallest size. On real cities it draws networks that the result
# tables have trained; where none is stored it trains them first, which takes some ten minutes on
# two cores. You will see: what the numbers of the tables look like on the ground.*
#
# A table says by how much. A map says where: along which roads, in which blocks, at which hours.
# This page draws our versions of four figures of the paper {cite}`urbanstc`: Fig. 1 and 11 (coarse,
# true, inferred), Fig. 12 (errors of UrbanSTC and three baselines, enlarged in four places) and
# Fig. 5 (errors with some of the pretexts left out).
#
# 1. who is drawn; 2. one busy step; 3. its errors; 4. the whole test part; 5. error against flow; 6. which pretexts take part;
# 7. bicycles at M = 2.

# %% tags=["parameters"]
profile: str = "smoke"  # which size of the tables is drawn: smoke, lab or paper

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from stflow_lib import runs
from stflow_lib.book.display import provenance, show_table
from stflow_lib.book.plots.finegrained import maps as plots_maps
from stflow_lib.data import load
from stflow_lib.finegrained import TABLES, open_task
from stflow_lib.training.metrics import flow_errors

# %% [markdown]
# ## 1. Who is drawn
#
# Two rules, the three baselines that were made for flows, and UrbanSTC, as in the first table with
# M = 4: first seed, all training data. `runs.ensure` finds the stored record or trains;
# `runs.predictor` then loads the finished network. The table sets the errors of the very maps that
# follow beside the stored record's: a page and a table that disagree would show it here.

# %%
DRAWN = ("MEAN", "HA", "UrbanFM", "UrbanPy", "FODE", "UrbanSTC")


def drawn(table):
    """Method -> run of the table's first city, all data, first seed."""
    found = [run for run in TABLES[table](profile) if run.scarcity == "100"]
    first = [run for run in found if (run.city, run.seed) == (found[0].city, found[0].seed)]
    return {run.method: run for run in first if run.method in DRAWN}


def infer(run, task, indices):
    """Inferred fine maps [S, MI, MJ] of a run's network, vehicles per step."""
    predict = runs.predictor(run)
    return torch.cat([predict(task, part)[:, 0].cpu() for part in indices.split(256)]).double()


chosen = drawn("table3")
records = [runs.ensure(run) for run in chosen.values()]
task = open_task(next(iter(chosen.values())))
inferred = {method: infer(run, task, task.test).numpy() for method, run in chosen.items()}
truth = task.fine[task.test, 0].cpu().double().numpy()
coarse = task.coarse[task.test, 0].cpu().double().numpy()

# %%
numbers = pd.DataFrame(
    {m: flow_errors(torch.from_numpy(maps), torch.from_numpy(truth)) for m, maps in inferred.items()}
).T  # fmt: skip
numbers["rmse in the record"] = [record["metric_rmse"] for record in records]
numbers["dead blocks"] = [f"{record['metric_dead_blocks']:.2%}" for record in records]
numbers["parameters"] = [f"{record['parameters']:,}" for record in records]
assert numbers.loc["HA", "rmse"] < numbers.loc["MEAN", "rmse"]
show_table(numbers, f"{task.city}, x{task.factor}, test part: {len(truth)} maps, {task.unit}")
provenance(records)
against = 1 - numbers["rmse"] / numbers.loc["HA", "rmse"]
print("RMSE below HA's by", {m: f"{against[m]:.1%}" for m in numbers.index[2:]})
if profile == "smoke":
    print("networks of this size have hardly trained: look at the form of these pictures")

# %% [markdown]
# ## 2. One busy step
#
# The fullest map of the test part, on one colour scale from empty to the largest flow of any of the
# maps. The coarse map shows each block's mean per fine cell, which is also what MEAN infers. Four
# squares mark places chosen by name, before any error was seen. The paper enlarges a bridge, the
# zoo and two railway stations of Beijing; San Francisco has a knot of freeways, a wharf full of
# visitors, a railway station and, in 2008, a bus terminal. A simulated city has no names: there the
# fullest squares take their place.

# %%
PLACES = {  # latitude, longitude
    "A Alemany interchange": (37.7355, -122.4068),
    "B Fisherman's Wharf": (37.8080, -122.4177),
    "C Caltrain station": (37.7765, -122.3945),
    "D Transbay Terminal": (37.7896, -122.3966),
}


def around(places, box, shape, factor, side):
    """{place: (row, col, side)}: whole coarse cells, the place as near their middle as can be."""
    windows = {}
    for name, (lat, lon) in places.items():
        down = (box["lat_max"] - lat) / (box["lat_max"] - box["lat_min"]) * shape[0]
        right = (lon - box["lon_min"]) / (box["lon_max"] - box["lon_min"]) * shape[1]
        starts = [round((at - side / 2) / factor) * factor for at in (down, right)]
        row, col = (min(max(s, 0), n - side) for s, n in zip(starts, shape, strict=True))
        windows[name] = (row, col, side)
    return windows


def busiest_windows(flow, factor, side, count=4):
    """The `count` fullest squares of whole coarse cells without overlap, in order."""
    free, windows = flow.copy(), {}
    for name in "ABCDEFGH"[:count]:
        starts = [(r, c) for r in range(0, flow.shape[0] - side + 1, factor)
                  for c in range(0, flow.shape[1] - side + 1, factor)]  # fmt: skip
        row, col = max(starts, key=lambda s: free[s[0] : s[0] + side, s[1] : s[1] + side].sum())
        windows[name] = (row, col, side)
        free[row : row + side, col : col + side] = -flow.sum()
    return windows

# %%
factor = task.factor
side = factor * max(2, coarse.shape[1] // 8)  # of a square, in fine cells
if task.city.startswith("taxi-sf"):
    windows = around(PLACES, load(task.city).attrs, truth.shape[1:], factor, side)
else:
    windows = busiest_windows(truth.mean(0), factor, side)
pick = int(coarse.sum((1, 2)).argmax())
when = f"{pd.Timestamp(task.time[task.test[pick].item()]):%A %d %B, %H:%M}"
sample = {method: maps[pick] for method, maps in inferred.items()}
shown = {method: sample[method] for method in ("HA", "UrbanFM", "UrbanPy", "UrbanSTC")}
plots_maps.flows_figure(
    {"coarse (mean per fine cell)": coarse[pick] / factor**2, "true": truth[pick]} | shown,
    f"flow ({task.unit})", f"{task.city}, {when}: counted, true, inferred", windows,
)  # fmt: skip
plt.show()
blocks_of = lambda fine: fine.reshape(*coarse.shape[1:2], factor, -1, factor).sum((1, 3))
gap = {m: np.abs(blocks_of(fine) - coarse[pick]).max() for m, fine in sample.items()}
print("largest gap of a block in this map:", {m: f"{g:.2g}" for m, g in gap.items()}, task.unit)

# %% [markdown]
# HA draws the streets from memory, at the brightness that today's coarse map sets. What a network
# could add to this is hard to see with flows as bright as these; errors show it better. The printed
# gaps compare each block of this map with what was counted: the constraint holds but for rounding,
# for HA's blocks that were once empty, and for blocks in which a network's scores are all zero.
#
# ## 3. Its errors
#
# First the two rules. Brighter is worse; the scale clips the brightest 0.2 % of the worst map, and
# beside each name stands the map's mean.

# %%
error = {method: np.abs(fine - truth[pick]) for method, fine in sample.items()}
rules = {method: error[method] for method in ("MEAN", "HA")}
plots_maps.errors_figure(rules, task.unit, f"{task.city}, {when}: where two rules err", windows)
plt.show()

# %% [markdown]
# MEAN's error is a drawing of the street map: all that it does not know. With HA the streets are
# mostly gone, and what remains is a grain that follows the flow. Now the paper's Fig. 12: UrbanSTC
# and three baselines on a scale of their own, then the four places enlarged.

# %%
learned = {method: error[method] for method in DRAWN[2:]}
plots_maps.errors_figure(
    learned, task.unit, f"{task.city}, {when}: where networks err", windows
)
plt.show()
plots_maps.zooms_figure(truth[pick], learned, windows, task.unit, "four places, fine cells")
plt.show()

# %%
inside = np.zeros(truth.shape[1:], bool)
for row, col, side in windows.values():
    inside[row : row + side, col : col + side] = True
held = (error["HA"][inside] ** 2).sum() / (error["HA"] ** 2).sum()
print(f"the four areas are {inside.mean():.0%} of the map and {held:.0%} of HA's squared error")
at_place = pd.DataFrame(
    {name: {m: e[r : r + s, c : c + s].mean() for m, e in error.items()}
     for name, (r, c, s) in windows.items()}
)  # fmt: skip
at_place["whole map"] = {m: e.mean() for m, e in error.items()}
show_table(at_place, f"Mean |error| in this one map ({task.unit})")
print("least of all:", dict(at_place.idxmin()))
alike = {m: np.corrcoef(error["HA"].ravel(), e.ravel())[0, 1] for m, e in learned.items()}
print("correlation with HA's |error|:", {m: f"{r:.2f}" for m, r in alike.items()})

# %% [markdown]
# Much of the grain is the chance of {eq}`eq-fg-floor`, which no method can foresee and all of them
# share: two methods that had learned all there is would err in the same cells, with a correlation
# near 1. The paper sees UrbanSTC darker in all four of its squares. In ours the table says who is
# least, square by square; but one step is an anecdote, and a difference of a few percent cannot be
# seen in it.
#
# ## 4. The whole test part
#
# Averaged over all test maps, chance shrinks and habit remains. Top: mean $|y - \hat y|$ of each
# cell. Below: by how much each method's mean error is smaller than HA's; purple cells are better
# than HA, orange ones worse.

# %%
usual = {m: np.abs(fine - truth).mean(0) for m, fine in inferred.items()}
plots_maps.errors_figure(
    usual, task.unit, f"{task.city}: mean |error| over {len(truth)} test maps"
)
plt.show()

# %%
networks = [method for method in usual if method not in ("MEAN", "HA")]
gains = {f"HA - {method}": usual["HA"] - usual[method] for method in networks}
assert usual["HA"].mean() < 0.5 * usual["MEAN"].mean()
rival = min(networks[:-1], key=lambda method: usual[method].mean())
gains[f"{rival} - UrbanSTC"] = usual[rival] - usual["UrbanSTC"]
plots_maps.gains_figure(
    gains, task.unit, f"{task.city}: whose mean |error| is smaller, and where"
)
plt.show()
used = truth.mean(0) >= np.quantile(truth.mean(0), 0.5)
for name, gain in gains.items():
    print(f"{name}: mean {gain.mean():+.4f} {task.unit}; "
          f"positive in {(gain[used] > 0).mean():.0%} of the busier half of the cells")  # fmt: skip

# %% [markdown]
# A positive number speaks for the second name. The last panel compares UrbanSTC with the baseline
# of least mean error, cell by cell, over the same maps; a share near one half is a draw.
#
# ## 5. Error against flow
#
# Left, the RMSE of a fine cell against the flow of its block. Right, a question that the three
# errors of the tables do not ask: **when a method says ten, are there ten on average?** For each
# range of inferred flow, the mean true flow over the mean inferred one; 1 is honest, above 1 the
# method was timid.

# %%
def honesty(fine):
    """Mean true over mean inferred flow, in ranges of the inferred flow, by its mean."""
    place = np.digitize(fine, edges)
    ranges = [k for k in range(1, len(edges)) if (place == k).sum() >= 30]
    at = [fine[place == k].mean() for k in ranges]
    return pd.Series([truth[place == k].mean() for k in ranges], at) / at


level = coarse.repeat(factor, 1).repeat(factor, 2)
bins = np.geomspace(1, level.max() * 1.001, 13)
edges = np.geomspace(0.25, truth.max(), 13)
curves = {m: plots_maps.binned_rmse(level, fine - truth, bins) for m, fine in inferred.items()}
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
plots_maps.curve_panel(left, curves, title="error by flow of the block", xscale="log",
                       yscale="log", xlabel=f"coarse flow of the block ({task.unit})",
                       ylabel=f"RMSE of a fine cell ({task.unit})")  # fmt: skip
right.axhline(1, color="0.8", lw=1)
plots_maps.curve_panel(right, {m: honesty(fine) for m, fine in inferred.items()},
                       title="what happens when a method says so much", xscale="log",
                       xlabel=f"inferred flow ({task.unit})", ylabel="true / inferred")  # fmt: skip
plt.show()
at_level = pd.DataFrame({m: c.values for m, c in curves.items()}, curves["HA"].index)
best, spread = at_level.idxmin(axis=1), at_level.max(axis=1) / at_level.min(axis=1)
print("lowest RMSE by flow of the block:", {f"{at:.0f}": m for at, m in best.items()})
print(f"worst over best: {spread.iloc[0]:.2f} in the thinnest blocks, "
      f"{spread.iloc[-1]:.2f} in the fullest")  # fmt: skip
assert spread.iloc[0] < spread.iloc[-1]

# %% [markdown]
# In the thinnest blocks the methods come together, because little but chance is left there. They
# part as blocks fill up. Sections 6 and 7 of {doc}`01_problem_and_baselines` explain both ends.
#
# ## 6. Which pretexts take part
#
# The paper's Fig. 5 draws the errors of UrbanSTC with some of its pretexts left out and marks two
# arteries. Ours draws one pretext at a time, all three, and the control that the paper lacks: all
# three encoders with no pretext at all. Everything else is as above, down to the step and the seed.

# %%
city, seed = chosen["UrbanSTC"].city, chosen["UrbanSTC"].seed
wanted = ("random encoders", "reg", "inf", "tcs", "reg+inf+tcs")
parts = {
    label: next(r for r in group if (r.city, r.scarcity, r.seed) == (city, "100", seed))
    for label, group in TABLES["table7"].rows(profile).items()
    if label in wanted
}
part_records = [runs.ensure(run) for run in parts.values()]
by_part = {
    label: np.abs(infer(parts[label], task, task.test).numpy() - truth)
    for label in wanted
    if label in parts
}
plots_maps.errors_figure(
    {label: e[pick] for label, e in by_part.items()}, task.unit,
    f"{task.city}, {when}: which pretexts take part", dict([*windows.items()][:2]),
)  # fmt: skip
plt.show()

# %%
scores = {
    label: {
        "RMSE, test part": np.sqrt((e**2).mean()),
        "MAE, test part": e.mean(),
        "MAE, this map": e[pick].mean(),
        **{f"MAE, {name}, test part": e[:, r : r + s, c : c + s].mean()
           for name, (r, c, s) in [*windows.items()][:2]},
    }
    for label, e in by_part.items()
}  # fmt: skip
show_table(pd.DataFrame(scores).T, f"One seed, {task.unit}")
provenance(part_records)

# %% [markdown]
# One seed each: the picture illustrates. {doc}`03_results` and the ablations decide, with all seeds
# and an interval. Errors over the whole test part sort more surely than those of one map, and an
# artery is no better a judge than the rest of the city.
#
# ## 7. Bicycles at M = 2
#
# The paper's Fig. 11 shows BikeNYC: coarse, true, and UrbanSTC's inference. Bicycles are sparse,
# most cells hold nobody most of the time, and M is 2: a block has four cells. Where the profile has
# no bicycle city, the simulated one stands in at M = 2.

# %%
second = drawn("table11") if TABLES["table11"](profile) else {
    method: replace(run, protocol="x2") for method, run in chosen.items()
}  # fmt: skip
run = second["UrbanSTC"]
record = runs.ensure(run)
bikes = open_task(run)
busy = bikes.test[bikes.coarse[bikes.test].sum((1, 2, 3)).argmax()][None]
fine = bikes.fine[busy, 0].cpu().double().numpy()[0]
blocks = bikes.coarse[busy, 0].cpu().double().numpy()[0]
guess = infer(run, bikes, busy).numpy()[0]
when = f"{pd.Timestamp(bikes.time[busy.item()]):%A %d %B, %H:%M}"
direction = bikes.directions[busy.item() % len(bikes.directions)]

# %%
figure = plots_maps.flows_figure(
    {"coarse (mean per fine cell)": blocks / bikes.factor**2, "true": fine, "UrbanSTC": guess},
    f"{direction} ({bikes.unit})",
    f"{bikes.city}, {when}: counted, true, inferred",
)
below = np.cumsum(fine.sum(1)) / fine.sum()  # rows that hold 99 % of the flow
rows = np.flatnonzero((below >= 0.005) & (below <= 0.995))
figure.axes[0].set_ylim(min(rows[-1] + 2, len(fine)) - 0.5, max(rows[0] - 2, 0) - 0.5)
figure.set_size_inches(11, 4.2)
plt.show()
rival = infer(second["HA"], bikes, busy).numpy()[0]
for name, guessed in (("HA", rival), ("UrbanSTC", guess)):
    print(f"{name} in this map: mean |error| {np.abs(guessed - fine).mean():.3f} {bikes.unit}")
print(f"{(fine == 0).mean():.0%} of the fine cells hold nobody; over the whole test part "
      f"UrbanSTC has RMSE {record['metric_rmse']:.3f}")  # fmt: skip
provenance([record])

# %% [markdown]
# ## What to remember
#
# - MEAN's error map is the street map; HA, which only remembers, removes more than half of it.
# - On one step, methods that have learned look alike, because chance dominates; differences appear in averages over many maps.
# - Whoever compares error maps needs one scale, areas chosen before looking, and the mean beside the picture.
#
# **Deviations from the paper.** Its sample, its areas and its colours are not given: ours are the
# fullest test step, four places chosen by name (the fullest squares, where there are no names), and
# a scale that colour-blind readers can use. The baselines are the three made for flows. Of the
# ablations ours draws single pretexts, all of them and none.
#
# **Next.** {doc}`07_fast_steps` asks what a training step costs. **References.** Figures 1, 5, 11
# and 12 of {cite}`urbanstc`; UrbanFM {cite}`urbanfm`, UrbanPy {cite}`urbanpy`, FODE {cite}`fode`.
