# %% [markdown]
# # UrbanSTC's choices: sizes, dead networks, deviations
#
# *What you need: {doc}`02_urbanstc_method`. Reading: 10 minutes. Runs in: under a minute. You will
# see: the printed sizes met to the last digit, a network that may be dead before its first step,
# what each choice costs, and where we leave the paper.*
#
# The text of the paper {cite}`urbanstc` and its released code are not quite the same method, and a
# reproduction has to choose. The sizes that it prints say which of the two was run; runs of our own
# say which choices matter.
#
# In turn: 1. sizes; 2. networks born dead; 3. what each choice costs; 4. deviations.

# %% tags=["parameters"]
profile: str = "lab"  # whose recorded runs and settings the page shows: lab, bench or paper
train_missing: bool = False  # compute runs that have no record; False shows "not run" instead
births: int = 24  # untrained networks drawn in section 2

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd
import torch
import torch.nn.functional as F

from stflow_lib import runs
from stflow_lib.book import findings
from stflow_lib.book.display import provenance, show_table, show_text
from stflow_lib.book.plots.curves import curves_figure
from stflow_lib.book.plots.finegrained import live, probes, variants
from stflow_lib.book.plots.finegrained.method import births_figure
from stflow_lib.data.catalog.index import entries
from stflow_lib.finegrained import METHODS, ablations, cost, open_task
from stflow_lib.finegrained.networks.layers import ACTIVATIONS, Split
from stflow_lib.finegrained.urbanstc.method import UrbanSTC, UrbanSTCSettings
from stflow_lib.kernels import nearest_and_farthest
from stflow_lib.training.method import count_parameters

groups = ablations.variant_runs(profile)  # variant -> runs, one per seed
run = groups["as in the tables"][0]
settings = runs.build_settings(METHODS["UrbanSTC"], run.settings)
shown = live.drawable(profile, [run], train=True)  # whose maps untrained networks see
task = open_task(ablations.variant_runs(shown)["as in the tables"][0])
M, C = task.factor, settings.channels
maps = task.coarse[task.train[-16:]]  # [16, 1, I, J] one batch
print(f"records: {run.city}, {run.scarcity} % of the training part, C = {C}")
print(f"untrained networks: maps of {task.city}, M = {M}")

# %% [markdown]
# ## 1. Sizes
#
# Parameter counts are the best witness of what the paper's authors really ran. Its Table 10 prints
# them in units of $2^{20}$. Counted here on empty maps of the paper's sizes:

# %%
beijing, new_york = cost.blank_task(4, 32, 32), cost.blank_task(2, 40, 20)
plans = {"M=4, +E": (beijing, 128, True), "M=4": (beijing, 128, False),
         "M=2": (new_york, 128, False), "C=64, +E": (beijing, 64, True),
         "C=32, +E": (beijing, 32, True)}  # fmt: skip
counts = {}
for name, (blank, width, external) in plans.items():
    own_plan = UrbanSTCSettings(channels=width, external=external)
    parts = cost.parts(METHODS["UrbanSTC"], blank, own_plan)
    counts[name] = {part.stage: count_parameters(part.network) for part in parts}
order = {"reg": "Reg", "tcs": "TCS", "inf": "Inf", "fine_tuning": "fine-tuning"}
table = pd.DataFrame(counts).loc[[*order]].rename(order)
table["M=4, +E / 2^20"] = (table["M=4, +E"] / 2**20).map("{:.2f}".format)
table["Table 10"] = ["0.03", "0.16", "1.41", "1.98"]
assert list(table["M=4, +E"]) == [33_536, 165_632, 1_480_321, 2_072_719]
assert [*table.loc["fine-tuning", ["M=4", "M=2"]]] == [1_938_817, 1_348_481]
assert table.at["Inf", "M=2"] == 888_961
assert (table["M=4, +E / 2^20"] == table["Table 10"]).all()
show_table(table, "Parameters (C = 128 where not said)")

# %% [markdown]
# All four printed sizes are met, and they settle two questions. The fine-tuning row is the network
# *with* external factors, although the errors printed beside it are those without. And upsampling
# goes in two steps of two, as in the code; the single step of the paper's text has another size:

# %%
one_step = UrbanSTC(beijing, UrbanSTCSettings(external=True, single_step=True))
size = f"{count_parameters(one_step) / 2**20:.2f}"
print(f"one step of {beijing.factor}: {size} x 2^20 parameters")
assert size != "1.98"

# %% [markdown]
# ## 2. Networks born dead
#
# Convolution weights start as $\mathcal N(0, 0.02^2)$, biases at PyTorch's
# $\mathcal U(\pm 1/\sqrt{9C})$. A layer with $9C$ inputs and a ReLU multiplies the size of its
# signal by about $0.02\sqrt{9C/2}$: 0.12 for $C = 8$, 0.24 for $C = 32$, 0.48 for $C = 128$. A map
# passes six layers at $M = 4$, and in a narrow network little of it is left when the last one adds
# its bias. That one number then decides for all cells at once. If it is negative, so are all
# scores; ReLU makes them zero, every block is dead, and the gradient is zero everywhere: the
# network predicts nothing and never will. We draw some networks, narrow and of the paper's width,
# and look.

# %%
narrow, wide = min(C, 16), 128
kinds = {f"{activation}, C={width}": (width, activation, False)
         for activation in ("relu", "shifted") for width in (narrow, wide)}  # fmt: skip
soft = ("softplus", "sharp", "squareplus")
kinds |= {f"{activation}, C={narrow}": (narrow, activation, False) for activation in soft}
kinds[f"relu + safe, C={narrow}"] = narrow, "relu", True
born = {}
for name, (width, activation, safe) in kinds.items():
    form = replace(settings, channels=width, activation=activation, safe=safe)
    born[name] = probes.at_birth(task, form, maps[:2], births)
births_figure(born).suptitle(f"Untrained networks on maps of {task.city}")
plt.show()
shift = float(ACTIVATIONS["shifted"](torch.zeros(())))
bias = {f"C = {width}": f"{1 / (9 * width) ** 0.5:.3f}" for width in (narrow, wide)}
print(f"shift {shift:g}; largest bias 1 / sqrt(9 C):", bias)
print("the last layer of this page's tables:", settings.activation)
assert not any(born[f"{activation}, C={narrow}"][0].any() for activation in soft)
for width in (narrow, wide):
    assert born[f"shifted, C={width}"][0].sum() <= born[f"relu, C={width}"][0].sum()

# %% [markdown]
# The published start is a lottery, and the narrower the network the more the bias is the ticket.
# The escapes are one setting each. **shifted**, $u = \mathrm{relu}(r + c)$ with the shift $c$
# printed above, puts more of the networks on the living side, all of them where $c$ exceeds what
# the bias and the signal can take away, and can still give an exact zero. **softplus** is positive
# everywhere, but answers slowly and cannot give an exact zero to a lake or a park. **sharp**,
# $\frac1{10}\log(1 + e^{10 r})$, is ten times as steep: about 0.07 at zero, alive on both sides of
# it. **squareplus** ([Barron, 2021](https://arxiv.org/abs/2112.11687)) has the same value and slope
# at zero, but falls as $1 / |r|$ where the other two fall exponentially. **safe** loses no vehicle,
# but a network born dead stays so:

# %%
silent = UrbanSTC(task, replace(settings, external=False, activation="relu"))
torch.nn.init.constant_(silent.decoder[-1].bias, -1e6)  # surely below zero
for safe in (False, True):
    silent.split = Split(M, "relu", safe)
    fine = silent(maps, task.external[:16])
    F.mse_loss(fine, task.fine[task.train[-16:]]).backward()
    moving = sum(bool(w.grad is not None and w.grad.any()) for w in silent.parameters())
    lost = f"{1 - (fine.sum() / maps.sum()).item():.0%} of vehicles lost"
    print(f"all scores negative, safe={safe}: {lost}, {moving} tensors with gradient")
    assert moving == 0

# %% [markdown]
# Training can also kill a network that was born alive, by one step that is too long. An exponential
# tail is no protection: where the raw values of a block are all far below zero, softplus and sharp
# leave scores that are nothing beside $\varepsilon$, and a gradient that is as small. Networks whose
# counts enter unscaled get that far; [their records](03_results) say how many blocks died. A share
# that changes when one raw value rises by a hundredth says who still hears the loss:

# %%
for depth in (-1.0, -3.0, -30.0, -1000.0):
    raw = torch.full((1, 1, 2, 2), depth)
    raw[..., 0, 0] *= 0.99
    shares = {name: Split(2, name, safe=True)(raw, torch.ones(1, 1, 1, 1)) for name in soft}
    moved = {name: float(share.max() - share.min()) for name, share in shares.items()}
    print(f"raw {depth:g}:", ", ".join(f"{name} {gap:.1g}" for name, gap in moved.items()))
    assert moved["squareplus"] > 1e-4

# %% tags=["finding"]
dead = {name: 100 * found[0].mean() for name, found in born.items()}
show_text(findings.extremes(pd.Series(dead), "Dead blocks of untrained networks", "%"))

# %% [markdown]
# So dead blocks are counted after every epoch, a run whose best epoch has more than half of them
# dead is marked **collapsed** in its record, and no table of this book averages it in: it is
# counted beside the mean.
#
# ## 3. What each choice costs
#
# One setting changed at a time, everything else as in the tables, least data. *Random encoders* is
# the control that the paper lacks: the same network without any pretext. *Paper's text* takes flow
# labels and Eq. 4, plain embeddings, one upsampling step, no freezing.

# %%
every = [one_run for group in groups.values() for one_run in group]
runs.ensure_all(every, train_missing)
board = variants.variants_table(groups)
show_table(board, f"UrbanSTC's variants on {run.city}, {run.scarcity} % of the training part")
provenance(runs.records(every))
effect = variants.effects(groups)
for name, text in effect.items():
    print(f"{name:16} {text}")

# %% [markdown]
# Differences smaller than the spread over seeds say nothing, and with one seed there is no spread
# to compare with. The curves belong to the same runs, one line for each seed.

# %%
panels = variants.variants_curves(groups, entries()[run.city].unit)
if panels:
    curves_figure(panels)
    plt.show()
else:
    command = "python -m stflow_lib run --table finegrained.variants"
    print(f"no record yet: {command} --profile {profile}")

# %% [markdown]
# A curve that stays on one level from its first epoch to its last, with a share of dead blocks near
# one, is a collapsed run; a step in a curve of the upper row is where the encoders are set free or
# the rate is halved.
#
# ## 4. Deviations from the paper
#
# Where text and released code differ, the library follows the code, because the printed sizes prove
# that the code ran, and keeps the text as settings. On top of that come our own. The effect is
# given where this page's runs measure it.

# %%
train, whole_part = len(task.train), task.coarse[task.train_all].flatten(1)
K = min(settings.temporal.neighbours, train - 1)
_, near, _, far = nearest_and_farthest(whole_part, K)
outside = (torch.cat([near[:train], far[:train]]) >= train).float().mean().item()
live.say(shown, f"code: {outside:.0%} of the neighbours lie outside the fraction, {task.city}")
table = variants.deviations(settings, effect, task.device, train if shown == profile else 0)
table = table.rename(columns={"here": f"here, profile {profile}"})
show_table(table, "Deviations", index=False)

# %% [markdown]
# ## 5. Live, in small
#
# The tables above were read from records. Here every variant is trained once more, on a simulated
# city and for one epoch: the code behind the records runs here.

# %%
live.show_live("Variants", ablations.variant_runs(live.LIVE))

# %% [markdown]
# ## What to remember
#
# - Parameter counts are evidence: the printed sizes fit the released code, not the text.
# - A last layer can kill a network silently, at its start or later: count dead blocks.
# - A difference below the spread over seeds is no finding, and one seed has no spread.
#
# **Deviations.** In the table above. **Next.** {doc}`03_results`: UrbanSTC against its baselines,
# beside the paper's numbers. **References.** {cite}`urbanstc`.
