# %% [markdown]
# # The problem, and how far simple rules get
#
# *What you need: averages, the binomial distribution. Reading: 25 minutes. Runs in: half a minute.
# You will see: what a fine-grained network is asked, two rules that learn next to nothing, how much
# of their error nobody can ever remove, and the eleven networks that try.*
#
# A city that counts in large cells wants to know about small ones. Before any network tries, this
# page settles what trying means: which data may be seen, how errors are added up, what a rule
# without a single trained weight achieves, and where chance draws the line.
#
# In turn: 1. the problem; 2. the task as tensors; 3. MEAN; 4. HA; 5. three errors; 6. where and
# when the rules err; 7. the part that is chance; 8. UrbanFM, the first network; 9. all baselines.

# %% tags=["parameters"]
city: str = "sim-fine"  # a fine grid city of the catalogue
factor: int = 4  # M: fine cells per side of a coarse cell
seed: int = 0  # every random number of this page comes from it

# %%
from dataclasses import replace
from fractions import Fraction
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from stflow_lib.book.display import show_table
from stflow_lib.book.plots.finegrained import problem
from stflow_lib.book.plots.finegrained.maps import binned_rmse, memory_figure, pair_figure
from stflow_lib.data import block_sum, load, simulate
from stflow_lib.finegrained import METHODS, cost, make_task, score, tables
from stflow_lib.finegrained.baselines.urbanfm import UrbanFM, UrbanFMSettings
from stflow_lib.finegrained.plan import Plan
from stflow_lib.training.metrics import flow_errors

maps = load(city)
unit = maps.attrs["unit"]

# %% [markdown]
# ## 1. The problem
#
# One instant, two grids over the same ground. The coarse map $X \in \mathbb{R}_+^{I \times J}$ is
# counted; the fine map $Y \in \mathbb{R}_+^{MI \times MJ}$ is wanted. They are bound together by
# the **structural constraint** (UrbanSTC {cite}`urbanstc`, Eq. 1; here {eq}`eq-block`): the $M^2$
# fine cells of a block sum to its coarse cell. So what has to be inferred is only how each block is
# *split*,
#
# $$ \hat y_i = x_{b(i)} \, w_i, \qquad w_i \ge 0, \qquad \sum_{i \in b} w_i = 1. $$ (eq-fg-split)
#
# No history enters and nothing is forecast: $X$ at nine o'clock in, $Y$ at nine o'clock out. The
# picture is our Fig. 1, at the busiest step of the record, coloured so that equal colours mean
# equal flow per area.

# %%
flow = maps.flow.values[:, 0].astype(np.float64)  # [T, MI, MJ] of the first direction
busiest = int(flow.sum((1, 2)).argmax())
when = f"{pd.Timestamp(maps.time.values[busiest]):%A, %H:%M}"
coarse_then = block_sum(flow[busiest], factor)
pair_figure(coarse_then, flow[busiest], unit, f"{city}, {when}")
plt.show()
cells = flow[busiest].reshape(len(coarse_then), factor, -1, factor).swapaxes(1, 2)
cells = cells.reshape(-1, factor**2)  # [blocks, M M]
full = cells.sum(1) > 0
largest = cells[full].max(1) / cells[full].sum(1)
assert np.array_equal(cells.sum(1), coarse_then.ravel())  # the constraint, exactly
print(f"{full.sum()} of {len(cells)} blocks saw a vehicle. On average the fullest of the "
      f"{factor**2} cells holds {largest.mean():.0%} of its block, "
      f"an even split would give it {1 / factor**2:.1%}")  # fmt: skip

# %% [markdown]
# The two pictures hold the same vehicles. What the left one lacks is the street pattern: within a
# block, flow runs along lines, and the fullest cell holds several times its even part. That pattern
# is steady from day to day, and it is the reason why the problem can be solved at all.
#
# ## 2. The task as tensors
#
# `make_task` cuts a city into what every method of this part receives. A *sample* is one direction
# at one time step. Time decides who is who: the first half of the record is for training, a quarter
# for validation, the last quarter for the test (2:1:1, as in the paper), unless the source has a
# split of its own.

# %%
task = make_task(maps, factor)
assert task.train.max() < task.valid.min() and task.valid.max() < task.test.min()
caption = f"{city} as a task, M = {factor}; external: {', '.join(task.external_names)}"
show_table(problem.shapes_table(task), caption)

# %% [markdown]
# How does a method fare with little data? The papers cut the training part to a **fraction** and
# never touch the rest. Which samples stay matters. We keep the first ones, a chronological prefix:
# a city that has counted finely for a few days has *consecutive* days, and not every tenth
# half-hour of a month.

# %%
kept = {percent: make_task(maps, factor, float(percent)).train for percent in range(20, 101, 20)}
assert all(torch.equal(task.train[: len(part)], part) for part in kept.values())
problem.split_figure(task, kept)
plt.show()

# %% [markdown]
# With the smallest fraction a method never sees most kinds of day, a weekend for instance,
# depending on where the record begins. This is scarcity as a city would meet it.
#
# A split on paper is not yet a split in code, so we test it with sabotage. Turn every block upside
# down and left to right *after* the training period: the coarse maps stay as they are, so a method
# that looked only at training maps must give the same inference to the last bit. Turned *within*
# the training period, it must change.

# %%
def inference(method, seen, samples, on=task, **settings):
    """Fit a rule on the task `seen`; its inference for samples of the untouched task `on`."""
    rule = METHODS[method]
    return rule.fit(seen, rule.settings(**settings), seed, None)(on, samples)


end, everything = int(task.train[-1]) + 1, len(task.fine)
sabotaged = lambda first, last: replace(task, fine=problem.turned(task, first, last))
honest = inference("HA", task, task.valid)
assert torch.equal(inference("HA", sabotaged(end, everything), task.valid), honest)
assert not torch.equal(inference("HA", sabotaged(0, end), task.valid), honest)
short = make_task(maps, factor, 20.0)
later = replace(sabotaged(int(short.train[-1]) + 1, everything), train=short.train)
assert torch.equal(inference("HA", later, task.valid), inference("HA", short, task.valid))
print("HA sees its training maps and nothing else, at 100 % and at 20 %")

# %% [markdown]
# ## 3. MEAN: know nothing
#
# If nothing is known about the cells of a block, no cell can be preferred. Take any guess and
# shuffle the cells: among all splits, the even one has the least squared error on average over the
# shuffles,
#
# $$ \hat y_i = \frac{x_{b(i)}}{M^2}. $$ (eq-fg-mean)
#
# First loop by loop, as one would explain it to a child, then the library's form, and the two must
# be equal.

# %%
def mean_naive(coarse, factor):
    """Coarse map [I, J] -> fine map [MI, MJ], every cell its even part."""
    fine = np.zeros((coarse.shape[0] * factor, coarse.shape[1] * factor))
    for row in range(fine.shape[0]):
        for col in range(fine.shape[1]):
            fine[row, col] = coarse[row // factor, col // factor] / factor**2
    return fine


sample = task.test[len(task.test) // 2][None]
naive = mean_naive(task.coarse[sample][0, 0].numpy(), factor)
np.testing.assert_allclose(inference("MEAN", task, sample)[0, 0], naive, rtol=1e-6)

# %% [markdown]
# How wrong can it be? At worst all $x$ vehicles are in one cell. Then that cell misses $x - x/M^2$
# and each of the others has $x/M^2$ too much, so
#
# $$ \text{MAE}(\text{MEAN}) \;\le\; 2\,\Big(1 - \frac{1}{M^2}\Big)\, \bar y, $$ (eq-fg-bound)
#
# with $\bar y$ the mean fine flow. Half a minute of algebra, and useful: a printed MAE of MEAN
# tells how much flow a data set must have at least. The paper's BikeNYC maps, with an MAE of 1.281
# at $M = 2$, must hold at least 0.854 events per cell and hour, a hint that both ends of each trip
# were counted.

# %%
spike = torch.zeros(1, 1, factor, factor)
spike[..., 0, 0] = 120.0
even = torch.full_like(spike, 120.0 / factor**2)
slope = 2 * (1 - 1 / factor**2)
assert np.isclose(flow_errors(even, spike)["mae"], slope * spike.mean().item())
truth = task.fine[task.test]
mean_mae = flow_errors(inference("MEAN", task, task.test), truth)["mae"]
worst = slope * truth.double().mean()
assert mean_mae <= worst
print(f"MAE of MEAN {mean_mae:.2f}, at worst {worst:.2f} {unit}: "
      f"{mean_mae / worst:.0%} of the way to one cell taking all")  # fmt: skip

# %% [markdown]
# ## 4. HA: know the past
#
# The historical average remembers for each fine cell which part of its block it used to have,
#
# $$ w_i = \frac1T \sum_{t=1}^{T} \frac{y_{i,t}}{x_{b(i),t}} \;\;(0 \text{ where } x = 0), \qquad \hat y_i = x_{b(i)}\, w_i. $$ (eq-fg-ha)
#
# The same past can be averaged in other ways. Write
# $w_i = \sum_t \omega_t \, (y_{i,t}/x_t) \,/ \sum_t \omega_t$. With $\omega_t = 1$ every map has
# one vote, a quiet night as much as a rush hour. With $\omega_t = x_t$ every *vehicle* has one
# vote: $w_i = \sum_t y_{i,t} / \sum_t x_t$, the maximum-likelihood share if vehicles choose their
# cell independently. With $\omega_t = x_t^2$, the shares minimise the squared error of the counts
# on the training maps. The first is the paper's by its scripts, the second by the numbers UrbanFM
# {cite}`urbanfm` prints; both were in use.

# %%
def ha_naive(fine, coarse, factor, power):
    """Shares [MI, MJ] from fine [T, MI, MJ] and coarse [T, I, J]; each map votes with x^power."""
    shares = np.zeros(fine.shape[1:])
    for row in range(fine.shape[1]):
        for col in range(fine.shape[2]):
            x, y = coarse[:, row // factor, col // factor], fine[:, row, col]
            ratio = np.divide(y, x, out=np.zeros_like(x), where=x > 0)
            weight = x**power
            shares[row, col] = (weight * ratio).sum() / max(weight.sum(), 1e-9)
    return shares


first = task.train[:: len(task.directions)]  # one direction
past, past_coarse = task.fine[first, 0].double().numpy(), task.coarse[first, 0].double().numpy()
shares = {power: ha_naive(past, past_coarse, factor, power) for power in (0, 1, 2)}

# %%
enlarge = lambda x: np.repeat(np.repeat(x, factor, -2), factor, -1)
tests = task.test[:: len(task.directions)]
parent = enlarge(task.coarse[tests, 0].double().numpy())
for power, ratio in ((0, "mean"), (1, "sum")):
    ours = inference("HA", task, tests, ratio=ratio)[:, 0].numpy()
    np.testing.assert_allclose(ours, shares[power] * parent, rtol=1e-3, atol=1e-4)
assert METHODS["HA"].settings().ratio == "mean"
names = ("every map one vote (HA)", "every vehicle one vote (HA, sum)", "votes squared")
remembered = {name: shares[power] * parent for power, name in enumerate(names)}
errors = problem.error_table(remembered, task.fine[tests, 0])
show_table(errors, f"Three ways to remember, test part, {unit}", digits=4)
best = errors.idxmin()
print(f"lowest RMSE: {best['rmse']}; lowest MAPE: {best['mape']}")
assert best["rmse"] != names[0] == best["mape"]

# %% [markdown]
# The naive loops and both of the library's forms agree. The three ways differ little, and in an
# orderly manner: an error that punishes large misses likes votes by vehicles, an error that counts
# every cell alike likes one vote a map. Where a table says HA without more, it is the first.
#
# ### Does HA lose vehicles?
#
# The constraint asks $\sum_{i \in b} w_i = 1$. Sum {eq}`eq-fg-ha` over a block: the ratios of one
# map add up to 1 where the block saw anybody and to 0 where it did not, so
#
# $$ \sum_{i \in b} w_i = \frac{\#\{t : x_{b,t} > 0\}}{T}. $$ (eq-fg-gap)
#
# HA keeps everybody in blocks that were never empty, and loses vehicles wherever a training map had
# none. Dividing by the number of non-empty maps repairs it; so does voting by vehicles.

# %%
given = block_sum(shares[0], factor)
np.testing.assert_allclose(given, (past_coarse > 0).mean(0), atol=1e-9)
lost = ((1 - given) * block_sum(parent, factor) / factor**2).sum() / (parent.sum() / factor**2)
repaired = shares[0] / np.maximum(enlarge(given), 1e-9)
after = problem.error_table({"repaired": repaired * parent}, task.fine[tests, 0])
print(f"HA loses {lost:.2%} of the test vehicles; repaired, its RMSE goes from "
      f"{errors['rmse'].iloc[0]:.4f} to {after['rmse'].item():.4f}")  # fmt: skip
memory_figure(given, shares[0], f"{city}: what HA remembers (grey: 0)")
plt.show()

# %% [markdown]
# Left, blocks darker than 1 were empty in some training maps: water, parks, the edge of the city.
# Such a block may lose much, but it has little to lose, which is why the repair hardly moves the
# error. Result tables list the largest relative gap of each method all the same. Right, the memory
# itself: one number per fine cell, and the streets are in it.
#
# ## 5. Three errors
#
# With all $N$ test cells of all maps pooled, in vehicles,
#
# $$ \text{RMSE} = \sqrt{\tfrac1N \sum (y - \hat y)^2}, \quad \text{MAE} = \tfrac1N \sum |y - \hat y|, \quad
# \text{MAPE} = \tfrac1N \sum \frac{|y - \hat y|}{d(y)}, \;\; d(y) = \begin{cases} y & y \ne 0 \\ 1 & y = 0. \end{cases} $$ (eq-fg-errors)
#
# The paper's formula divides by zero in empty cells; its code divides by 1 there, masks nothing and
# rounds nothing, and the tables follow the code. Four cells are enough to check by hand.

# %%
y, guess = [0, 1, 2, 5], [1, 1, 1, 4]
by_hand = {"rmse": Fraction(1 + 0 + 1 + 1, 4) ** 0.5, "mae": Fraction(1 + 0 + 1 + 1, 4),
           "mape": (Fraction(1, 1) + 0 + Fraction(1, 2) + Fraction(1, 5)) / 4}  # fmt: skip
ours = flow_errors(torch.tensor(guess).float(), torch.tensor(y).float())
assert all(np.isclose(ours[name], float(by_hand[name])) for name in by_hand)
print({name: str(value)[:6] for name, value in by_hand.items()})

# %% [markdown]
# What does each error *want*? Suppose a cell's count is Poisson with mean $\mu$ and we know $\mu$.
# Squared error wants the mean. Absolute error wants the median. MAPE wants a median too, but a
# weighted one, in which a count $y$ weighs $1 / d(y)$: ten vehicles too few on a full day cost less
# than one too many on an empty one. Left, the best guess under each error. Right, what happens to
# HA when all its inferences are multiplied by one number.

# %%
means = np.geomspace(0.2, 30, 600)
wanted = problem.poisson_guesses(means)
assert (wanted["MAPE: weighted median"] <= wanted["MAE: median"]).all()
scales = np.round(np.arange(0.6, 1.151, 0.05), 2)
rules = {name: inference(name, task, task.test) for name in ("MEAN", "HA")}
at_scale = problem.error_table({c: rules["HA"] * c for c in scales}, truth)
relative = (at_scale / at_scale.loc[1.0]).rename(columns=str.upper)
problem.guesses_figure(means, wanted, relative)
plt.show()
low = relative.idxmin()
assert low["MAPE"] < 1
print("HA is best when multiplied by", {name: float(low[name]) for name in relative})

# %% [markdown]
# MAPE rewards guessing low: its curve sinks to the left of 1, and its favourite guess for a cell
# that sees less than one vehicle is none. A method can win in MAPE by being timid. We report all
# three errors because the paper does, and trust MAPE least.
#
# ## 6. When and where the rules err
#
# The same errors by hour of the day and by how full the block was.

# %%
wrong = {name: (fine - truth)[:, 0].double().numpy() for name, fine in rules.items()}
hour = pd.DatetimeIndex(task.time[task.test.numpy()]).hour
by_hour = {name: problem.rmse_by_hour(e, hour) for name, e in wrong.items()}
coarse_test = task.coarse[task.test, 0].double().numpy()
level = enlarge(coarse_test)
edges = np.geomspace(1, level.max() * 1.001, 14)
by_level = {name: binned_rmse(level, e, edges) for name, e in wrong.items()}
problem.rules_figure(by_hour, by_level, unit)
plt.show()
overall = {name: score(task, lambda t, i, n=name: inference(n, task, i)) for name in rules}
busy = level >= np.quantile(level, 0.9)
share = {name: (e[busy] ** 2).sum() / (e**2).sum() for name, e in wrong.items()}
columns = ["rmse", "mae", "mape", "conservation", "dead_blocks"]
show_table(pd.DataFrame({n: s["metrics"] for n, s in overall.items()}).T[columns], "Test part")
print(f"the fullest tenth of the blocks makes {share['HA']:.0%} of HA's squared error")
assert overall["HA"]["metrics"]["rmse"] < overall["MEAN"]["metrics"]["rmse"]
power = {n: np.polyfit(np.log(c.index), np.log(c), 1)[0] for n, c in by_level.items()}
print("RMSE grows like the block's flow to the power",
      {n: f"{p:.2f}" for n, p in power.items()})  # fmt: skip
quietest = pd.Series(coarse_test.sum((1, 2))).groupby(hour).mean().idxmin()
assert all(curve[quietest] < curve.mean() for curve in by_hour.values())
assert 0.5 <= power["HA"] < power["MEAN"]

# %% [markdown]
# The quietest hour is an easy one, and a few full blocks decide the RMSE. The slope in the right
# picture is telling. If shares were wrong by a constant percentage, errors would grow in proportion
# to the flow (power 1; MEAN comes nearer to that); if shares were right and only chance remained,
# they would grow like its square root (power ½). HA lies between. The next section says where.
#
# In the table, *conservation* is the largest relative gap between a block and its cells, and a
# *dead block* is one whose cells all got the same: MEAN consists of nothing else.
#
# ## 7. The part that is chance
#
# Suppose somebody knew the true share $\pi_i(t)$ of every cell. The counts would still be thrown:
# given $x$, a fine count is binomial, and even this **oracle** has the squared error
#
# $$ \mathbb{E}\big[(y_i - x \pi_i)^2\big] = x\, \pi_i\, (1 - \pi_i). $$ (eq-fg-floor)
#
# No method gets below it other than by luck. In a simulated city we have the oracle in hand, so we
# can measure the floor and check the formula.

# %%
sim, sim_truth = simulate.CITIES["sim-fine"]()
sim_task = make_task(sim, 4)
pi = simulate.fine_split(sim_truth, 4)[sim_task.test.numpy()].astype(np.float64)
sim_fine = sim_task.fine[sim_task.test, 0].double().numpy()
x = np.repeat(np.repeat(block_sum(sim_fine, 4), 4, -2), 4, -1)
measured, expected = ((sim_fine - x * pi) ** 2).mean(), (x * pi * (1 - pi)).mean()
print(f"oracle's squared error: measured {measured:.4f}, by the formula {expected:.4f}")
assert np.isclose(measured, expected, rtol=0.02)
sim_rules = {name: inference(name, sim_task, sim_task.test, on=sim_task)[:, 0].double().numpy()
             for name in ("MEAN", "HA")} | {"true split": x * pi}  # fmt: skip
table = problem.error_table(sim_rules, sim_fine)
table["squared error that is chance"] = [f"{expected / r**2:.0%}" for r in table["rmse"]]
show_table(table, "sim-fine, test part: two rules and the floor")
sim_edges = np.geomspace(1, x.max() * 1.001, 14)
curves = {n: binned_rmse(x, e - sim_fine, sim_edges) for n, e in sim_rules.items()}
problem.floor_figure(curves, "vehicles per 30 min")
plt.show()
above = curves["HA"] / curves["true split"]
assert above.iloc[:3].max() < 1.1 and above.iloc[-1] > 1.5
print(f"HA over the floor: {above.iloc[0]:.2f} in the thinnest blocks, "
      f"{above.iloc[-1]:.2f} in the fullest")  # fmt: skip

# %% [markdown]
# The formula holds. In thin blocks HA already sits on the floor: nothing is left to learn there.
# The room is in full blocks, where the split changes with the hour and HA cannot follow. Everything
# that networks of this part gain, they gain between the black and the green curve.
#
# Real cities give no oracle, but {eq}`eq-fg-floor` with HA's own shares estimates the floor. It is
# a yardstick and no theorem: real vehicles do not choose cells independently (see
# {doc}`../data/02_gps_to_maps`).

# %%
w = shares[1] / np.maximum(enlarge(block_sum(shares[1], factor)), 1e-9)
floor = np.sqrt((parent * w * (1 - w)).mean())
ha_rmse = errors["rmse"].iloc[0]
print(f"{city}: HA {ha_rmse:.3f}, floor about {floor:.3f} {unit}; "
      f"chance would make {floor**2 / ha_rmse**2:.0%} of HA's squared error")  # fmt: skip

# %% [markdown]
# ## 8. UrbanFM, the first network
#
# UrbanFM {cite}`urbanfm` learned to split before UrbanSTC did, and is the baseline to beat. Its
# path: a 9×9 convolution reads the coarse map, sixteen residual blocks work on it at coarse size,
# pixel shuffling enlarges it, a 9×9 convolution gives one score per fine cell, and the scores are
# normalised within each block, which makes {eq}`eq-fg-split` hold whatever the weights are. Weather
# and calendar can be added at both ends.
#
# The papers print its size as "5.94 M". Their million is $2^{20}$, and the count includes the
# external factors. We build it at the paper's size without spending memory on a single weight: on
# PyTorch's `meta` device tensors have shapes and nothing else.

# %%
paper_size = cost.blank_task(factor=4, rows=32, cols=32)  # TaxiBJ's shapes
plans = {"with external factors": (paper_size, True), "without": (paper_size, False),
         "M = 2": (cost.blank_task(2, 40, 20), False)}  # fmt: skip
sizes = {name: problem.parameters_by_part(UrbanFM, UrbanFMSettings(external=external), blank)
         for name, (blank, external) in plans.items()}  # fmt: skip
sizes = pd.DataFrame(sizes)
sizes = sizes[sizes.sum(axis=1) > 0].fillna(0).astype(int)
sizes.loc["all"] = sizes.sum()
assert sizes.loc["all"].tolist() == [6_226_752, 6_082_305, 5_490_945]
assert f"{sizes.at['all', 'with external factors'] / cost.UNIT:.2f}" == "5.94"
show_table(sizes.drop(columns="M = 2"),
           "UrbanFM at the paper's size, 32 x 32 to 128 x 128: parameters")  # fmt: skip

# %% [markdown]
# Three quarters of the weights sit in the sixteen residual blocks, all at coarse size; the fine
# grid sees the last layer only.
#
# ## 9. All baselines
#
# The paper compares UrbanSTC with thirteen methods: two rules, eight networks made for sharpening
# photographs or climate models, and three made for flows. Each is a file of its own in
# `stflow_lib/finegrained`, in the form whose parameter count matches the printed one.
#
# | method | idea | source |
# |---|---|---|
# | MEAN, HA | sections 3 and 4 | {cite}`urbanstc` |
# | SRCNN | enlarge by bicubic interpolation, then three convolutions at fine size | {cite}`srcnn` |
# | ESPCN | convolve at coarse size; the last layer makes $M^2$ channels and deals them out to the fine cells (*pixel shuffle*) | {cite}`espcn` |
# | DeepSD | two SRCNNs in a row, each doubling the size; made for rain | {cite}`deepsd` |
# | VDSR | a plain row of many convolutions, here at coarse size | {cite}`vdsr` |
# | SRResNet | residual blocks with a sum around all of them; UrbanFM's pattern | {cite}`srresnet` |
# | LapSRN | a pyramid: at each doubling a learned residual is added to an interpolated map | {cite}`lapsrn` |
# | IMDN | every layer sets a quarter of its channels aside; in the end all of them are gathered and weighed | {cite}`imdn` |
# | SCN | one block for the map and for ever coarser copies of it, which exchange what they find | {cite}`scn` |
# | UrbanFM | section 8 | {cite}`urbanfm` |
# | UrbanPy | a cascade of doublings; each corrects the split of the one before, with a matrix of its own for every coarse cell | {cite}`urbanpy` |
# | FODE | an ordinary differential equation, one step of Runge and Kutta, in place of the residual blocks | {cite}`fode` |
#
# **Where** does each of them think? A layer costs one multiplication per weight and place, so the
# same layer costs $M^2$ times more at fine size than at coarse size. We send an empty map through
# each network at the paper's size and let every layer report.

# %%
recipes = {name: cost.recipe(METHODS[name]) for name in tables.PAPER}
kinds = {name: recipe[0] for name, recipe in recipes.items() if recipe}  # MEAN, HA: no network
guide = problem.work_table(kinds, paper_size)
caption = "At the paper's size, one 32 x 32 map to 128 x 128: 10^9 multiply-adds by grid"
show_table(guide, caption, digits=2)
assert (guide["parameters / 2^20"].idxmax(), guide["all"].idxmax()) == ("SCN", "UrbanPy")
for_flows = guide.loc[["UrbanFM", "UrbanPy", "FODE", "UrbanSTC"]].idxmin()
assert (for_flows[["parameters / 2^20", "all"]] == "UrbanSTC").all()
problem.work_figure(guide[[*problem.GRIDS]], guide["parameters / 2^20"])
plt.show()

# %% [markdown]
# Size and work are two things. SRCNN is among the smallest and works at fine size throughout; SCN
# is the largest because its blocks are wide, at coarse size where width is cheap; UrbanPy repeats
# UrbanFM's blocks on the grid in between and works hardest of all. UrbanSTC, the subject of the
# next page, is the smallest of the four made for flows, and the one with least to do.
#
# Eight of the eleven have never heard of the constraint. Here all of them end in the split of
# section 8, so that the tables compare networks and not last layers; the setting `constraint` takes
# it away. Does each keep it, on this page's city, in the smallest size of the book, untrained?

# %%
some = task.test[:32]
built = {name: partial(kind, task, Plan.of("smoke").settings(name)) for name, kind in kinds.items()}
born = problem.untrained_table(built, task, some, seed)
assert (born["largest relative gap"] < 1e-3).all()
known = problem.error_table({name: fine[:32] for name, fine in rules.items()}, truth[:32])
assert born["rmse"].min() > known.at["HA", "rmse"]
born["largest relative gap"] = born["largest relative gap"].map("{:.0e}".format)
born = pd.concat([born, known[["rmse"]]]).fillna({"parameters": "", "largest relative gap": ""})
show_table(born, f"Untrained networks, and two rules: 32 test maps of {city}, {unit}")

# %% [markdown]
# All of them keep the constraint, and none comes near HA: an untrained network splits nearly
# evenly, or at random, or, where it starts from an interpolated map, smoothly. How far training
# takes them, and with how many maps, is the subject of {doc}`03_results`.
#
# ## What to remember
#
# - The constraint leaves only the split of each block to infer, and time alone decides who may see which map.
# - MEAN and HA need no training; HA removes most of MEAN's error, and loses vehicles only in blocks that are sometimes empty.
# - RMSE is decided by a few full blocks; MAPE favours guessing low.
# - Chance has a part in every error that no method can remove; what can be learned lies in full blocks.
# - Parameters say little about work: what counts is on which grid a layer runs.
#
# **Deviations from the paper.** Its HA is not defined in the text; we take the mean of ratios of
# its authors' later scripts (`ratio="mean"`) and offer `"sum"`. Its MAPE formula divides by zero;
# we follow its code. Training fractions are prefixes in time, as its code has them. The eight
# super-resolution networks get the split with non-negative scores (`constraint="m2"`); code by the
# same group normalises signed scores (`"m2_signed"`), and the paper's numbers for them look like
# none at all (`"none"`). FODE's layers are our reading of a printed size (`variant`).
#
# **Next.** {doc}`02_urbanstc_method` trains encoders on coarse maps alone. **References.** Problem,
# metrics and protocol: {cite}`urbanstc`; UrbanFM and the normalised split: {cite}`urbanfm`; the
# other baselines in the table of section 9.
