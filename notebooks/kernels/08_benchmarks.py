# %% [markdown]
# # Benchmarks: what the kernels bring
#
# *What you need: one of the pages before. Reading: 10 minutes. Runs in: half a minute at smoke
# size, about six minutes at the sizes of the aims. You will see: ratios of naive and fast forms on
# this processor, beside aims set in advance; what a training step of each paper saves, kernel by
# kernel; and the roofline.*
#
# A kernel is worth its lines if it is right and if something becomes faster by it. The first is
# proved elsewhere: each page before ran the proofs, and [the next](09_mutations) asks whether they
# can fail. This page asks the second, of the torch forms on a CPU. Times in themselves mean little
# on a machine that others use too, so all forms take turns in one process, in an order drawn anew
# each turn; we count processor seconds of one thread, and only ratios within a turn are compared.

# %% tags=["parameters", "long"]
regions: int = 96  # of rank_contrast; New York has 460
maps: int = 60  # of nearest_and_farthest; a month of half-hours is 1530
cells: int = 64  # of each of these maps; 1024 in the paper
batch: int = 2  # maps of conserve; 16 in the aim
side: int = 32  # fine cells per side of conserve; 128 in the aim
channels: int = 8  # of Graph WaveNet, whose gradients skewed_direction takes; 32 in the release
nodes: int = 12  # sensors of its graph; 207 in METR-LA
width: int = 8  # channels of UrbanSTC, of STBaT's backbone and of TSJT's prompts; 128, 64, 128
patterns: int = 8  # in TSJT's bank; 150 in the paper
windows: int = 4  # of a training step; the library's defaults are 16, 32 and 4 + 124
turns: int = 3  # kept, each of which measures everything once

# %%
from functools import partial
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from stflow_lib import runs
from stflow_lib.book import findings
from stflow_lib.book.display import show_table, show_text
from stflow_lib.book.plots.kernels import aims_figure, roofline_figure, shares_figure
from stflow_lib.finegrained.urbanstc.method import UrbanSTC, UrbanSTCSettings
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.stbat.method import BalancedPretraining, STBaTSettings
from stflow_lib.kernels.proofs import benchmarks
from stflow_lib.kernels.proofs.cases import CASES, cast
from stflow_lib.kernels.proofs.gpu import RESULTS
from stflow_lib.speedgraph.networks.graph_wavenet import GraphWaveNet, GWNSize
from stflow_lib.speedgraph.training.losses import validation_mae
from stflow_lib.speedgraph.tsjt.joint import joint_loss
from stflow_lib.speedgraph.tsjt.method import TSJT, TSJTGWNSettings
from stflow_lib.speedgraph.tsjt.npm import NPMSettings
from stflow_lib.training.cost import interleaved, seconds

torch.set_num_threads(1)  # then processor seconds are work, not threads that wait
torch.manual_seed(0)
print("measured on", runs.execute.device_name())

# %% [markdown]
# ## Ratios beside aims
#
# The aims were written down before the code: `rank_contrast` for New York at least 30 times as fast
# as its naive twin, the search for neighbours among 1530 maps at least 100 times as fast as the
# double loop, `skewed_direction` over the parameters of Graph WaveNet at least 3 times as fast as a
# loop over tensors, and `conserve`, forward and backward, no slower than pooling, enlarging and
# dividing. The last is measured at two factors. It depends on the direction in which memory is
# read: sums over small blocks jump from row to row and were slower than torch's pooling at factor
# 2; summed row by row, then column by column, every pass runs along whole rows.

# %%
wavenet = GraphWaveNet(2, 12, 2, GWNSize(channels=channels, skip=8 * channels, end=16 * channels))
layers = tuple(p.numel() for p in wavenet.parameters())
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
aims = dict(zip(aimed, (30, 100, 3, 1, 1), strict=True))

# %% [markdown]
# A call that takes a fraction of a millisecond is repeated, so that the clock has something to
# read.

# %%
calls_of = {
    (label, path): partial(benchmarks.replayed, name, benchmarks.as_trained(name, sizes), path)
    for label, (name, sizes) in aimed.items() for path in ("naive", "torch")
}  # fmt: skip
turned = interleaved(
    {key: benchmarks.repeated(call, seconds) for key, call in calls_of.items()}, turns
)
ratios = {
    label: np.quantile(np.divide(turned[label, "naive"], turned[label, "torch"]), [0, 0.5, 1])
    for label in aimed
}
aims_figure(ratios, aims)
plt.show()

# %%
table = pd.DataFrame(ratios, index=["least", "median", "largest"]).T.assign(aim=aims)
table["verdict"] = np.where(table["median"] >= table["aim"], "reached", "not reached")
show_table(table, "Time of the naive form / time of the torch form", digits=2)

# %% [markdown]
# At smoke size the shapes are toys, and a verdict says nothing about the aims; the sizes of the
# aims run with the `lab` profile. What replaces a cube by a square, or Python's loop by one call,
# has much to win. `conserve` only saves passes over memory; on maps of a few hundred cells, which
# lie in the cache anyway, starting a dozen small operations can cost more than it saves.

# %% tags=["finding"]
show_text(findings.share(table["verdict"] == "reached", "Speed aims reached on this machine"))
show_text(findings.extremes(table["median"], "Times that the torch form is faster than the naive"))

# %% [markdown]
# ## What a training step saves
#
# A ratio of 100 for something that takes a thousandth of the time is worth little. So we time whole
# training steps, as the library trains: forward, backward, with all operations inside. One step
# each of UrbanSTC's fine-tuning {cite}`urbanstc`, of STBaT's balanced pre-training {cite}`stbat`,
# of TSJT's joint training with Graph WaveNet {cite}`tsjt`, and the scoring of a validation batch
# that follows every epoch of it. Cities are random numbers, for cost does not depend on who
# travels; networks have the widths of the parameters above.

# %%
blocks = max(side // 8, 4)
fine, coarse = (
    torch.rand(windows, 1, blocks * 4, blocks * 4),
    torch.rand(windows, 1, blocks, blocks),
)
splitter = UrbanSTC(
    SimpleNamespace(coarse=coarse, factor=4, external_names=()),
    UrbanSTCSettings(channels=width),
)


def urbanstc_step():
    loss = (splitter(coarse, torch.zeros(windows, 0)) - fine).square().mean()
    torch.autograd.grad(loss, [*splitter.parameters()])


rows = max(n for n in range(1, regions) if regions % n == 0 and n * n <= regions)
demand = torch.rand(windows, 6, 1, rows, regions // rows)
town = SimpleNamespace(windows=lambda _: demand, cells=lambda: torch.arange(regions),
                       labels=lambda _: demand[:, 0].flatten(1))  # fmt: skip
shares = torch.softmax(3 * torch.randn(regions, 10), 1)
settings = STBaTSettings(backbone=Backbone(channels=width, hidden=2 * width))
balanced = BalancedPretraining(STNet(settings.backbone), 10, settings)


def stbat_step():
    losses = balanced.losses(town, torch.arange(windows), shares)
    torch.autograd.grad(sum(losses.values()), [*balanced.parameters()], allow_unused=True)


# %%
x, truth = torch.rand(windows, nodes, 12, 2), torch.rand(windows, nodes, 12)
seen, all_steps = torch.rand(windows, nodes, 12) > 0.1, torch.arange(windows)
city = SimpleNamespace(name="city", features=2, squares=0, train=all_steps,
                       windows=lambda s: x[: len(s)],
                       scaled_labels=lambda s: (truth[: len(s)], seen[: len(s)]))  # fmt: skip
both = SimpleNamespace(target=city, sources=[city], protocol=SimpleNamespace(lags=12, ahead=12))
joint = TSJTGWNSettings(sources=windows, prompting=NPMSettings(width, patterns),
                        backbone=GWNSize(channels, 8 * channels, 16 * channels))  # fmt: skip
network = TSJT(both, joint)
roads = {"city": network.operators(torch.rand(nodes, nodes))}


def tsjt_step():
    loss = joint_loss(network, both, roads, joint, all_steps[:4])
    torch.autograd.grad(loss, [*network.parameters()])


@torch.no_grad()
def tsjt_scoring():
    validation_mae(network, city, roads, all_steps)


steps = {"UrbanSTC": urbanstc_step, "STBaT": stbat_step, "TSJT": tsjt_step,
         "TSJT, scoring": tsjt_scoring}  # fmt: skip
calls = {paper: benchmarks.calls_in(step) for paper, step in steps.items()}
for paper, found in calls.items():
    print(f"{paper}: calls", ", ".join(name for name, _ in found))

# %% [markdown]
# Each step is timed twice in every turn, once with all fast forms and once with all naive ones.
# Beside it, each operation alone is repeated with the very arguments that it had in the step, in
# both forms: the difference of two whole steps drowns what a small operation saves, the operation
# alone does not. With $t$ for times of the operation's calls in a step,
#
# $$ \text{saved} = \frac{t_\text{naive} - t_\text{fast}}{t_\text{step} - t_\text{fast} + t_\text{naive}}, $$ (eq-k-share)
#
# the share of a step in which this operation alone is naive; negative where the naive form is
# faster. An epoch is some number of equal steps, so its share is the same. The interval is the
# range between turns.

# %%
inside = [
    (paper, name) for paper in steps for name in dict.fromkeys(n for n, _ in calls[paper])
]
whole_steps = {(paper, "step", path): benchmarks.in_form(path, step)
               for paper, step in steps.items() for path in ("torch", "naive")}  # fmt: skip
alone = {(paper, name, path): partial(benchmarks.replayed_all, calls[paper], name, path)
         for paper, name in inside for path in ("torch", "naive")}  # fmt: skip
actions = {key: benchmarks.repeated(call, seconds)
           for key, call in (whole_steps | alone).items()}  # fmt: skip
spent = {key: np.array(times) for key, times in interleaved(actions, 2 * turns).items()}

# %%
saved = {}
for paper in steps:
    fast_step, naive_step = (spent[paper, "step", path] for path in ("torch", "naive"))
    saved[f"{paper}: all"] = 1 - fast_step / naive_step
    for name in (n for p, n in inside if p == paper):
        naive, fast = spent[paper, name, "naive"], spent[paper, name, "torch"]
        saved[f"{paper}: {name}"] = (naive - fast) / (fast_step - fast + naive)
saved = {key: 100 * np.quantile(share, [0, 0.5, 1]) for key, share in saved.items()}
shares_figure(saved)
plt.show()
whole = pd.DataFrame({p: [1e3 * np.median(spent[p, "step", path]) for path in ("torch", "naive")]
                      for p in steps}, ["fast forms", "naive forms"]).T  # fmt: skip
show_table(whole, "Milliseconds of processor time of a step, median", digits=1)
show_table(
    pd.DataFrame(saved, ["least", "median", "most"]).T,
    f"{2 * turns} turns: percent of a step saved",
    digits=2,
)

# %% [markdown]
# The lines are the range between turns: where one crosses zero, that row shows nothing. For whole
# steps they are wide, for the clock of a busy machine wavers more than a small operation costs; the
# blue bars, one operation at a time, are the sharper instrument.
#
# In the `lab` profile look for the cube: a balanced step of STBaT in its printed form is mostly
# that, while a step of UrbanSTC is mostly convolutions, whatever `conserve` takes. A large ratio of
# something small saves little: the two tables belong together.
#
# `nearest_and_farthest` is in no step: it runs once before a training. What it saves can still be
# counted in steps.

# %%
once = np.median(
    np.subtract(*(turned[f"nearest_and_farthest, T = {maps}", p] for p in ("naive", "torch")))
)
print(f"nearest_and_farthest over {maps} maps saves {once:.2f} s of a training, "
      f"as long as {once / np.median(spent['UrbanSTC', 'step', 'torch']):,.0f} of the steps "
      "above")  # fmt: skip

# %% [markdown]
# ## The roofline
#
# What may a card be expected to do? An operation that does $I$ floating-point operations for each
# byte cannot exceed $\min(I\,b, p)$, with $b$ the bandwidth of memory and $p$ the peak of
# arithmetic. $I$ follows from shapes: the operations of the formulas over the bytes of the design,
# forward, at sizes of real use. Bandwidth and peak are those that NVIDIA publishes in the data
# sheets *A100 Tensor Core GPU* (80 GB, SXM: 2039 GB/s, 19.5 TFLOP/s in float32 without tensor
# cores) and *H100 Tensor Core GPU* (SXM: 3.35 TB/s, 67 TFLOP/s).

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
bill = {}
for name, sizes in shapes.items():
    args = cast(CASES[name].arguments(sizes), torch.float32)
    moved = benchmarks.bytes_moved(CASES[name], args, False)
    bill[name] = {"million operations": work[name](*sizes) / 1e6, "MB moved": moved / 1e6}
bill = pd.DataFrame(bill).T
bill["operations per byte"] = bill["million operations"] / bill["MB moved"]
show_table(bill, "By formula and by design, float32", digits=2)
cards = {"A100 80 GB SXM": (2039, 19500), "H100 SXM": (3350, 67000)}
roofline_figure(bill["operations per byte"].to_dict(), cards)
plt.show()

# %% [markdown]
# Four operations live on the left, where memory decides; a fused kernel can save exactly what the
# naive form moves too much. On the right stand the two that compare all with all out of a small
# input. There a kernel's gain is not to write the comparisons down. `node_prompt` lies between, and
# its products are what the vendor's library does best: `auto` leaves it to torch.

# %%
if RESULTS.exists():
    measured = pd.read_csv(RESULTS)
    columns = ["operation", "sizes", "backward", "form", "ms_50", "share_of_copy", "device"]
    show_table(measured[columns],
         "Measured on a card", index=False)  # fmt: skip
else:
    print(
        "no card has been measured yet: the roofs are published numbers, nothing below them is "
        "drawn"
    )

# %% [markdown]
# ## What to remember
#
# - Replacing a cube by a square, or a Python loop by one call, brings orders of magnitude; fusing
#   passes brings what they moved, and on a CPU sometimes nothing.
# - The share of a step decides whether anybody notices.
# - No time on a card is claimed before a card has been measured:
#   `python -m stflow_lib.kernels.proofs.gpu` proves first, then times.
#
# **Deviations from the papers.** None here; the papers give no times for these operations.
#
# **Next:** [would the proofs notice?](09_mutations) **References.** UrbanSTC: {cite}`urbanstc`;
# STBaT: {cite}`stbat`; TSJT: {cite}`tsjt`; the roofline: Williams et al., CACM 2009; cards: NVIDIA,
# *A100 Tensor Core GPU* and *H100 Tensor Core GPU* data sheets.
