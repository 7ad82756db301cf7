# %% [markdown]
# # Parts and settings: what moves the error
#
# *What you need: {doc}`02_stbat_method`. Reading: 20 minutes. Runs in: under a minute; the numbers
# are records of runs, where they come from stands under each table. You will see: Figures 3 and 4
# of the paper with intervals, the weight it does not print, a control for its points of interest,
# and how to tell whether a curve is flat.*
#
# STBaT {cite}`stbat` is plain transfer plus four parts: a classifier and a predictor that shape the
# region patterns, a contrast and a set of weights that use them. The paper removes one at a time
# (Figure 3) and turns four settings one at a time (Figure 4), both for few-shot taxi demand in
# Washington. Every part is said to help, every setting to have a best value. The numbers behind the
# bars are not printed, and neither is any spread.
#
# In turn: 1. one part less; 2. what each part did inside; 3. how much contrast; 4. four
# settings; 5. do the weights move; 6. points of interest or noise; 7. the parts, run live.

# %% tags=["parameters"]
profile: str = "bench"  # whose records the page shows: bench, lab or paper
train_missing: bool = False  # compute runs that have no record; False leaves gaps instead

# %%
import matplotlib.pyplot as plt
import numpy as np

from stflow_lib.book import findings
from stflow_lib.book.display import show_table
from stflow_lib.book.plots import sweeps as plots
from stflow_lib.book.plots.curves import curves_figure
from stflow_lib.book.plots.gridflow import ablations, sizes
from stflow_lib.book.plots.gridflow.ablations import mean_last_lines, seeds
from stflow_lib.book.plots.transfers import arrow
from stflow_lib.book.tables import (
    below,
    compare,
    fill,
    longest_recorded,
    show_comparisons,
    show_live,
    show_provenance,
    unit_of,
)
from stflow_lib.gridflow import TABLES
from stflow_lib.gridflow.plan import Plan

# %%
METRICS = ("rmse", "mae")
names = ("figure3", "strength", "figure4", "poi")
at = {name: longest_recorded(TABLES[name], profile) for name in names}
rows = {name: TABLES[name].rows(size) for name, size in at.items()}
unchanged = {name: TABLES["figure3"].rows(size) for name, size in at.items()}  # of each size
fill({TABLES[name].title: rows[name] for name in rows}, train_missing)
base = rows["figure3"]["STBaT"]
pair, days = base[0].city, base[0].scarcity
labels = {metric: f"test {metric.upper()} ({unit_of(pair)})" for metric in METRICS}
print(f"{arrow(pair)}, {days} days of target data, {len(base)} seed(s); profiles: {at}")

# %% [markdown]
# ## How to read this page
#
# Every comparison is made seed by seed. Two variants with the same seed begin with the same weights
# of the backbone and see the same windows in the same order, so what differs is the variant. A gain
# is the difference of two errors in percent of the second one, with its 95 % interval over seeds; a
# claim is *confirmed* when the whole interval lies above zero, *the opposite* holds when it lies
# below. Of twenty comparisons without any effect, one will fall outside its interval by luck.
#
# Few seeds see large effects only. So the page also prints how large a gain would have to be for
# these seeds to tell it from zero: where that is one percent, a printed difference of half a
# percent could not have been found, and not finding it proves nothing.
#
# Each section shows the longest schedule that has most of its runs, and closed below it what
# another one has; the two are never compared. What a schedule on this page lacks is said here:

# %%
sizes.show_choices(at.values())

# %% [markdown]
# ## 1. One part less
#
# | row | what is left out | what remains |
# |---|---|---|
# | w/o POI | the classifier that recovers the shares of points of interest | the encoder still reads them |
# | w/o FDP | the predictor of the features' mean and deviation | |
# | w/o SimDCL | the contrast of regions | patterns serve the weights only |
# | w/o WLoss | the weights, all $\omega_r = 1$ | patterns serve the contrast only |
# | Finetuned | all four | pre-training and fine-tuning |
#
# The first two can act on the forecast only through the last two: patterns reach the network as
# weights $\omega$ and as an order of similarity $\delta$, and in no other way. The paper reports a
# "significant performance drop" for the first two and "accuracy degradation" for the others.

# %%
panels = {
    labels[m]: {row: seeds(group, m) for row, group in rows["figure3"].items()} for m in METRICS
}
title = f"Figure 3: one part less, {arrow(pair)}, {days} days"
plots.variants_figure(panels, "STBaT", title)
plt.show()
show_provenance(rows["figure3"])
sizes.show_rest(TABLES["figure3"], profile, at["figure3"], "Figure 3")

# %%
parts = [row for row in rows["figure3"] if row != "STBaT"]
helps = compare(rows["figure3"], below(("STBaT", row) for row in parts), METRICS)
show_comparisons(helps)
for row in parts:
    found = helps[(helps["row"] == f"STBaT below {row}") & (helps["metric"] == "rmse")]
    for line in found.itertuples():
        print(f"{row}: RMSE of the whole method is {line.gain:+.2f} % below: {line.so_far or line.verdict}")

# %% tags=["finding"]
findings.show_comparisons(helps, "STBaT's RMSE and MAE against STBaT with one part less")

# %% [markdown]
# The paper's claim is that *each* of the four stays right of zero. The last row is the one that
# carries the method: it compares everything with nothing. If it is not clearly right of zero, no
# order among the four rows above can be read as the share of a part, because there is no sum to
# share.
#
# ## 2. What each part did inside
#
# Pre-training writes a diary: after each epoch, on one fixed batch of source windows, how far the
# weights spread (standard deviation, least and largest $\omega$), how many *effective neighbours* a
# region has (the mean of $R\rho_r$: 1 if all regions are strangers, $R$ if all are alike), by how
# much the contrast lies below that of representations without content, how well the order of
# representations agrees with that of patterns (Spearman), and the two losses of the patterns. Here
# are its last lines, means over directions and seeds.

# %%
last = mean_last_lines(rows["figure3"])
show_table(last, "End of pre-training", 3)
show_provenance(rows["figure3"])

# %%
if len(last):
    whole = last.iloc[0]
    print(f"weights at the end: {whole['least ω']:.2f} to {whole['largest ω']:.2f}, standard "
          f"deviation {whole['std of ω']:.3f}; a region has {whole['neighbours']:.0f} effective "
          f"neighbours")  # fmt: skip
    print("spread of the weights by row:", last["std of ω"].round(3).to_dict())
    print("rank correlation by row:", last["rank corr."].round(2).to_dict())

# %% [markdown]
# Two things can be read here that bars of errors cannot show. *Weights:* if $\omega$ stays within a
# few percent of one, "w/o WLoss" removes almost nothing, and a flat bar says nothing about the
# idea, only about its strength at these settings. *Contrast:* a negative contrast and a rank
# correlation well above that of the row "w/o SimDCL" mean that the contrast did reach the
# representations; whether that helps the forecast is another question, and the one that Figure 3
# asks. Weights that spread and a rank correlation that rises beside flat bars say that no switch
# was left off: regions *are* weighted differently and representations *are* ordered by their
# patterns, and the forecast does not mind.
#
# ## 3. How much contrast
#
# The method adds two losses, and the paper prints no weight between them. Everything depends on how
# they are reduced: here the prediction loss is summed over regions, the contrast averaged over
# pairs,
#
# $$ \mathcal{L} = \sum_r \omega_r \, \overline{(x_r - \hat x_r)^2} + \lambda \, \mathcal{L}_{\text{SimDCL}}. $$ (eq-gr-strength)
#
# With flows scaled to at most 1, the sum is soon below 1, while the contrast starts near
# $\log $ minus one. At $\lambda = 1$ nearly all of the gradient may belong to the contrast; at
# 0 the network is that of the row "w/o SimDCL", to the last bit. (Inside, the two differ: at
# $\lambda = 0$ the projector is still trained, by weight decay alone, and withers.) This is the
# largest knob that the paper does not print.

# %%
strengths = {row.partition(" = ")[2]: group for row, group in rows["strength"].items()}
found = {value: seeds(group) for value, group in strengths.items() if seeds(group)}
known = seeds(unchanged["strength"]["STBaT"])
if found and known:
    sweep = {"Weight of the contrast": ("λ", found, known)}
    plots.sweep_figure(sweep, labels["rmse"])
    plt.show()
inside = mean_last_lines(strengths).T
show_table(inside.loc[inside.index.isin(["contrast", "rank corr.", "std of ω"])], "Inside, by λ", 3)
show_provenance(rows["strength"])
sizes.show_rest(TABLES["strength"], profile, at["strength"], "Weight of the contrast")

# %%
without = [("lambda = 0", row) for row in rows["strength"] if row != "lambda = 0"]
judged = compare(rows["strength"], below(without), METRICS)
show_comparisons(judged.assign(label=judged["label"].str.replace("lambda", "λ")))
if found:
    means = {value: np.mean(errors) for value, errors in found.items()}
    print("mean RMSE by λ:", {value: round(float(mean), 3) for value, mean in means.items()},
          "- lowest at", min(means, key=means.get))  # fmt: skip

# %% [markdown]
# The comparisons above are turned around on purpose: how much *lower* is the error without any
# contrast? Where that interval lies above zero, the contrast harms at that strength. A curve that
# only rises with $\lambda$ would say that the best contrast is none, one with a dip inside, deeper
# than the band, that there is something to be had.
#
# ## 4. Four settings
#
# Figure 4 of the paper turns the width $D$ of a pattern, the weight $\beta$ of the distribution
# term, the bandwidth $h$ of the density and the temperature $\tau$ of the contrast, one at a time
# around 32, 0.01, 0.85 and 1, and finds its best values exactly there. It prints no values of the
# axes; ours are guesses around the same centre, one seed each. Dashed: the base setting over all
# its seeds, with one standard deviation as a band. All panels share one scale.

# %%
sweeps = ablations.sweeps_of(rows["figure4"])
known = seeds(unchanged["figure4"]["STBaT"])
if sweeps and known:
    panels = {name: (name, points, known) for name, points in sweeps.items()}
    plots.sweep_figures(panels, labels["rmse"])
    plt.show()
show_provenance(rows["figure4"])
sizes.show_rest(TABLES["figure4"], profile, at["figure4"], "Figure 4")

# %%
spans = ablations.sweep_spans(sweeps, known)
show_table(spans, "Span of each sweep, and what as many runs span that differ by seed only", 2)
for name, line in spans.iterrows():
    if not np.isnan(line["by luck (%)"]):
        more = line["span (%)"] > line["by luck (%)"]
        print(f"{name}: spans {line['span (%)']:.2f} %, luck alone {line['by luck (%)']:.2f} %: "
              f"{'more than luck would' if more else 'nothing to read'}")  # fmt: skip

# %% [markdown]
# The column *by luck* is the range that so many runs of *one* setting would have on average, from
# the spread over seeds. A sweep has one seed, so its runs share much of their luck and usually span
# less. Where a span does not exceed its luck, the place of its minimum is not a finding, and a
# sentence such as "0.85 achieves the best performance" would need many seeds. It is a mean: of
# sweeps without any effect, but with a seed for each value, nearly half would exceed it.
#
# ## 5. Do the weights move?
#
# Flat curves have a cause, and the diary names it. The bandwidth $h$ decides who counts as a
# neighbour: distances between patterns far below $h$ make all regions neighbours of each other and
# $\omega$ flat; far above it all are strangers, and $\omega$ is flat again. Between the two the
# weights spread. Left, how far they do so as pre-training goes on; right, how many neighbours
# remain.

# %%
bandwidths = {r: g for r, g in rows["figure4"].items() if r.startswith("h = ") and seeds(g)}
if bandwidths:
    curves_figure(ablations.diary_panels(bandwidths))
    plt.show()
else:
    print("No run of the bandwidth sweep is recorded yet.")

# %% [markdown]
# Each setting thus gives weights of some spread and an error. If balancing by weights acts on the
# forecast, errors should move with the spread, one way or the other. Below, every run of this page
# with weights in use: those of Figure 4 by the setting that was turned, and the two ablations of
# the patterns, all with the same first seed.

# %%
parts = {row: unchanged["figure4"][row] for row in ("w/o POI", "w/o FDP")}
points = ablations.spread_points(rows["figure4"], parts)  # the base setting is in every sweep
if len(points):
    plots.spread_figure(points, known, labels["rmse"])
    plt.show()
if len(points) > 3:
    rank = points["spread"].corr(points["error"], method="spearman")
    print(f"{len(points)} settings, spread of ω from {points['spread'].min():.3f} to "
          f"{points['spread'].max():.3f}; rank correlation with the error {rank:+.2f}; "
          f"beyond {1.96 / (len(points) - 1) ** 0.5:.2f} luck is unlikely")  # fmt: skip

# %% [markdown]
# A cloud without slope inside the grey band says that the weights, at the spreads that these
# settings reach, do not move the error of this task. A slope upwards would say that balance costs
# more than it brings to a pooled error, which counts busy cells most; one downwards would be the
# paper's case.
#
# ## 6. Points of interest or noise
#
# The cities here have no points of interest. In their place stands a *functional profile*: for a
# taxi task, how a cell's bicycle trips are spread over the times of the week, and the other way
# round. Does its content matter at all? The control replaces it by random shares, drawn from a
# Dirichlet distribution, which say nothing about any cell. All else is the same: as many groups,
# rows that sum to one, the same code and settings.

# %%
pairs = list(dict.fromkeys(run.city for run in rows["poi"]["profile"]))
plan = Plan.of(at["poi"])
rows["poi"]["Finetuned"] = plan.runs(["Finetuned"], pairs, plan.few)
orders = [("profile", "random"), ("profile", "Finetuned"), ("random", "Finetuned")]
judged = compare(rows["poi"], below(orders), METRICS)
judged["label"] = judged["row"] + ", " + judged["city"].map(arrow)
if pairs:
    show_comparisons(judged[judged["metric"] == "rmse"])
    show_provenance(rows["poi"])
    sizes.show_rest(TABLES["poi"], profile, at["poi"], "Points of interest or noise")
else:
    print("The pairs of this profile have POI of their own; the control belongs to the others.")

# %%
own = judged[(judged["row"] == "profile below random") & (judged["metric"] == "rmse")]
if len(own):
    better = int((own["so_far"] == "confirmed").sum())
    worse = int((own["so_far"] == "opposite").sum())
    print(f"profile against random shares, {len(own)} pairs: better beyond doubt on {better}, "
          f"worse beyond doubt on {worse}, mean gain {own['gain'].mean():+.2f} %")  # fmt: skip
    mae = judged[(judged["row"] == "profile below random") & (judged["metric"] == "mae")]
    print(f"the same in MAE: mean gain {mae['gain'].mean():+.2f} %")

# %% [markdown]
# If random shares do as well, whatever STBaT gains or loses on these cities does not come from what
# the regions are *for*. That is no verdict on real points of interest, which the paper has and
# these cities lack; it is the control that such a verdict would need, and it costs one more row.
#
# ## 7. The parts, run live
#
# The rows of Figure 3 once more, trained while this page was made: tiny networks, a few steps, two
# simulated cities. Nothing about a part can be read from these errors.

# %% tags=["hide-input"]
show_live(TABLES["figure3"].rows("smoke"), METRICS)

# %% [markdown]
# ## What to remember
#
# - Everything against nothing first: parts of a gain can be told apart only where there is a gain.
# - A part may be switched on and do nothing. The diary (spread of the weights, neighbours, rank
#   correlation) says so; bars of errors do not.
# - A sweep of one seed has no minimum, only a lowest point. Compare its span with that of seeds.
# - The weight of the contrast is not printed in the paper and is worth more attention than the four
#   settings that are.
# - Random shares are the control for every claim about points of interest.
#
# **Deviations from the paper.** Small networks in the profiles lab and bench, short budgets in lab;
# New York and Washington of another record, without points of interest; $\lambda = 0.01$ there (see
# section 3),
# while the library's default is 1; axis values of the sweeps are ours; sweeps have one seed, all
# else has all.
#
# **Next.** What a day of target data is worth: {doc}`05_scarcity`. **References.** Method, Figures
# 3 and 4: {cite}`stbat`.
