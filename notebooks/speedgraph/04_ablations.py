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
# the step; 3. the same on Graph WaveNet; 4. the bank; 5. two things that every row shares: the
# backbone, and what it is asked for; 6. the parts, run live.

# %% tags=["parameters"]
profile: str = "bench"  # whose records the page shows: bench, lab or paper
train_missing: bool = False  # compute runs that have no record; False leaves gaps instead

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from stflow_lib.book import findings, tables
from stflow_lib.book.display import show_table, show_text
from stflow_lib.book.plots.speedgraph import ablations, results, waves
from stflow_lib.book.plots.sweeps import sweep_figures
from stflow_lib.book.plots.transfers import arrow
from stflow_lib.speedgraph import TABLES
from stflow_lib.speedgraph.plan import Plan
from stflow_lib.speedgraph.tables import ASKED, JOINT, PATTERNS
from stflow_lib.verdicts import paired

# %%
plan = Plan.of(profile)
names = ("figure3", "steps", "waves", "figure4", "backbones", "asked")
sized = {name: ablations.by_profile(TABLES[name], profile) for name in names}
pair = plan.cities[0]
unit = tables.unit_of(pair)
beside = {size: ablations.reference(size, pair) for rows in sized.values() for size in rows}
print(f"{arrow(pair)}, three days")
for size in beside:
    shown = {TABLES[name].title: rows[size] for name, rows in sized.items() if size in rows}
    print(f"profile {size}")
    tables.fill(shown, train_missing)

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
#
# What two or more rows have records of is shown at the profile bench, where trainings went on until
# learning ended. Where rows are lacking there, all of them are shown at the profile lab too, whose
# schedule is short. Titles name the profile. Where records are older than the code it is said, and
# they are called stale. The lowest rows of each picture are no networks: repeating the last value,
# and boosted trees.

# %%
for size, rows in sized["figure3"].items():
    title = f"Figure 3: one part less, {arrow(pair)} ({size})"
    ablations.show_rows(rows, beside[size], JOINT, unit, title)
    ablations.show_base_against_others(rows, JOINT)

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
for size, rows in sized["steps"].items():
    title = f"One step of two gradients, {arrow(pair)} ({size})"
    ablations.show_rows(rows, beside[size], "TSB", unit, title)
    ablations.show_base_against_others(rows, "TSB")

# %% [markdown]
# If *w/o source* stands where TSB stands, the sources have not moved the network, and no rule for
# them can matter. If *equal sum* stands far above, there is a conflict, and a rule has work to do.
#
# ## 3. The same on Graph WaveNet
#
# The paper's best network is Graph WaveNet. So its question is asked there once more, on two
# targets: the whole method, two of its parts, the plain ways to use sources (*Joint*,
# *Fine-tuned*, *Zero-shot*), and the target alone. Every row has the same network.

# %%
pairs = list(dict.fromkeys(run.city for run in tables.runs_of(TABLES["waves"].rows(profile))))
for size, rows in sized["waves"].items():
    trees = {name: [run for city in pairs if ">" in city
                    for run in ablations.reference(size, city).get(name, [])]
             for name in ablations.REFERENCE}  # fmt: skip
    waves.show_waves(rows, trees, [city for city in pairs if ">" in city], size)
    tables.show_stale(rows)

# %% [markdown]
# ## 4. The size of the bank
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
for size, rows in sized["figure4"].items():
    base, spans = TABLES["figure3"].rows(size)[JOINT], {}
    for metric in ablations.ERRORS:
        sweep = ablations.bank_sweep(rows, metric)
        own = paired.errors(base, metric).tolist()
        panels = {READING[mode]: ("patterns K", points, own) for mode, points in sweep.items()}
        if panels and own:
            sweep_figures(panels, f"test {metric.upper()} ({unit}), mean of the horizons")
            plt.show()
        spans[metric.upper()] = ablations.sweep_spans(sweep, own)
    show_table(pd.DataFrame(spans).rename_axis(index="reading of Eq. 5"),
               f"Span of the error over K, % of the base setting ({size})", 2)  # fmt: skip
    tables.show_provenance(rows)
    others = {name: paired.errors(group, "mae").mean() for name, group in beside[size].items()}
    print(f"test MAE ({unit}) without a network:",
          ", ".join(f"{name} {mean:.2f}" for name, mean in others.items()))  # fmt: skip
    repeating = others["Last value"]
    print("trainings that end less than 2 % below repeating the last value",
          f"({repeating:.2f} {unit}):", ablations.near_rule(rows, repeating, 2))  # fmt: skip

# %%
width, lags = Plan.of([*sized["figure4"]][-1]).settings(JOINT).prompting.width, 12
torch.manual_seed(0)
ranks = {}
for size in PATTERNS:
    bank = torch.randn(size * lags, width, dtype=torch.float64)
    ranks[size] = int(torch.linalg.matrix_rank(bank.T @ bank))
full = int(np.ceil(width / lags))
print(f"width {width}, {lags} steps: rank of G by K {ranks}; full from K = {full} on")

# %% [markdown]
# So in the printed reading every size of Figure 4 has a bank of full rank, and a curve that falls
# with $K$ is no capacity. It can be the training: where the bank itself learns, each of $K$
# patterns makes a step of Adam's size, the prompt is their sum, and a bank of 200 moves many times
# as far in a step as one of 10. The code has been changed for that: what learns is now a multiple
# of the bank, chosen so that a step moves prompts equally far for every $K$
# (`stflow_lib.speedgraph.tsjt.npm.step_scale`). Stale records are older than that change, and their
# curves may be this effect alone.
#
# A training begins at the last value, and one that ends near it has not left. One training for
# each size cannot tell an effect of $K$ from that.
#
# ## 5. What all rows share
#
# The paper's code base has an STGCN (variant A) whose two graph layers replace each sensor by an
# average over its neighbourhood, itself included. The original STGCN (variant B) has residual
# paths and polynomials of the Laplacian, the first of which is the sensor itself; Graph WaveNet
# adds every layer to what came before. That the averages alone keep variant A from learning is not
# shown: ST-GFSL mixes in the same way.

# %%
for size, rows in sized["backbones"].items():
    title = f"The network under the method, {arrow(pair)} ({size})"
    ablations.show_rows(rows, beside[size], "alone, STGCN B", unit, title)
    over = {row: (row, "Last value") for row in rows}
    judged = tables.compare(rows | beside[size], over, ablations.ERRORS)
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
two = {method: (f"{method}, changes", f"{method}, speeds") for method in ASKED}
for size, rows in sized["asked"].items():
    title = f"Asked for speeds, or for changes, {arrow(pair)} ({size})"
    ablations.show_rows(rows, beside[size], "Target only, changes", unit, title)
    judged = tables.compare(rows, two, (*ablations.ERRORS, "min10_mae", "min60_mae"))
    results.show_gains_by_target(judged, "Error of changes below that of speeds")

# %% [markdown]
# Hold these gains against those of section 2: a choice that no paper names may move the error by
# more than the rule for conflicts that a paper is about.
#
# ## 6. The parts, run live
#
# The rows of Figure 3 once more, trained while this page was made: tiny networks, a step or two,
# three simulated cities. Nothing about a part can be read from these errors.

# %% tags=["hide-input"]
tables.show_live(TABLES["figure3"].rows("smoke"), ablations.ERRORS)

# %% tags=["finding"]
for size, rows in sized["figure3"].items():
    parts = {other: (JOINT, other) for other in rows if other != JOINT}
    judged = tables.compare(rows, parts, ablations.ERRORS)
    what = f"The whole method's errors against those with one part less (profile {size})"
    findings.show_comparisons(judged, what)
for size, rows in sized["waves"].items():
    for sentence in waves.finding(rows, size):
        show_text(sentence)

# %% [markdown]
# ## What to remember
#
# - "Without X" should change X only. Without TSB, the paper changes the training as well.
# - Before comparing rules for conflicts, look whether leaving the sources out makes a difference.
# - A size that does not change what can be expressed has no best value.
#
# **Deviations from the paper.** Stand-in cities, and but for section 3 the first target only; small
# networks in the profiles lab and bench, short schedules in lab; the sizes of Figure 4 have one
# seed.
#
# **Next.** How many days, sensors and sources: {doc}`05_sources_and_days`. **References.** Figures
# 3 and 4: {cite}`tsjt`.
