# %% [markdown]
# # What balancing costs
#
# *What you need: the [problem](01_problem_and_rules); what SimDCL and RIAM are. Reading: 15
# minutes. Runs in: half a minute at smoke size, about eight minutes at the paper's size. You will
# see: the paper's Table 3 as ratios, measured in one run; where the time of a balanced step goes; a
# loss of $R^3$ numbers computed with $R^2$; and what the whole of Table 2 costs.*
#
# STBaT {cite}`stbat` adds a lot to a plain training: an autoencoder, densities, all pairs of
# regions ranked and contrasted in every batch. Its Table 3 says that this is cheap: a quarter more
# memory than Finetuned, half again the time, while MetaST (Yao et al., WWW 2019) takes nine times
# as long and CrossTReS {cite}`crosstres` five times the memory. The table does not say on which
# machine, on which task, and what was timed. Gigabytes and hours can therefore not be checked.
# Ratios can.

# %% tags=["parameters", "long"]
profile: str = "bench"  # whose records of Table 2 the budget is counted from: lab, bench or paper
rows: int = 6  # of the simulated source; New York has 20 x 23 cells
cols: int = 8  # of the same
channels: int = 4  # of the backbone; 64, 3 and 128 in the paper
blocks: int = 1  # residual blocks of the CNN
hidden: int = 8  # of the LSTM
batch: int = 8  # windows in a step; 32 in the paper
turns: int = 2  # kept, each of which measures everything once
largest: int = 512  # regions up to which SimDCL is timed
literal: int = 128  # regions up to which its literal form is

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from stflow_lib import runs
from stflow_lib.book.display import provenance, show_table, show_text
from stflow_lib.book.plots.gridflow import cost as plots
from stflow_lib.book.plots.transfers import arrow
from stflow_lib.book.tables import LIVE, not_here
from stflow_lib.data.simulate import imbalanced_shares, simulate_grid
from stflow_lib.gridflow import PROTOCOLS, TABLES, Protocol, make_task, open_task
from stflow_lib.gridflow.networks.stnet import STNet
from stflow_lib.gridflow.plan import Plan
from stflow_lib.gridflow.problem.regions import poi_shares
from stflow_lib.gridflow.stbat.method import BalancedPretraining
from stflow_lib.gridflow.stbat.stblm import batch_statistics
from stflow_lib.gridflow.training.schedule import Schedule
from stflow_lib.kernels import rank_contrast, rank_contrast_naive
from stflow_lib.training import cost
from stflow_lib.verdicts.claims import reported

torch.set_num_threads(1)  # then processor seconds are work, not threads that wait

# %% [markdown]
# ## 1. A fair race
#
# Cost does not depend on who takes a taxi, so the race is run on a simulated pair of cities of the
# paper's size. Each method is trained by the very code that trains it for the result tables, for
# one or two steps on the source. A clock hangs on the optimiser: it starts at the first forward
# pass and is read after each step.
#
# Other programs use this machine too. So we count *processor* seconds, of one thread, which stand
# still while somebody else computes; methods take turns, in an order drawn anew each time; and only
# ratios within a turn are compared. The first turn is thrown away. Memory is measured in a new
# process: how far its resident memory peaks above what Python, the libraries and the data take.

# %%
cut = Protocol("cost", steps=480, valid=240, test=360, source_steps=336, source_valid=216)
home, away = (
    simulate_grid(*size, 20, seed=seed, name=name, type_shares=imbalanced_shares(12))[0]
    for seed, (name, size) in enumerate(
        {"source": (rows, cols), "target": (rows + 1, cols - 1)}.items()
    )
)
task = make_task(away, [home], cut).only(0)
city = task.sources[0]
regions = len(city.cells())
at_paper = (channels, hidden, batch) == (64, 128, 32)
if not at_paper:
    print(LIVE)
print(f"{regions} regions, batches of {batch} windows, on {runs.execute.device_name()}")

# %%
wide = {"channels": channels, "blocks": blocks, "hidden": hidden}
narrow = {"channels": max(channels // 4, 2), "blocks": 1, "hidden": hidden // 4, "feature": "h"}
tiny = {"channels": 2, "blocks": 0, "hidden": 2}
once = {"meta": {"tasks": 1, "steps": 1}}
compared = {"Finetuned": {}, "MetaST": once, "CrossTReS": {}, "STBaT": {}}

two_steps = partial(plots.two_steps, task, batch=batch)
step = partial(plots.step_seconds, task, batch=batch)

# %% [markdown]
# CrossTReS looks ahead in one step of nine, which costs more than the other eight together; its
# mean step is weighted so. MetaST is raced in the smallest form there is, one inner step in one
# task, as the `lab` profile trains it; section 2 returns to that. Everything else has its defaults.

# %%
turn = {m: partial(step, m, wide, c) for m, c in compared.items()}
costs = cost.interleaved(turn, turns)

# %% [markdown]
# Memory next: one new process trains all of them in turn, those of section 2 too, and gives what it
# freed back to the system before each.

# %%
five = {"meta": {"tasks": 1, "steps": 5}}
forms = {
    "Finetuned": ("Finetuned", {}),
    "STBaT": ("STBaT", {}),
    "one inner step": ("MetaST", once),
    "five, first order": ("MetaST", runs.merged(five, {"meta": {"first_order": True}})),
    "five": ("MetaST", five),
}

todo = [two_steps(m, narrow, changes) for m, changes in forms.values()]
todo += [two_steps(m, wide, changes) for m, changes in compared.items()]
warm_up = two_steps("MetaST", tiny, once, batch=2)
grown = cost.in_fresh_process(cost.peak_growth, warm_up, *todo)
peaks_narrow = dict(zip(forms, grown[: len(forms)], strict=True))
peaks = dict(zip(compared, grown[len(forms) :], strict=True))

# %% [markdown]
# A training is more than a step: in the paper's setting at most 100 epochs over 5852 source labels,
# then 80 epochs on the target's 72. All methods share that plan here, and the fine-tuning, so the
# ratio of whole trainings is nearly that of steps. Whether the paper's methods had the same number
# of steps, nobody says. A verdict of *agrees* below means: within 15 % of the printed ratio.

# %%
calendar = PROTOCOLS["paper"]
_, source_steps = cost.planned_steps(Schedule(), calendar.source_valid - 6)
_, target_steps = cost.planned_steps(Schedule(epochs=80), 72)
printed = reported("stbat", "Table 3").pivot(index="method", columns="metric", values="value")


def whole(costs: dict) -> dict:
    """Seconds of whole trainings, a number for each turn; fine-tuning is Finetuned's for all."""
    tuning = np.multiply(costs["Finetuned"], target_steps)
    return {m: np.multiply(values, source_steps) + tuning for m, values in costs.items()}


table = plots.table3({m: [p] for m, p in peaks.items()}, whole(costs), printed, "Finetuned")

# %%
columns = ["printed", "ours", "low", "high", "verdict"]
show_table(
    table.set_index(["quantity", "method"])[columns],
    f"Table 3 as multiples of Finetuned's, R = {regions}, {channels} channels; "
    "low and high: between turns",
    digits=2,
)
print(f"turns kept: {turns}, of memory one; with one there is no spread")
median = {name: float(np.median(values)) for name, values in costs.items()}
show_table(
    pd.DataFrame({"step (s)": median, "peak growth (MB)": peaks}),
    "What the ratios are made of: processor seconds of a mean step, memory of a new process",
)
plots.ratios_figure(table, "Finetuned")
plt.show()

# %% [markdown]
# Read the rows from below. Where STBaT costs less than printed, section 4 has a reason. MetaST and
# CrossTReS differentiate through training steps, and must keep every map of every inner step until
# the end. Resident memory is not quite what a card's allocator counts, so the left panel is the
# rougher of the two.
#
# The tables of this book come from a smaller network on real maps. What does balancing cost there?
# The same race with the network of the profile `bench`, from New York's taxis to Washington's, in
# two turns; of memory too, a new process each.

# %%
run, again = TABLES["table3"]("bench")[0], 2  # turns
if lacking := not_here([run.city]):
    show_text(f"Not shown: the data of {', '.join(lacking)} are not here.")
else:
    real = open_task(run).only(0)
    small = {"size": vars(Plan.of("bench").settings("Finetuned").backbone), "batch": 32}
    turn = {m: partial(plots.step_seconds, real, m, changes=c, **small)
            for m, c in compared.items()}  # fmt: skip
    todo = [plots.two_steps(real, m, changes=c, **small) for m, c in compared.items()]
    grown = [cost.in_fresh_process(cost.peak_growth, warm_up, *todo) for _ in range(again)]
    growth = dict(zip(compared, zip(*grown, strict=True), strict=True))
    seconds = whole(cost.interleaved(turn, again))
    ours = plots.table3(growth, seconds, printed, "Finetuned")
    caption = f"Table 3 on {arrow(run.city)}, as multiples of Finetuned's; low and high: between turns"
    show_table(ours.set_index(["quantity", "method"])[columns], caption, digits=2)
    show_text(plots.beside_print(ours, "STBaT"))

# %% [markdown]
# ## 2. What an inner step costs
#
# MetaST's printed time, more than nine times Finetuned's, does not fit one inner step. The original
# takes five. So, on a network of a quarter of the width, which keeps this short: five steps in
# full, five steps without second derivatives, and one.

# %%
turn = {n: partial(step, m, narrow, c) for n, (m, c) in forms.items()}
spans = plots.ratios_to(cost.interleaved(turn, turns), "Finetuned")
inner = pd.DataFrame({
    "time": {n: span[1] for n, span in spans.items()},
    "memory": {n: p / peaks_narrow["Finetuned"] for n, p in peaks_narrow.items()},
})  # fmt: skip
ratio = printed.loc["MetaST"] / printed.loc["Finetuned"]
inner.loc["MetaST as printed"] = ratio[["training_time_h", "peak_memory_gb"]].to_list()
show_table(inner, f"Multiples of Finetuned's, {narrow['channels']} channels", digits=2)

# %% [markdown]
# Five inner steps in full hold the maps of five trainings at once; without second derivatives they
# hold those of one. Neither gives the printed pair: in full, five steps take more of both than
# printed, without second derivatives less of both. The original cuts a city into patches of 7 x 7
# cells, which bounds memory and not time; so the printed row may well be of that, and not of whole
# cities as here.
#
# ## 3. What balancing adds to a step
#
# Now STBaT alone against Finetuned, with more turns. The aim: at the paper's size a balanced step
# takes at most 1.25 times the plain one, and peaks less than 1 GB above it.

# %%
pair = {m: partial(step, m, wide, {}) for m in ("Finetuned", "STBaT")}
spans = plots.ratios_to(cost.interleaved(pair, turns + 1), "Finetuned")
low, ratio, high = spans["STBaT"]
extra = peaks["STBaT"] - peaks["Finetuned"]
print(
    f"balanced / plain step: {ratio:.2f} ({low:.2f} to {high:.2f} in {turns + 1} turns), aim 1.25"
)
print(f"peak above the plain step: {extra:,.0f} MB, aim 1,024")
verdict = "reached" if ratio <= 1.25 and extra < 1024 else "not reached"
print(verdict if at_paper else "no verdict: this is not the paper's size")

# %% [markdown]
# Where does it go? Each part by itself, forward and backward: mean and deviation of every region
# over the batch; the projector; SimDCL with its sort; densities, weights and similarities; and the
# autoencoder's loss.

# %%
settings = plots.short_settings("STBaT", wide, {}, batch)
model = BalancedPretraining(STNet(settings.backbone), len(city.poi), settings)
shares = poi_shares(city.poi, city.mask[0])
z = torch.rand(batch, regions, settings.backbone.width, requires_grad=True)
mean, deviation = (s.detach() for s in batch_statistics(z))
d = model.stblm[1](mean, deviation).detach().requires_grad_()
delta = model.riam.balance(shares)[1]
parts = {
    "batch statistics": lambda: sum(s.sum() for s in batch_statistics(z)).backward(),
    "projector": lambda: model.stblm[1](mean, deviation).sum().backward(),
    "SimDCL": lambda: model.contrast(d, delta).backward(),
    "weights, similarity": lambda: model.riam.balance(shares),
    "autoencoder": lambda: model.riam.loss(shares, mean, deviation)["loss"].backward(),
}
spent = cost.interleaved({n: partial(cost.seconds, f) for n, f in parts.items()}, 3 * turns)
spent = {name: 1000 * float(np.median(values)) for name, values in spent.items()}
plain = 1000 * median["Finetuned"]
notes = [f"{v:.2g} ms, {v / plain:.1%}" for v in spent.values()]
title = f"What a balanced step adds, and its share of a plain one ({plain:,.0f} ms)"
plots.bars_figure(spent, "milliseconds of processor time, forward and backward", title, notes)
plt.show()
print(
    f"together {sum(spent.values()):.1f} ms, {sum(spent.values()) / plain:.1%} of a plain step"
)

# %% [markdown]
# The backbone does the same work as before. At the paper's size the longest of the bars is the
# plainest part, mean and deviation of $z$ over the batch; SimDCL with its sort comes next, and
# RIAM, which works on one small vector for each region, hardly shows. Their sum is an independent
# check of the ratio above. A narrow network makes the plain step cheap but not the additions, so
# the ratio rises as the network shrinks: the table in section 2 has it for a quarter of the width.
#
# ## 4. $R^3$ numbers, or $R^2$
#
# SimDCL (Eq. 13) contrasts a region $i$ and each partner $k$ with every $j$ that is no more similar
# to $i$ than $k$ is,
#
# $$ \ell(i,k) = -s_{ik} + \log \sum_{j \neq i,\; \delta_{ij} \le \delta_{ik}} e^{s_{ij}}. $$ (eq-gr-cost-simdcl)
#
# Written down as it stands, that is a mask of $R^3$ entries, in every batch. But for one $i$ the
# sums are nested: sorted by similarity, each partner's sum is the one before plus one term. So one
# sort and one running sum give all of them, and ties share the value at the end of their group.
# First: are the two the same?

# %%
torch.manual_seed(0)
exact = plots.tied_case(min(literal, 128), torch.float64)
(value, slope), (twin, twin_slope) = (
    cost.value_and_grad(form, *exact) for form in (rank_contrast, rank_contrast_naive)
)
assert torch.allclose(value, twin, rtol=1e-12) and torch.allclose(slope, twin_slope, atol=1e-12)
apart = (slope - twin_slope).abs().max()
print(f"loss {value:.6f}; largest difference of gradients {apart:.0e}")

# %% [markdown]
# Same loss, same gradient, ties included. Then: time and memory of one pass forward and backward,
# for growing cities.

# %%
sizes = {
    "sorted": sorted({*(2**n for n in range(7, largest.bit_length())), literal // 4, literal}),
    "literal": sorted({literal // 4, literal // 2, 3 * literal // 4, literal}),
}
twins = {"sorted": rank_contrast, "literal": rank_contrast_naive}
counts = {*sizes["sorted"], *sizes["literal"]}
inputs = {count: plots.tied_case(count, torch.float32) for count in counts}
passes = {(form, count): partial(cost.value_and_grad, twins[form], *inputs[count])
          for form, counts in sizes.items() for count in counts}  # fmt: skip
taken = cost.interleaved({k: partial(cost.seconds, p) for k, p in passes.items()}, turns + 1)
taken = {key: float(np.median(values)) for key, values in taken.items()}
first = passes["sorted", literal // 4]
grown = cost.in_fresh_process(cost.peak_growth, first, *passes.values())
heights = dict(zip(passes, grown, strict=True))

# %%
seconds, memory = (
    {form: (counts, [of[form, count] for count in counts]) for form, counts in sizes.items()}
    for of in (taken, heights)
)
fits = {form: cost.fit_power_law(*points) for form, points in seconds.items()}
laws = {form: f": time as R to the {power:.2f} ({low:.2f} to {high:.2f})"
        for form, (power, low, high) in fits.items()}  # fmt: skip
plots.growth_figure(
    {"seconds (processor, log scale)": seconds, "peak memory (MB, log scale)": memory},
    laws,
    literal,
)
plt.show()
saved, smaller = (of["literal", literal] / of["sorted", literal] for of in (taken, heights))
print(f"at R = {literal} the literal form takes {saved:.0f} times the time, "
      f"{smaller:.0f} times the memory")  # fmt: skip
print(
    "exponent of the sorted form:", "at most 2.2" if fits["sorted"][0] <= 2.2 else "above 2.2"
)

# %% [markdown]
# A sort costs $R \log R$ for each of $R$ regions, so the blue line on the left has a slope near
# two; the literal form has three in memory, and three or more in time. One such tensor of New
# York's 460 regions takes 0.39 GB in single precision; the paper's STBaT needs 0.38 GB more than
# its Finetuned. That may be chance, or it is this tensor. If it is, the printed 1.24 is the price
# of a form and not of the method, and it explains why ours is below it.
#
# ## 5. Trained once, used often
#
# STBaT's expensive half never sees the target. Zero-shot, three days, thirty days, and a second
# target with the same source all begin with the same pre-trained network, so it is trained once,
# stored under a name made of the source, the settings and the seed, and found again. CrossTReS has
# to start anew each time: it weighs source cells by what they do for one target. The table counts
# source trainings.

# %%
counted = {
    "Table 2": plots.source_trainings(TABLES["table2"].rows(profile)),
    "Figure 5, days of data": plots.source_trainings(TABLES["figure5"].rows(profile)),
}
show_table(pd.DataFrame(counted).T, f"Runs and trainings on a source, profile {profile}")

# %% [markdown]
# ## 6. The whole bill
#
# Every record of a run says how long fitting and predicting took, on the clock on the wall; where
# trainings shared a machine, that is longer than alone. A run that found its source stage on the
# shelf is charged for the rest only, so the sum is what was really spent on the runs that are
# recorded. The short fixed schedule of `lab` was made to fit into an hour on two cores.

# %%
planned = TABLES["table2"](profile)
records = runs.records(planned)
bill = pd.DataFrame(records, columns=["method", "fit_seconds", "predict_seconds"])
minutes = (bill.set_index("method").sum(axis=1) / 60).groupby(level=0).sum().to_dict()
print(f"{len(records)} of {len(planned)} runs of Table 2 have a record at profile {profile}")
if records:
    total = sum(minutes.values())
    title = f"Table 2, profile {profile}: {total:.0f} minutes of computing"
    plots.bars_figure(minutes, "minutes", title, [f"{m:.1f}" for m in minutes.values()])
    plt.show()
    print(f"{total:.0f} minutes one after another, {total / 2:.0f} on two cores")
    provenance(records)
else:
    print("no bill yet: nothing of this profile has been run")

# %% [markdown]
# The paper's own setting is another matter. From the steps of section 1: one training is two
# directions of at most 100 epochs on the source, fewer if validation stops it, and 80 on the
# target. Table 2 has eight tasks of five runs. Its sources are New York and Chicago, taxis and
# bikes, so with sharing forty trainings on a source become twenty, and zero-shot comes free.

# %%
tuning = target_steps * median["Finetuned"]
hours = pd.DataFrame({
    "one training": {m: 2 * (source_steps * s + tuning) / 3600 for m, s in median.items()},
    "a row of Table 2": {
        m: 2 * ((40 if m == "CrossTReS" else 20) * source_steps * s + 40 * tuning) / 3600
        for m, s in median.items()
    },
})  # fmt: skip
caption = f"At most, in hours of one core of this processor, {channels} channels, R = {regions}"
show_table(hours, caption, digits=1)

# %% tags=["finding"]
dear = hours.loc["STBaT"]
show_text(f"On one core of this processor a training of STBaT with {channels} channels on "
          f"{regions} regions takes at most {dear['one training']:.1f} hours, a row of Table 2 "
          f"{dear['a row of Table 2'] / 24:.1f} days.")  # fmt: skip
show_text(f"A balanced step takes {ratio:.2f} times a plain one here; the fast form of the "
          f"contrast takes time as R to the {fits['sorted'][0]:.1f}, the literal one as R to the "
          f"{fits['literal'][0]:.1f}.")  # fmt: skip

# %% [markdown]
# ## What to remember
#
# - What balancing adds to a step is counted in section 3; how that share moves with the width of the
#   network, in section 2.
# - The loss that looks like $R^3$ is one sort: same value, same gradient, $R^2$ memory.
# - Methods that differentiate through training steps pay for each of them in time and memory. That
#   is what makes MetaST and CrossTReS expensive, here and in print.
# - A pre-training that ignores the target is paid once for all targets and all amounts of data.
#
# **Deviations from the paper.** Ratios, not gigabytes and hours; processor time of steps times
# planned steps, with no early stopping; resident memory of a process in the place of a card's.
# MetaST with one inner step (`meta`); section 2 has the five of the original.
#
# **Next:** the [scoreboard](../scoreboard). **References.** Table 3 and Eq. 13: {cite}`stbat`;
# inner steps: Yao et al., *Learning from multiple cities*, WWW 2019; looking ahead:
# {cite}`crosstres`.
