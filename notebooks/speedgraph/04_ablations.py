# %% [markdown]
# # Parts: what TSJT's error is made of
#
# *What you need: {doc}`02_tsjt_method`. Reading: 15 minutes. Runs in: under a minute; the numbers are
# records of runs, where they come from stands under each table. You will see: Figures 3 and 4 of
# the paper with intervals, seven other ways to make one step of two gradients, and why the size of
# the bank can matter in one reading of the paper and not in another.*
#
# TSJT {cite}`tsjt` has three parts: node prompts, a graph made of them, and the target-skewed step.
# Figure 3 removes one at a time and finds the step "of paramount importance", the prompts
# "substantial" and the graph "negligible". The bars have no numbers and no spread.
#
# One of the three comparisons is not what its name says. "Without TSB" is the network trained
# *under Reptile*: another rule for the step and another kind of training at once. So the page also
# leaves the training as it is and changes nothing but the rule. In turn: 1. one part less; 2. only
# the step; 3. the bank; 4. two things that every row shares: the backbone, and what it is asked
# for; 5. the parts, run live.

# %% tags=["parameters"]
profile: str = "lab"  # whose records the page shows: lab, bench or paper
train_missing: bool = False  # compute runs that have no record; False leaves gaps instead

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from stflow_lib.book import findings, tables
from stflow_lib.book.display import show_table
from stflow_lib.book.plots.speedgraph import ablations, results
from stflow_lib.book.plots.sweeps import sweep_figures
from stflow_lib.book.plots.transfers import arrow
from stflow_lib.speedgraph import TABLES
from stflow_lib.speedgraph.plan import Plan
from stflow_lib.speedgraph.tables import ASKED, JOINT, PATTERNS
from stflow_lib.verdicts import paired

# %%
plan = Plan.of(profile)
names = ("figure3", "steps", "figure4", "backbones", "asked")
rows = {name: TABLES[name].rows(profile) for name in names}
pair = plan.cities[0]
rows["last"] = {"Last value": plan.runs(["Last value"], [pair], plan.few)}
unit = tables.unit_of(pair)
print(f"profile {profile}: {arrow(pair)}, three days, {len(plan.seeds)} seed(s)")
tables.fill(rows, train_missing)

# %% [markdown]
# ## 1. One part less
#
# | row | what is left out |
# |---|---|
# | w/o NPM | node prompts, and with them the graph: the backbone alone, with the target-skewed step |
# | w/o TSB | the step: the whole network is meta-learned by Reptile, then fine-tuned on the three days |
# | w/o A_K | the graph of what nodes have in common; roads are the only graph |
#
# A gain is the difference of two errors in percent of the second, with its 95 % interval over
# seeds; a claim is *confirmed* when the whole interval is above zero. One seed has no interval and
# confirms nothing.

# %%
ablations.errors_figure(rows["figure3"], unit, JOINT,
                        f"Figure 3: one part less, {arrow(pair)}")  # fmt: skip
plt.show()
tables.show_provenance(rows["figure3"])
ablations.show_base_against_others(rows["figure3"], JOINT)

# %% [markdown]
# Three statements of the paper can be held against this: that the step counts most, that the
# prompts count much (on Shenzhen a fifth of the MAE), and that the graph does not. The first needs
# the next section too.
#
# ## 2. Only the step
#
# Here the network, the batches and the schedule stay, and one line changes: how the target's
# gradient $g_T$ and the sources' $g_S$ become a step.
#
# - *weighted sum*: both, with the paper's weights; *equal sum*: both, half and half.
# - *w/o source*: $g_T$ only. The sources are forwarded and thrown away.
# - *PCGrad*, *A-GEM*, *cosine gate*: other rules that mend a conflict, on the whole network at
#   once.
# - *TSB, one component*: the paper's rule on the whole network instead of each tensor, as in the
#   released code; *TSB, equal weights*: the source counts as much.
#
# With the paper's weights the source's share is a two-hundredth of the target's. Adam divides by
# the gradient's own size and so hides the common factor, not this ratio.

# %%
ablations.errors_figure(rows["steps"], unit, "TSB",
                        f"One step of two gradients, {arrow(pair)}")  # fmt: skip
plt.show()
tables.show_provenance(rows["steps"])
ablations.show_base_against_others(rows["steps"], "TSB")

# %% [markdown]
# If *w/o source* stands where TSB stands, the sources have not moved the network, and no rule for
# them can matter. If *equal sum* stands far above, there is a conflict, and a rule has work to do.
#
# ## 3. The size of the bank
#
# Figure 4 turns $K$, the number of patterns, from 10 to 200: errors fall, then level off. In Eq. 5
# as it is printed nothing is scored against a pattern: the bank enters as
# $G = \sum_k B_k^\top B_k$, a matrix of the prompt's width, whose rank is at most $\min(KT, D')$.
# From $KT = D'$ on, more patterns add nothing that fewer could not say. With a softmax over the
# patterns each has a weight of its own, and $K$ is a size indeed. The released code sums matrices,
# one for each pattern, into one.

# %%
READING = {
    "gram": "Figure 4: Eq. 5 as printed",
    "code": "Figure 4: one matrix, as released",
    "pattern_softmax": "Figure 4: softmax over patterns",
}
spans = {}
for metric in ablations.ERRORS:
    sweep = ablations.bank_sweep(rows["figure4"], metric)
    base = paired.errors(rows["figure3"][JOINT], metric).tolist()
    panels = {READING[mode]: ("patterns K", points, base) for mode, points in sweep.items()}
    if panels and base:
        sweep_figures(panels, f"test {metric.upper()} ({unit}), mean of the horizons")
        plt.show()
    spans[metric.upper()] = ablations.sweep_spans(sweep, base)
show_table(pd.DataFrame(spans).rename_axis(index="reading of Eq. 5"),
           "Span of the error over K, % of the base setting", 2)  # fmt: skip
tables.show_provenance(rows["figure4"])

# %%
width, lags = plan.settings(JOINT).prompting.width, 12
torch.manual_seed(0)
ranks = {}
for size in PATTERNS:
    bank = torch.randn(size * lags, width, dtype=torch.float64)
    ranks[size] = int(torch.linalg.matrix_rank(bank.T @ bank))
full = int(np.ceil(width / lags))
print(f"width {width}, {lags} steps: rank of G by K {ranks}; full from K = {full} on")
repeating = paired.errors(rows["last"]["Last value"], "mae").mean()
print(f"trainings that end less than 2 % below repeating the last value ({repeating:.2f} {unit}):",
      ablations.near_rule(rows["figure4"], repeating, 2))  # fmt: skip

# %% [markdown]
# So in the printed reading every size of Figure 4 has a bank of full rank, and a curve that falls
# with $K$ is no capacity. It can be the training: where the bank itself learns, each of $K$
# patterns makes a step of Adam's size, the prompt is their sum, and a bank of 200 moves many times
# as far in a step as one of 10. Here what learns is a multiple of the bank, chosen so that a step
# moves prompts equally far for every $K$ (`stflow_lib.speedgraph.tsjt.npm.step_scale`).
#
# A training begins at the last value, and one that ends near it has not left. One training for
# each size cannot tell an effect of $K$ from that.
#
# ## 4. What all rows share
#
# The paper's code base has an STGCN (variant A) whose two graph layers replace each sensor by an
# average over its neighbourhood, itself included. The original STGCN (variant B) has residual
# paths and polynomials of the Laplacian, the first of which is the sensor itself; Graph WaveNet
# adds every layer to what came before. That the averages alone keep variant A from learning is not
# shown: ST-GFSL mixes in the same way.

# %%
ablations.errors_figure(rows["backbones"], unit, "alone, STGCN B",
                        f"The network under the method, {arrow(pair)}")  # fmt: skip
plt.show()
tables.show_provenance(rows["backbones"])
over = {row: (row, "Last value") for row in rows["backbones"]}
judged = tables.compare(rows["backbones"] | rows["last"], over, ablations.ERRORS)
results.show_gains_by_target(judged, "Error below the last value's")

# %% [markdown]
# A variant that does not leave the last value, with prompts and sources or without, is no network
# to compare methods on. The tables of this part have variant B in the place of "STGCN", but for the
# profile paper.
#
# The second choice is what a network is asked for: the speed itself, or the change since the last
# reading. Both can express the same forecasts. But the first has to learn "as now" before anything
# else, and a schedule of a few hundred steps may be over by then. Every network of the profiles lab
# and bench is asked for changes; here are both.

# %%
ablations.errors_figure(rows["asked"], unit, "Target only, changes",
                        f"Asked for speeds, or for changes, {arrow(pair)}")  # fmt: skip
plt.show()
tables.show_provenance(rows["asked"])
pairs = {method: (f"{method}, changes", f"{method}, speeds") for method in ASKED}
judged = tables.compare(rows["asked"], pairs, (*ablations.ERRORS, "min10_mae", "min60_mae"))
results.show_gains_by_target(judged, "Error of changes below that of speeds")

# %% [markdown]
# Hold these gains against those of section 2: a choice that no paper names may move the error by
# more than the rule for conflicts that a paper is about.
#
# ## 5. The parts, run live
#
# The rows of Figure 3 once more, trained while this page was made: tiny networks, a step or two,
# three simulated cities. Nothing about a part can be read from these errors.

# %% tags=["hide-input"]
tables.show_live(TABLES["figure3"].rows("smoke"), ablations.ERRORS)

# %% tags=["finding"]
parts = {other: (JOINT, other) for other in rows["figure3"] if other != JOINT}
judged = tables.compare(rows["figure3"], parts, ablations.ERRORS)
findings.show_comparisons(judged, "The whole method's errors against those with one part less")

# %% [markdown]
# ## What to remember
#
# - "Without X" should change X only. Without TSB, the paper changes the training as well.
# - Before comparing rules for conflicts, look whether leaving the sources out makes a difference.
# - A size that does not change what can be expressed has no best value.
#
# **Deviations from the paper.** Stand-in cities, and the first target only; small networks in the
# profiles lab and bench, short schedules in lab; the sizes of Figure 4 have one seed.
#
# **Next.** How many days, sensors and sources: {doc}`05_sources_and_days`. **References.** Figures
# 3 and 4: {cite}`tsjt`.
