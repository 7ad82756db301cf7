# %% [markdown]
# # What a day of data is worth
#
# *What you need: {doc}`01_problem_and_rules`, {doc}`02_stbat_method`. Reading: 15 minutes. Runs in:
# under a minute; the numbers are records of runs, where they come from stands below them. You will
# see: Figure 5 of the paper with the yardsticks it lacks, its claim judged, and when a source city
# pays.*
#
# How much of its own data does a city need before another city's stops helping? STBaT {cite}`stbat`
# gives its answer in Figure 5: errors fall steeply from no day of target data to three, then
# "approach saturation". The figure has curves for STBaT only. A curve that falls says that data
# help; whether the *method* helps is seen beside curves of plain transfer, of a line, and of the
# target without any source.
#
# In turn: 1. the curves; 2. the claim; 3. what balance adds on each day; 4. when a source pays; 5.
# a source, in days; 6. over the line; 7. no day, epoch by epoch; 8. the networks, run live.

# %% tags=["parameters"]
profile: str = "bench"  # whose records the page shows: bench, lab or paper
train_missing: bool = False  # compute runs that have no record; False leaves gaps instead

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book import findings, source_epochs
from stflow_lib.book.display import show_table, show_text
from stflow_lib.book.plots.gridflow import scarcity, sizes
from stflow_lib.book.plots.gridflow import source_epochs as curves
from stflow_lib.book.plots.gridflow.tasks import measured_errors, open_pair
from stflow_lib.book.plots.transfers import arrow
from stflow_lib.book.tables import (
    fill,
    longest_recorded,
    not_here,
    show_live,
    show_provenance,
    unit_of,
)
from stflow_lib.gridflow import METHODS, TABLES
from stflow_lib.gridflow.plan import Plan
from stflow_lib.gridflow.tables import days_of
from stflow_lib.runs.pair import target_of

# %%
METRICS = list(scarcity.METRICS)
size = longest_recorded(TABLES["figure5"], profile)  # where a longer one has few points, short
plan = Plan.of(size)
rows, table2 = TABLES["figure5"].rows(size), TABLES["table2"].rows(size)
rows |= {"ST-net alone": table2["ST-net"], "Line": table2["Linear"]}
rows["Previous hour"] = table2["Previous hour"]
print(f"profile {size}")
fill({TABLES["figure5"].title: rows}, train_missing)

# %% [markdown]
# The days are the last ones before the target's validation part, as on the page of the
# {doc}`problem <01_problem_and_rules>`: one day is the last one, three days the last three.
# **Finetuned** is pre-trained plainly on the source and then trained on these days; **STBaT** is
# pre-trained with balance, the rest is the same; **ST-net alone** has no source and exists at three
# days only. At zero days the first two stay as the source has left them.
#
# Beside them stand yardsticks that cost nothing. **Previous hour** repeats. The **line** of page 01,
# a weighted sum of the last six hours with weights by hour of the day, is fitted in closed form,
# once carried from the source and moved by the target's days, once on these days alone. The first
# has records with no day and with three, as in Table 2; its other days, and the line alone, are
# fitted on this page where the cities are in the data folder.

# %%
name_of = {city: arrow(pair) for pair in plan.cities for city in (pair, target_of(pair))}


def line(name, pair, days):
    """Test errors of the line, fitted here: from the source unless it is alone."""
    city = target_of(pair) if "alone" in name else pair
    task = open_pair(city, plan.protocol(target_of(pair)), days)
    found = measured_errors(METHODS["Linear"], task)
    return (arrow(pair), name, days, 0, *(found[m] for m in METRICS))


# %%
here = [pair for pair in plan.cities if not not_here([pair])]
if lacking := not_here(plan.cities):
    show_text("The line alone, and the line with other days than none and three, are not shown: "
              f"they are fitted to data that are not here ({', '.join(lacking)}).")  # fmt: skip
quick = []
for pair in here:
    other = [days for days in days_of(pair) if days not in plan.fractions]
    quick += [line("Line", pair, days) for days in other]
    quick += [line("Line alone", pair, days) for days in days_of(pair)[1:]]
recorded = scarcity.recorded_errors(rows, name_of)
errors = pd.DataFrame([*recorded, *quick], columns=scarcity.COLUMNS).astype({"days": float})
errors.loc[errors["method"] == "Previous hour", "days"] = np.nan  # it needs none
units = {arrow(pair): unit_of(pair) for pair in plan.cities}
means = errors.pivot_table(index=["city", "method"], columns="days", values="rmse", sort=False)
means = means[sorted(means)].rename(columns="{:g}".format).rename_axis(index=["pair", ""])
show_table(means, "Test RMSE by days of target data, mean over seeds", 2)
show_provenance(rows)
sizes.show_rest(TABLES["figure5"], profile, size, "Figure 5")
sizes.show_choices([size], sizes.LINE)

# %% [markdown]
# ## 1. The curves
#
# One row for each pair of cities, RMSE left, MAE right; a point per seed. The horizontal axis is in
# square roots of days, so that the first days do not stick to the frame and thirty still fit.

# %%
if len(errors):
    title = "Figure 5: errors against days of target data"
    scarcity.days_figure(errors, METRICS, units, title)
    plt.show()
show_provenance(rows)

# %%
trained = scarcity.recorded_errors(rows, name_of, with_failed=True)
trained = pd.DataFrame([*trained, *quick], columns=scarcity.COLUMNS)
words = scarcity.not_below(trained, "Previous hour")
show_table(words, "Pairs on which the mean RMSE of all seeds is not below the previous hour's")

# %% [markdown]
# The first test of a transfer is not another transfer: where repeating the last hour is as good, a
# source has taught nothing that a service without any model would not have.
#
# Three things change on the way from zero to one day, and only one of them is the day. The *scale*:
# at zero days the target's flows are scaled by a number that its history tells, from one day on by
# that of the days themselves. The *weights*: now they may be trained on the target. And the *choice*:
# from one day on, a sixth of the record, the validation part, chooses the epoch, or the strength of
# the line. At zero days nothing is chosen on the target. How the paper scales and chooses there it
# does not say. So the first step of these curves is not the worth of 24 hours alone. The line takes
# the same step with next to no weights, and a scale hardly touches it, since its weights are pure
# numbers: it shows what choice and a day give to a method that has little to learn. One day of one
# kind can also mislead; a curve need not fall at every step. Where even three days are worse than
# none, for networks, lines and trees, is listed in section 5 of {doc}`03_results`.
#
# ## 2. The claim
#
# "The significant improvement from 0 days to 3 days": $g_{0 \to 3} = 100\,(e_0 - e_3) / e_0$ above
# zero. "Approaches saturation": what the 27 days after add is less than what the first three gave,
# $g_{0 \to 3} > g_{3 \to 30}$, both in percent of $e_0$. Each is judged by its 95 % interval over
# seeds. The last column says which part of the whole way to thirty days is done after three.

# %%
methods = ("Finetuned", "STBaT", "Line")
judged = {metric: scarcity.saturation(errors, methods, metric) for metric in METRICS}
for metric, found in judged.items():
    show_table(found, metric.upper(), index=False)

# %%
for claim in ("gain", "saturation"):
    for method, own in judged["rmse"].groupby("method", sort=False):
        counts = own[claim].value_counts()
        words = ", ".join(f"{word} on {number}" for word, number in counts.items())
        print(f"{claim}, {method}, {len(own)} pair(s): {words}")
if judged["rmse"].empty and judged["mae"].empty:
    print("No method has records at 0, 3 and 30 days yet.")

# %% [markdown]
# A curve can saturate for a poor reason: it was bad at zero days because of its scale, and every
# method that may look at the target repairs that at once. Where the line shows the same drop and
# the same flat end, the shape belongs to the task, not to the method. What would speak for a method
# is a *lower* curve where data are scarce.
#
# ## 3. What balance adds on each day
#
# So the two networks are compared with each other: by how much is STBaT below Finetuned at each
# amount of data, seed by seed? The paper's argument suggests: most where the target has least,
# because there the network must live on what the source has taught.

# %%
balance = scarcity.gains_by_days(errors, [("STBaT", "Finetuned")])
if len(balance):
    scarcity.day_gains_figure(balance, "RMSE: what balanced pre-training adds, 95 % intervals")
    plt.show()
print(*scarcity.count_certain(balance), sep="\n")
print("mean over pairs by days:", balance.groupby("days")["gain"].mean().round(2).to_dict())

# %%
scarce = balance[balance["days"] <= 1].groupby("city")["gain"].mean()
rich = balance[balance["days"] >= 14].groupby("city")["gain"].mean()
more = (scarce - rich).dropna()
if len(more):
    print(f"gain at 0 and 1 days minus gain at 14 and 30: {more.round(2).to_dict()}; larger where "
          f"data are scarce on {int((more > 0).sum())} of {len(more)} pair(s)")  # fmt: skip
else:
    print("Scarce and rich ends cannot be compared yet.")

# %% [markdown]
# Hollow points have one seed and no interval. A fine-tuning of many days has every chance to forget
# what kind of pre-training it began with, so the intervals should close in on zero to the right,
# whatever they do on the left.
#
# ## 4. When a source pays
#
# To borrow from another city is worth the trouble only where it beats the city's own days. At three
# days the networks can be compared: with and without a source, on the same backbone. For the line
# the comparison costs nothing: where the data are here it stands below for every amount of them.

# %%
networks = [(name, "ST-net alone") for name in ("Finetuned", "STBaT")]
pays = scarcity.gains_by_days(errors, [*networks, ("Line", "Line alone")])
at_three = pays[pays["days"] == 3].drop(columns="days")
show_table(
    at_three.rename(columns={"gain": "gain (%)", "city": "pair"}),
    "At three days, RMSE",
    2,
    index=False,
)
line_pays = pays[pays["label"] == "Line below Line alone"]
if len(line_pays):
    by_days = line_pays.pivot(index="city", columns="days", values="gain").rename_axis("pair")
    caption = "The line: what the source saves at each amount of data, % of RMSE"
    show_table(by_days, caption, 2)
print(*scarcity.count_certain(at_three), sep="\n")

# %% [markdown]
# A line has 168 numbers to find, which few days may do. A network has many more to find in 72
# hours, so one expects it to need a source more; the first rows say whether it does. They hold for
# the budget of this profile: a longer training on the source, which the {doc}`results <03_results>`
# try on one pair, can change them. None of this answers "should we borrow?" before it is known
# which method is better in the end. That is the last section.
#
# ## 5. A source, in days
#
# The worth of a source can also be said in the currency of this page. Take a transferred method
# with $d$ days; how many days would the line *alone* need to be as good? We read it off the curve
# of the line alone, going linearly between its points.

# %%
worth = {
    (method, f"{days} days"): {
        city: scarcity.equivalent_days(errors, method, city, days) for city in map(arrow, here)
    }
    for method in ("Line", "Finetuned", "STBaT")
    for days in (0, 3)
}
if here:
    show_table(pd.DataFrame(worth), "As good as the line alone with so many days (RMSE)")
else:
    show_text("Not shown: the line alone is fitted to data that are not here.")

# %% [markdown]
# "Under 1" means that a single own day and least squares do better than the transferred method;
# "over 30" that a month of own days does not reach it.
#
# ## 6. Over the line
#
# A network that cannot beat a line with the same source and the same days is not worth its
# training, however well it compares with other networks. For every amount of data: how far is each
# network below the line?

# %%
beside = [(name, "Line") for name in ("Finetuned", "STBaT")]
over = scarcity.gains_by_days(errors, beside)
if len(over):
    scarcity.day_gains_figure(over, "RMSE: how far a network is below the line, 95 % intervals")
    plt.show()
print(*scarcity.count_certain(over), sep="\n")
for label, own in over.groupby("label", sort=False):
    mean = own.groupby("days")["gain"].mean().round(1).to_dict()
    print(f"{label}, mean over pairs by days:", mean)
print("the same in MAE:")
print(*scarcity.count_certain(scarcity.gains_by_days(errors, beside, "mae")), sep="\n")

# %% tags=["finding"]
findings.show_comparisons(balance, "STBaT's RMSE against plain fine-tuning at each amount of data")
findings.show_comparisons(over, "Networks' RMSE against that of a line with the same days")
sizes.show_choices([size], sizes.LINE)

# %% [markdown]
# Below zero the line wins. It knows the hour of the day, which these networks are not told; part of
# the distance is that. The {doc}`results <03_results>` tell them the hour, and measure what then
# remains.
#
# ## 7. No day, epoch by epoch
#
# Without a day of the target nothing but the source says when to stop. Is that why networks do so
# badly there? The source stage of Finetuned was trained once more, and after every epoch its errors
# on validation labels were taken in both cities, over those of the hour before: below one is better
# than to repeat. A dot is the epoch that the source's own validation labels choose, as in all
# records. What the target says is looked at here and chooses nothing.

# %%
epochs = source_epochs.table()
if len(epochs):
    curves.figure(epochs)
    plt.show()

# %% tags=["finding"]
for sentence in curves.reading(epochs):
    show_text(sentence)

# %% [markdown]
# Where a curve of the target stays above one, no epoch is better than to repeat: to stop earlier
# makes the harm smaller, not good. One that dips below and climbs again says that the training was
# too long, though the source's error still fell; how much the best epoch would have gained is
# hindsight. Pick-ups, one seed, the schedule of profile bench; validation hours lie in the holidays
# around the turn of the year, test hours behind them.
#
# ## 8. The networks, run live
#
# Finetuned and STBaT with each amount of data once more, trained while this page was made: tiny
# networks, a few steps, two simulated cities. Nothing about a method can be read from these errors.

# %% tags=["hide-input"]
show_live(TABLES["figure5"].rows("smoke"), METRICS[:1])

# %% [markdown]
# ## What to remember
#
# - A falling curve says that data help. For a method only the distance to other curves speaks, and
#   a curve without neighbours has none.
# - The step from zero to one day is made of a scale, a training and a choice by validation. Only
#   the second is learning from a day.
# - Every method saturates where little is left to learn; the line tells where that is.
# - Say the worth of a source in days of one's own: it is a number that someone who must collect
#   data can use.
#
# **Deviations from the paper.** Small networks in the profiles lab and bench, short budgets in lab;
# four pairs of other records, of ninety days; the amounts of data are ours, as the axis of Figure 5 is not
# printed as text; scales come from training hours. The curves beside STBaT's are ours.
#
# **Next.** Back to all methods on all pairs: {doc}`03_results`. **References.** Figure 5 and its
# claim: {cite}`stbat`.
