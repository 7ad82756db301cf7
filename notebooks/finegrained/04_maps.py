# %% [markdown]
# # Maps: where the errors are
#
# *What you need: {doc}`01_problem_and_baselines`, {doc}`02_urbanstc_method`. Reading: 10 minutes.
# Runs in: under a minute. It draws the networks of the result tables where the city's files and
# trained networks are here. Where they are not, averages over the test part are drawn as recorded,
# and single steps with small networks of a simulated city, which says so over every picture. You will
# see: what the numbers of the tables look like on the ground.*
#
# A table says by how much. A map says where: along which roads, in which blocks, at which hours.
# This page draws our versions of four figures of the paper {cite}`urbanstc`: Fig. 1 and 11 (coarse,
# true, inferred), Fig. 12 (errors of UrbanSTC and three baselines, enlarged in four places) and
# Fig. 5 (errors with some of the pretexts left out).
#
# In turn: 1. who is drawn; 2. one busy step; 3. its errors; 4. the whole test part; 5. error
# against flow; 6. which pretexts take part; 7. bicycles at M = 2.

# %% tags=["parameters"]
profile: str = "lab"  # whose networks are drawn: lab, bench or paper
train_missing: bool = False  # where the files are here, train networks that are not stored

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.book import findings, slider_map
from stflow_lib.book.display import provenance, show_table, show_text
from stflow_lib.book.plots.finegrained import averages, inferred, live, maps
from stflow_lib.book.plots.finegrained.day import fine_day
from stflow_lib.data import block_sum, load
from stflow_lib.finegrained import TABLES, open_task

# %% [markdown]
# ## 1. Who is drawn
#
# Two rules, the three baselines that were made for flows, and UrbanSTC, as in the first table with
# M = 4: first seed, all training data. First what is recorded of them. The second table sets the
# errors of the very maps that follow beside the record's: a page and a table that disagree would
# show it here.

# %%
recorded = inferred.drawn(TABLES["table3"](profile))
show_table(runs.table(recorded.values(), ["rmse", "mae", "mape"]), "Recorded, first seed")
provenance(runs.records(recorded.values()))

# %%
needed = [*recorded.values(), *inferred.pretexts(profile, recorded).values()]
shown = live.drawable(profile, needed, train_missing)  # whose maps follow
say = partial(live.say, shown)
chosen = inferred.drawn(TABLES["table3"](shown))
records = [runs.ensure(run) for run in chosen.values()]
task = open_task(next(iter(chosen.values())))
fine_of = {method: inferred.infer(run, task, task.test) for method, run in chosen.items()}
truth = task.fine[task.test, 0].cpu().double().numpy()
coarse = task.coarse[task.test, 0].cpu().double().numpy()

# %%
numbers = inferred.numbers_table(fine_of, truth, records)
assert numbers.loc["HA", "rmse"] < numbers.loc["MEAN", "rmse"]
what = f"{task.city}, x{task.factor}, test part: {len(truth)} maps, {task.unit}"
show_table(numbers, live.caption(shown, what))
provenance(records)
against = 1 - numbers["rmse"] / numbers.loc["HA", "rmse"]
say("RMSE below HA's by", {m: f"{against[m]:.1%}" for m in numbers.index[2:]})

# %% tags=["finding"]
lead = runs.summary(recorded.values(), ["rmse"]).set_index("row")["mean"]
show_text(findings.extremes(lead, "Recorded test RMSE of the methods drawn here, first seed"))
slider_map.show(fine_day())  # one to move through, of a simulated city

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
factor, shape = task.factor, truth.shape[1:]
side = factor * max(2, coarse.shape[1] // 8)  # of a square, in fine cells
if task.city.startswith("taxi-sf"):
    box = load(task.city).attrs
    windows = inferred.around(inferred.PLACES, box, shape, factor, side)
else:
    windows = inferred.busiest_windows(truth.mean(0), factor, side)
pick = int(coarse.sum((1, 2)).argmax())
when = f"{pd.Timestamp(task.time[task.test[pick].item()]):%A %d %B, %H:%M}"
sample = {method: fine[pick] for method, fine in fine_of.items()}
pictures = {"coarse (mean per fine cell)": coarse[pick] / factor**2, "true": truth[pick]}
pictures |= {method: sample[method] for method in ("HA", "UrbanFM", "UrbanPy", "UrbanSTC")}
title = live.title(shown, f"{task.city}, {when}: counted, true, inferred")
maps.flows_figure(pictures, f"flow ({task.unit})", title, windows)
plt.show()
gap = {m: np.abs(block_sum(fine, factor) - coarse[pick]).max() for m, fine in sample.items()}
say("largest gap of a block in this map:", {m: f"{g:.2g}" for m, g in gap.items()}, task.unit)

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
title = live.title(shown, f"{task.city}, {when}: where two rules err")
maps.errors_figure(rules, task.unit, title, windows)
plt.show()

# %% [markdown]
# MEAN's error is a drawing of the street map: all that it does not know. With HA the streets are
# mostly gone, and what remains is a grain that follows the flow. Now the paper's Fig. 12: UrbanSTC
# and three baselines on a scale of their own, then the four places enlarged.

# %%
learned = {method: error[method] for method in inferred.DRAWN[2:]}
title = live.title(shown, f"{task.city}, {when}: where networks err")
maps.errors_figure(learned, task.unit, title, windows)
plt.show()
figure = maps.zooms_figure(truth[pick], learned, windows, task.unit, "")
title = f"{task.city}, four places: |error| with its mean over the square"
figure.suptitle(live.title(shown, title), fontsize=11.5)
plt.show()

# %%
covered, held = inferred.held(error["HA"], windows.values())
say(f"the four areas are {covered:.0%} of the map and {held:.0%} of HA's squared error")
at_place = inferred.place_table(error, windows)
show_table(at_place, live.caption(shown, f"Mean |error| in this one map ({task.unit})"))
say("least of all:", dict(at_place.idxmin()))
alike = {m: np.corrcoef(error["HA"].ravel(), e.ravel())[0, 1] for m, e in learned.items()}
say("correlation with HA's |error|:", {m: f"{r:.2f}" for m, r in alike.items()})

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
# than HA, orange ones worse. Such averages are recorded, so this section and the next show the real
# city also where its files are not here, with those networks whose averages have been published.

# %%
stored = averages.read(profile) if shown == live.LIVE else None
if stored:
    whole, behind = stored.summary, stored.records
else:
    whole, behind = averages.average(task.city, task.unit, truth, coarse, fine_of), records
kind = profile if stored else shown
say = partial(live.say, kind)
usual = whole.errors
title = live.title(kind, f"{whole.city}, profile {kind}: mean |error| over {whole.maps} test maps")
maps.errors_figure(usual, whole.unit, title)
plt.show()
provenance(behind)

# %%
assert usual["HA"].mean() < 0.5 * usual["MEAN"].mean()
gains = averages.gains(usual)
title = live.title(kind, f"{whole.city}, profile {kind}: whose mean |error| is smaller, and where")
maps.gains_figure(gains, whole.unit, title)
plt.show()
used = whole.flow >= np.quantile(whole.flow, 0.5)
for name, gain in gains.items():
    say(f"{name}: mean {gain.mean():+.4f} {whole.unit}; "
          f"positive in {(gain[used] > 0).mean():.0%} of the busier half of the cells")  # fmt: skip

# %% [markdown]
# A positive number speaks for the second name. Where UrbanSTC is drawn, the last panel compares it
# with the other network of least mean error, cell by cell, over the same maps; a share near one half
# is a draw.
#
# ## 5. Error against flow
#
# Left, the RMSE of a fine cell against the flow of its block. Right, a question that the three
# errors of the tables do not ask: **when a method says ten, are there ten on average?** For each
# range of inferred flow, the mean true flow over the mean inferred one; 1 is honest, above 1 the
# method was timid.

# %%
curves = whole.by_level
maps.honesty_figure(curves, whole.honest, whole.unit).suptitle(live.title(kind, whole.city))
plt.show()
at_level = pd.DataFrame({m: c.values for m, c in curves.items()}, curves["HA"].index)
best, spread = at_level.idxmin(axis=1), at_level.max(axis=1) / at_level.min(axis=1)
say("lowest RMSE by flow of the block:", {f"{at:.0f}": m for at, m in best.items()})
say(f"worst over best: {spread.iloc[0]:.2f} in the thinnest blocks, "
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
say = partial(live.say, shown)  # of single steps again
parts = inferred.pretexts(shown, chosen)
part_records = [runs.ensure(run) for run in parts.values()]
by_part = {label: np.abs(inferred.infer(run, task, task.test) - truth)
           for label, run in parts.items()}  # fmt: skip
two = dict([*windows.items()][:2])
title = live.title(shown, f"{task.city}, {when}: which pretexts take part")
maps.errors_figure({label: e[pick] for label, e in by_part.items()}, task.unit, title, two)
plt.show()

# %%
scores = inferred.scores_table(by_part, pick, two)
show_table(scores, live.caption(shown, f"One seed, {task.unit}"))
provenance(part_records)

# %% [markdown]
# One seed each: the picture illustrates. {doc}`03_results` and the ablations decide, with all seeds
# and an interval. Errors over the whole test part sort more surely than those of one map, and an
# artery is no better a judge than the rest of the city.
#
# ## 7. Bicycles at M = 2
#
# The paper's Fig. 11 shows BikeNYC: coarse, true, and UrbanSTC's inference. Bicycles are sparse,
# most cells hold nobody most of the time, and M is 2: a block has four cells. Where that city
# cannot be drawn, the simulated one stands in at M = 2.

# %%
at_two = inferred.drawn(TABLES["table11"](profile))
riding = live.drawable(profile, at_two.values(), train_missing)
second = at_two if riding == profile else inferred.refined_by_two(riding)
run = second["UrbanSTC"]
record, bikes = runs.ensure(run), open_task(run)
busy = bikes.test[bikes.coarse[bikes.test].sum((1, 2, 3)).argmax()][None]
fine = bikes.fine[busy, 0].cpu().double().numpy()[0]
blocks = bikes.coarse[busy, 0].cpu().double().numpy()[0]
guess = inferred.infer(run, bikes, busy)[0]
when = f"{pd.Timestamp(bikes.time[busy.item()]):%A %d %B, %H:%M}"
direction = bikes.directions[busy.item() % len(bikes.directions)]
pictures = {"coarse (mean per fine cell)": blocks / bikes.factor**2, "true": fine,
            "UrbanSTC": guess}  # fmt: skip
title = live.title(riding, f"{bikes.city}, {when}: counted, true, inferred")
figure = maps.flows_figure(pictures, f"{direction} ({bikes.unit})", title)
maps.cut_rows(figure, fine, (11, 4.2))
plt.show()

# %%
rival = inferred.infer(second["HA"], bikes, busy)[0]
for name, guessed in (("HA", rival), ("UrbanSTC", guess)):
    live.say(
        riding,
        f"{name} in this map: mean |error| {np.abs(guessed - fine).mean():.3f} {bikes.unit}",
    )
live.say(riding, f"{(fine == 0).mean():.0%} of the fine cells hold nobody; "
         f"over the whole test part UrbanSTC has RMSE {record['metric_rmse']:.3f}")  # fmt: skip
provenance([record])

# %% [markdown]
# ## Live, in small
#
# The methods of this page once more, trained on a simulated city for one epoch: the code behind the
# records runs here.

# %%
small = TABLES["table3"](live.LIVE)
live.show_live("Drawn methods", live.by_method(inferred.drawn(small).values()))

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
