# %% [markdown]
# # Maps: where the errors are
#
# *What you need: {doc}`01_problem_and_baselines`, {doc}`02_urbanstc_method`. Reading: 10 minutes. Runs in: under a minute at the smallest size.
# On real cities it draws networks that the result tables have trained; where none is stored it trains them first, which takes some
# ten minutes on two cores. You will see: what the numbers of the tables look like on the ground.*
#
# A table says by how much. A map says where: along which roads, in which blocks, at which hours. This page draws our versions
# of four figures of the paper {cite}`urbanstc`: Fig. 1 and 11 (coarse, true, inferred), Fig. 12 (errors of several methods, enlarged
# in busy areas) and Fig. 5 (errors with a part of the method left out).
#
# 1. who is drawn; 2. one busy step; 3. its errors; 4. the whole test part; 5. error against flow; 6. what pre-training changes;
# 7. bicycles at M = 2.

# %% tags=["parameters"]
profile: str = "smoke"  # which size of the tables is drawn: smoke, lab or paper

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from stflow_lib import plots_maps, runs
from stflow_lib.finegrained import open_task
from stflow_lib.finegrained.tables import table_runs, variant_runs
from stflow_lib.metrics import flow_errors
from stflow_lib.notebook import provenance, show

# %% [markdown]
# ## 1. Who is drawn
#
# The four methods of the first table with M = 4, first seed, all training data. `runs.ensure` finds the stored record or trains; `runs.predictor` then loads
# the finished network. The table sets the errors of the very maps that follow beside the stored record's: a page and a table that
# disagree would show it here.


# %%
def drawn(table):
    """Method -> run of the table's first city, all data, first seed."""
    found = [run for run in table_runs(table, profile) if run.scarcity == "100"]
    first = [run for run in found if (run.city, run.seed) == (found[0].city, found[0].seed)]
    return {run.method: run for run in first}


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
show(numbers, f"{task.city}, x{task.factor}, test part: {len(truth)} maps, {task.unit}")
provenance(records)
against = 1 - numbers["rmse"] / numbers.loc["HA", "rmse"]
print("RMSE below HA's by", {m: f"{against[m]:.1%}" for m in numbers.index[2:]})
if profile == "smoke":
    print("networks of the smoke size saw two epochs: look at the form of these pictures")

# %% [markdown]
# ## 2. One busy step
#
# The fullest map of the test part, on one colour scale from empty to the largest flow of any of the six maps. The coarse map shows each block's
# mean per fine cell, which is also what MEAN infers. Four squares mark the areas with most flow over the whole test part; they are chosen
# by flow and not by result.


# %%
def busiest_windows(flow, factor, blocks, count=4):
    """The `count` fullest squares of `blocks` x `blocks` coarse cells without overlap, in order."""
    side, free, windows = factor * blocks, flow.copy(), {}
    for name in "ABCDEFGH"[:count]:
        starts = [(r, c) for r in range(0, flow.shape[0] - side + 1, factor)
                  for c in range(0, flow.shape[1] - side + 1, factor)]  # fmt: skip
        row, col = max(starts, key=lambda s: free[s[0] : s[0] + side, s[1] : s[1] + side].sum())
        windows[name] = (row, col, side)
        free[row : row + side, col : col + side] = -flow.sum()
    return windows


factor = task.factor
windows = busiest_windows(truth.mean(0), factor, blocks=max(2, coarse.shape[1] // 5))
pick = int(coarse.sum((1, 2)).argmax())
when = f"{pd.Timestamp(task.time[task.test[pick].item()]):%A %d %B, %H:%M}"

# %%
sample = {method: maps[pick] for method, maps in inferred.items()}
plots_maps.flows_figure(
    {"coarse (mean per fine cell)": coarse[pick] / factor**2, "true": truth[pick]} | sample,
    f"flow ({task.unit})", f"{task.city}, {when}: counted, true, inferred", windows,
)  # fmt: skip
plt.show()
blocks_of = lambda fine: fine.reshape(*coarse.shape[1:2], factor, -1, factor).sum((1, 3))
gap = {m: np.abs(blocks_of(fine) - coarse[pick]).max() for m, fine in sample.items()}
print("largest gap of a block in this map:", {m: f"{g:.2g}" for m, g in gap.items()}, task.unit)

# %% [markdown]
# MEAN repeats the coarse map cell by cell. HA draws the streets from memory, at the brightness that today's coarse map sets. What a network
# could add to this is hard to see with flows as bright as these; errors show it better. The printed gaps compare each block of this map with
# what was counted: the constraint holds but for rounding, for HA's blocks that were once empty, and for blocks in which a network's scores
# are all zero.
#
# ## 3. Its errors
#
# The paper's Fig. 12 shows $|y - \hat y|$ of one step, brighter where worse. Ours has one scale for all four methods, which clips the
# brightest 0.2 % of the worst map; beside each name stands the map's mean.

# %%
error = {method: np.abs(fine - truth[pick]) for method, fine in sample.items()}
plots_maps.errors_figure(
    error, task.unit, f"{task.city}, {when}: where each method errs", windows
)
plt.show()

# %%
learned = {method: error[method] for method in error if method != "MEAN"}
plots_maps.zooms_figure(truth[pick], learned, windows, task.unit)
plt.show()
inside = np.zeros(truth.shape[1:], bool)
for row, col, side in windows.values():
    inside[row : row + side, col : col + side] = True
held = (error["HA"][inside] ** 2).sum() / (error["HA"] ** 2).sum()
print(f"the four areas are {inside.mean():.0%} of the map and {held:.0%} of HA's squared error")
wins = {name: min(learned, key=lambda m: learned[m][r : r + s, c : c + s].mean())
        for name, (r, c, s) in windows.items()}  # fmt: skip
print("least mean error in each area:", wins)
alike = {m: np.corrcoef(error["HA"].ravel(), e.ravel())[0, 1] for m, e in learned.items()}
print("correlation with HA's |error|:", {m: f"{r:.2f}" for m, r in alike.items() if m != "HA"})

# %% [markdown]
# MEAN's error is a drawing of the street map: all that it does not know. With HA the streets are mostly gone, and what remains is a grain that
# follows the flow; so it should be with any network that was trained long enough. Much of the grain is the chance of {eq}`eq-fg-floor`, which no
# method can foresee and all of them share: two methods that had learned all there is would err in the same cells, with a correlation near 1.
# One step is an anecdote: a difference of a few percent cannot be seen in it.
#
# ## 4. The whole test part
#
# Averaged over all test maps, chance shrinks and habit remains. Top: mean $|y - \hat y|$ of each cell. Below: by how much each
# method's mean error is smaller than HA's; purple cells are better than HA, orange ones worse.

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
gains[f"{networks[0]} - {networks[1]}"] = usual[networks[0]] - usual[networks[1]]
plots_maps.gains_figure(
    gains, task.unit, f"{task.city}: whose mean |error| is smaller, and where"
)
plt.show()
used = truth.mean(0) >= np.quantile(truth.mean(0), 0.5)
for name, gain in gains.items():
    print(f"{name}: mean {gain.mean():+.4f} {task.unit}; "
          f"positive in {(gain[used] > 0).mean():.0%} of the busier half of the cells")  # fmt: skip

# %% [markdown]
# A positive number speaks for the second name. The third panel compares the two networks with each other, cell by cell, over the same maps; a
# share near one half is a draw.
#
# ## 5. Error against flow
#
# Left, the RMSE of a fine cell against the flow of its block. Right, a question that the three errors of the tables do not ask: **when a method says
# ten, are there ten on average?** For each range of inferred flow, the mean true flow over the mean inferred one; 1 is honest, above 1
# the method was timid.


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
# In the thinnest blocks the methods come together, because little but chance is left there. They part as blocks fill up. Sections 6 and 7 of {doc}`01_problem_and_baselines`
# explain both ends.
#
# ## 6. What pre-training changes
#
# The paper's Fig. 5 draws errors with a part of the method left out. The sharpest such question is whether the pretexts matter at all:
# the same network, the same fine-tuning, once with pre-trained encoders and once with random ones, at the smallest fraction of the
# training data, where the paper promises most.

# %%
variants = {
    name: variant_runs(profile)[name][0] for name in ("random encoders", "as in the tables")
}
variant_records = [runs.ensure(run) for run in variants.values()]
scarce = open_task(variants["random encoders"])
both = {name: infer(run, scarce, scarce.test).numpy() for name, run in variants.items()}
scarce_truth = scarce.fine[scarce.test, 0].cpu().double().numpy()
left_over = {name.replace("as in the tables", "pre-trained encoders"): np.abs(fine - scarce_truth)
             for name, fine in both.items()}  # fmt: skip
fraction = variants["random encoders"].scarcity
busy = int(scarce.coarse[scarce.test].sum((1, 2, 3)).argmax())
plots_maps.errors_figure(
    {name: e[busy] for name, e in left_over.items()}, scarce.unit,
    f"{scarce.city}, {fraction} % of the training data: one step, with and without pre-training",
    busiest_windows(scarce_truth.mean(0), factor, max(2, coarse.shape[1] // 5)),
)  # fmt: skip
plt.show()
rmse = {name: np.sqrt((e**2).mean()) for name, e in left_over.items()}
print("RMSE over the test part:", {name: f"{value:.3f}" for name, value in rmse.items()})
provenance(variant_records)

# %% [markdown]
# One seed each: the picture illustrates, {doc}`03_results` decides, with all seeds and an interval.
#
# ## 7. Bicycles at M = 2
#
# The paper's Fig. 11 shows BikeNYC: coarse, true, and UrbanSTC's inference. Bicycles are sparse, most cells hold nobody most of the time, and M is
# 2: a block has four cells. Where the profile has no bicycle city, the simulated one stands in at M = 2, with the network's output made safe
# against dying (see {doc}`02_urbanstc_method`).

# %%
if table_runs("table11", profile):
    second = drawn("table11")
else:
    second = {m: replace(chosen[m], protocol="x2") for m in ("HA", "UrbanSTC")}
    alive = {**second["UrbanSTC"].settings, "activation": "shifted", "safe": True}
    second["UrbanSTC"] = replace(second["UrbanSTC"], settings=alive)
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
# **Deviations from the paper.** Its sample, its areas and its colours are not given: ours are the fullest test step, the four areas with most flow,
# and a scale that colour-blind readers can use. Fig. 12 compares with networks that this part does not have yet; ours with MEAN, HA and
# UrbanFM. Fig. 5 drops pretexts one by one; ours drops them all.
#
# **Next.** {doc}`07_fast_steps` asks what a training step costs. **References.** Figures 1, 5, 11 and 12 of {cite}`urbanstc`; UrbanFM {cite}`urbanfm`.
