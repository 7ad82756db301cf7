# %% [markdown]
# # Benchmarks: what the kernels bring
#
# *What you need: one of the pages before. Reading: 10 minutes. Runs in: half a minute at smoke size, about eight minutes at the sizes of the aims. You will
# see: ratios of naive and fast forms on this processor, beside aims set in advance; what a training step saves; the roofline; and 39 broken kernels,
# each of which a proof must notice.*
#
# A kernel is worth its lines if it is right and if something becomes faster by it. The first is proved elsewhere: each page before ran the proofs. This page asks the second, of
# the torch forms on a CPU. Times in themselves mean little on a machine that others use too, so all forms take turns in one process, in an order drawn anew each turn; we count processor seconds
# of one thread, and only ratios within a turn are compared.

# %% tags=["parameters"]
regions: int = 96  # of rank_contrast; New York has 460
maps: int = 60  # of nearest_and_farthest; a month of half-hours is 1530
cells: int = 64  # of each of these maps; 1024 in the paper
batch: int = 2  # maps of conserve; 16 in the aim
side: int = 32  # fine cells per side of conserve; 128 in the aim
channels: int = 8  # of Graph WaveNet, whose gradients skewed_direction takes; 32 in the release
nodes: int = 12  # sensors of its graph; 207 in METR-LA
width: int = 8  # channels of UrbanSTC; 128 in the paper
windows: int = 4  # of a training step; 64 in the paper
turns: int = 3  # kept, each of which measures everything once

# %%
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from stflow_lib import measure, runs
from stflow_lib.finegrained import urbanstc
from stflow_lib.kernels import backend, masked_error, skewed_direction
from stflow_lib.kernels.benchmarks import bytes_moved
from stflow_lib.kernels.card import RESULTS
from stflow_lib.kernels.cases import CASES, cast
from stflow_lib.notebook import show
from stflow_lib.plots_kernels import aims_figure, roofline_figure
from stflow_lib.speedgraph.gwn import GraphWaveNet, Size

torch.set_num_threads(1)  # then processor seconds are work, not threads that wait
torch.manual_seed(0)
print("measured on", runs.execute.device_name())

# %% [markdown]
# ## Ratios beside aims
#
# The aims were written down before the code: `rank_contrast` for New York at least 30 times as fast as its naive twin, the search for neighbours among 1530 maps at least 100 times as fast as the
# double loop, `skewed_direction` over the parameters of Graph WaveNet at least 3 times as fast as a loop over tensors, and `conserve`, forward and backward, no slower than
# pooling, enlarging and dividing. The last is the hard one: torch's own pooling is one well-made pass, and a sum over a view of blocks is not. It is measured at two factors.

# %%
wavenet = GraphWaveNet(2, 12, 2, Size(channels=channels, skip=8 * channels, end=16 * channels))
layers = [p.numel() for p in wavenet.parameters()]
aimed = {
    f"rank_contrast, R = {regions}": ("rank_contrast", (regions, 128)),
    f"nearest_and_farthest, T = {maps}": ("nearest_and_farthest", (maps, cells, 5)),
    f"skewed_direction, {len(layers)} tensors": ("skewed_direction", layers),
    f"conserve, factor 2, {batch}x{side}x{side}": (
        "conserve",
        (batch, side // 2, side // 2, 2),
    ),
    f"conserve, factor 4, {batch}x{side}x{side}": (
        "conserve",
        (batch, side // 4, side // 4, 4),
    ),
}
aims = dict(zip(aimed, (30, 100, 3, 1, 1)))


def one_pass(case, args, path):
    """Forward in one form, and backward where there is a gradient."""
    leaves = [a.detach().requires_grad_(i in case.leaves) if torch.is_tensor(a) else a
              for i, a in enumerate(args)]  # fmt: skip
    with backend(path):
        out = case.operation(*leaves)
    if case.leaves:
        torch.autograd.grad(out.sum(), [leaves[i] for i in case.leaves])


def arguments(name, sizes):
    """In float32; skewed_direction with a component for each tensor, as in the paper."""
    given = cast(CASES[name].arguments(sizes), torch.float32)
    return (*given[:-1], "tensor") if name == "skewed_direction" else given


# %% [markdown]
# A call that takes a fraction of a millisecond is repeated, so that the clock has something to read.


# %%
def repeated(call):
    """Processor seconds of a call, as an action for the turns."""
    again = int(np.clip(0.05 / max(measure.seconds(call), 1e-6), 1, 200))
    return lambda: measure.seconds(lambda: [call() for _ in range(again)]) / again


turned = measure.in_turns(
    {
        (label, path): repeated(partial(one_pass, CASES[name], arguments(name, sizes), path))
        for label, (name, sizes) in aimed.items() for path in ("naive", "torch")
    },
    turns,
)  # fmt: skip
ratios = {
    label: np.quantile(np.divide(turned[label, "naive"], turned[label, "torch"]), [0, 0.5, 1])
    for label in aimed
}
aims_figure(ratios, aims)
plt.show()

# %%
table = pd.DataFrame(ratios, index=["least", "median", "largest"]).T.assign(aim=aims)
table["verdict"] = np.where(table["median"] >= table["aim"], "reached", "not reached")
show(table, "Time of the naive form / time of the torch form", digits=2)

# %% [markdown]
# At smoke size the shapes are toys, and a verdict says nothing about the aims; the sizes of the aims run with the `lab` profile. One such run, on a busy AMD EPYC, gave medians of 111, 94, 4.7, 0.77 and 1.5 in the order of the table: three aims of five reached,
# the search for neighbours just short of its hundred. What replaces a cube by a square, or Python's loop by one call, wins by far. `conserve`
# does not win on a CPU where the ratio stays below 1: the table says so, and the library keeps the form for what it does on a card, where maps that nobody asked for cost most.

# %% [markdown]
# ## What a training step saves
#
# A ratio of 100 for something that takes a thousandth of the time is worth little. So we time whole steps and, at the shapes they have there, the operations inside: `conserve` in a training step of
# UrbanSTC, `skewed_direction` in a joint step of TSJT with Graph WaveNet, `masked_error` in scoring a batch. The share that the fast form saves of a step with the naive one is then
#
# $$ \frac{t_\text{naive} - t_\text{fast}}{t_\text{step} - t_\text{fast} + t_\text{naive}}, $$ (eq-k-share)
#
# negative where the naive form is faster. The interval is the range between turns.

# %%
blocks = max(side // 8, 4)
coarse = torch.rand(windows, 1, blocks, blocks) * 100
fine = torch.rand(windows, 1, blocks * 4, blocks * 4)
splitter = urbanstc.UrbanSTC(
    SimpleNamespace(coarse=coarse, factor=4, external_names=()),
    urbanstc.Settings(channels=width),
)
road = torch.softmax(torch.randn(nodes, nodes), 1)
x, truth = torch.rand(windows, nodes, 12, 2), torch.rand(windows, nodes, 12)
seen = torch.rand(windows, nodes, 12) > 0.1


def urban_step():
    loss = (splitter(coarse, torch.zeros(windows, 0)) - fine).square().mean()
    torch.autograd.grad(loss, [*splitter.parameters()], allow_unused=True)


def gradients():
    """Of the masked mean absolute error of one batch."""
    off = torch.where(seen, wavenet(x, [road, road]) - truth, 0.0)
    return torch.autograd.grad(off.abs().sum() / seen.sum(), [*wavenet.parameters()])


def joint_step():
    """Two gradients, one direction."""
    skewed_direction(gradients(), gradients(), 0.2, 0.001)


@torch.no_grad()
def scoring():
    masked_error(wavenet(x, [road, road]), truth, seen)


# %%
given = [gradients(), gradients()]
inside = {
    "conserve in UrbanSTC": (urban_step, "conserve", (fine, coarse, 4, 1e-5)),
    "skewed_direction in TSJT": (
        joint_step,
        "skewed_direction",
        (*given, 0.2, 0.001, "tensor"),
    ),
    "masked_error in scoring": (scoring, "masked_error", (truth, truth + 1, seen)),
}
actions = {}
for label, (step, name, args) in inside.items():
    case = replace(CASES[name], leaves=()) if name == "masked_error" else CASES[name]
    actions[label, "step"] = repeated(step)
    for path in ("naive", "torch"):
        actions[label, path] = repeated(partial(one_pass, case, args, path))
spent = measure.in_turns(actions, turns)
rows = {}
for label in inside:
    step, naive, fast = (np.array(spent[label, key]) for key in ("step", "naive", "torch"))
    saved = (naive - fast) / (step - fast + naive)
    rows[label] = [np.median(fast / step), np.median(saved), saved.min(), saved.max()]
columns = ["operation's share", "saved", "saved, least", "saved, most"]
show(
    100 * pd.DataFrame.from_dict(rows, "index", columns=columns), "Percent of a step", digits=2
)

# %% [markdown]
# Left out: what `rank_contrast` and `pattern_density` add to a step of STBaT is measured in [what balancing costs](../gridflow/06_cost), part by part; `nearest_and_farthest` runs once before a training and is no
# part of any step; `node_prompt` is the encoder's neighbour in TSJT, and on a CPU two matrix products either way.
#
# ## The roofline
#
# What may a card be expected to do? An operation that does $I$ floating-point operations for each byte cannot exceed $\min(I\,b, p)$, with $b$ the bandwidth of memory and $p$ the peak of
# arithmetic. $I$ follows from shapes: the operations of the formulas over the bytes of the design, forward, at sizes of real use. Bandwidth and peak are the published ones of NVIDIA's
# data sheets (A100 80 GB: 2039 GB/s, 19.5 TFLOP/s in float32; H100 SXM: 3350 GB/s, 67 TFLOP/s).

# %%
work = {  # floating-point operations forward; n, r, d, ... are the sizes of the case
    "conserve": lambda n, r, c, f: n * r * c * (2 * f**2 + 2),
    "rank_contrast": lambda r, _: 10 * r**2,  # after the product of features, which is torch's
    "pattern_density": lambda r, d: r**2 * (3 * d + 2),
    "nearest_and_farthest": lambda t, p, k: t**2 * (3 * p + 4 * k),
    "skewed_direction": lambda *n: 7 * sum(n),
    "node_prompt": lambda b, n, t, c, k: 2 * c**2 * t * (b * n + k),
    "masked_error": lambda b, n, q: 6 * b * n * q,
}
shapes = {name: CASES[name].card for name in work}
bill = pd.DataFrame({name: {
    "million operations": work[name](*sizes) / 1e6,
    "MB moved": bytes_moved(CASES[name], cast(CASES[name].arguments(sizes), torch.float32), False) / 1e6,
} for name, sizes in shapes.items()}).T  # fmt: skip
bill["operations per byte"] = bill["million operations"] / bill["MB moved"]
show(bill, "By formula and by design, float32", digits=2)
cards = {"A100 80 GB": (2039, 19500), "H100 SXM": (3350, 67000)}
roofline_figure(bill["operations per byte"].to_dict(), cards)
plt.show()

# %% [markdown]
# Four operations live on the left, where memory decides; a fused kernel can save exactly what the naive form moves too much. On the right stand the two that compare all with all out of a small input. There a kernel's gain is not to write the
# comparisons down. `node_prompt` lies between, and its products are what the vendor's library does best: `auto` leaves it to torch.

# %%
if RESULTS.exists():
    measured = pd.read_csv(RESULTS)
    show(measured[["operation", "sizes", "backward", "form", "ms_50", "share_of_copy", "device"]],
         "Measured on a card", index=False)  # fmt: skip
else:
    print(
        "no card has been measured yet: the roofs are published numbers, nothing below them is drawn"
    )

# %% [markdown]
# ## Would the proofs notice?
#
# Proofs that hold are reassuring only if they can fail. Each kernel was broken in up to three ways: a wrong index, a mask that lets one number too many or too few through, a wrong sign. Then all tests of the kernels ran on
# the broken copy, with Triton interpreted, until one turned red. The report is kept with the tests; a kernel without an entry for one of the three has nothing of that kind to break, or shares it with its neighbour.

# %%
report = pd.read_csv(RESULTS.parents[2] / "tests/kernels/mutations.csv", keep_default_na=False)
report["noticed"] = report["noticed by"].ne("")
counts = report.pivot_table("noticed", "operation", "broken", "count", fill_value=0)
counts["noticed"] = report.groupby("operation")["noticed"].sum()
show(counts, f"{report['noticed'].sum()} of {len(report)} broken kernels noticed", digits=0)
report["test"] = (
    report["noticed by"].str.split("[").str[0].str.replace("test_", "").str.replace("_", " ")
)
show(
    report[["kernel", "broken", "text", "becomes", "test"]],
    "What was broken, and what turned red first",
    index=False,
)
assert report["noticed"].all()

# %% [markdown]
# ## What to remember
#
# - Replacing a cube by a square, or a Python loop by one call, brings orders of magnitude; fusing passes brings what they moved, and on a CPU sometimes nothing.
# - The share of a step decides whether anybody notices.
# - No time on a card is claimed before a card has been measured: `python -m stflow_lib.kernels.card` proves first, then times.
#
# **Deviations from the papers.** None here; the papers give no times for these operations.
#
# **Next:** the [scoreboard](../scoreboard). **References.** UrbanSTC: {cite}`urbanstc`; STBaT: {cite}`stbat`; TSJT: {cite}`tsjt`; the roofline: Williams et al., CACM 2009; cards: NVIDIA's data sheets of the A100 and the H100.
