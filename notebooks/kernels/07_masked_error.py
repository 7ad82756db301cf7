# %% [markdown]
# # `masked_error`: sums and counts in one pass
#
# *What you need: what a missing reading is ([the problem](../speedgraph/01_problem_and_graphs)).
# Reading: 6 minutes. Runs in: seconds. You will see: errors of all steps ahead at once, why sums
# and not means are kept, and what stands in a gap leaving no trace.*
#
# Speeds are scored where a sensor measured: MAE, RMSE and the number of readings, for each step
# ahead. A loop over steps picks the measured entries out, which copies them, three times over. And
# whoever averages the errors of batches gives a batch with one reading the weight of a full one, as
# much released code does. So this operation returns sums and counts, to be added over a whole test
# set and divided once.

# %% tags=["parameters"]
windows: int = 8  # windows in a batch; 64 in the paper
nodes: int = 24  # sensors; 207 in METR-LA
ahead: int = 12  # steps ahead

# %%
import matplotlib.pyplot as plt
import torch

from stflow_lib.book.plots.kernels import traffic_figure
from stflow_lib.kernels import backend, masked_error
from stflow_lib.kernels.proofs.cases import CASES
from stflow_lib.kernels.proofs.display import (
    kernel_code,
    naive_code,
    run_proofs,
    traffic_by_form,
)

case = CASES["masked_error"]
print(naive_code(case))

# %% [markdown]
# ## Forward and backward
#
# With errors $e = p - y$ and the mask $m \in \{0, 1\}$, for each step ahead $q$
#
# $$ A_q = \sum m\,|e|, \qquad Q_q = \sum m\, e^2, \qquad N_q = \sum m, \qquad
# \frac{\partial L}{\partial p} = m \big(a_q \operatorname{sign} e + 2\, b_q\, e\big), $$ (eq-k-masked)
#
# where $a$ and $b$ are the gradients with respect to $A$ and $Q$; that of $y$ is the negative. Then
# MAE is $\sum A / \sum N$ and RMSE $\sqrt{\sum Q / \sum N}$, over whatever steps and batches. $m$
# chooses and does not multiply: $0 \cdot \mathrm{NaN}$ would be NaN.

# %%
p = torch.tensor([[1.0, 5.0], [4.0, 7.0]], requires_grad=True)
y, m = torch.tensor([[3.0, 5.0], [1.0, torch.nan]]), torch.tensor([[True, True], [True, False]])
sums = masked_error(p, y, m)
print("|e|:", sums[0].tolist(), " e^2:", sums[1].tolist(), " readings:", sums[2].tolist())
gradient = torch.autograd.grad(sums[0].sum() + sums[1].sum(), p)[0]
e = torch.where(m, p - y, 0.0).detach()
assert torch.equal(gradient, torch.where(m, e.sign() + 2 * e, 0.0))

# %% [markdown]
# ## What moves through memory
#
# All the arithmetic is a subtraction and a few additions, so bytes are everything. The naive form
# reads with strides and copies what it picks. The torch form writes the error in float64 before it
# sums. The kernel reads prediction, truth and mask, nine bytes for an entry in float32, and writes
# almost nothing; backward it reads them again and writes two gradients.

# %%
moved = traffic_by_form(case, (windows, nodes, ahead))
traffic_figure(moved, f"masked_error, {windows} x {nodes} x {ahead}, float32")
plt.show()

# %% [markdown]
# ## The kernel
#
# At most 512 programs share the rows, tile after tile of about 1024 entries. Each keeps three sums
# for each step ahead in float64 and writes them beside those of the others; a last sum over
# programs gives the result. Since no program adds into another's memory, the order of additions,
# and with it every bit, stays the same.

# %%
print(kernel_code(case, "_error", "_errors_kernel"))

# %% [markdown]
# ## The promise, and proofs
#
# Counts are whole. What stands in a gap, NaN included, changes no bit. Equal maps have no error. A
# batch without any reading adds three zeros, and is no error of 0.

# %%
for line in run_proofs("masked_error", (2, 2, 3)):
    print("held:", line)
prediction, truth, mask = case.arguments((windows, nodes, ahead))
whole = masked_error(prediction, truth, mask)
spoilt = masked_error(torch.where(mask, prediction, torch.nan), truth, mask)
chunks = (t.chunk(2) for t in (prediction, truth, mask))
halves = [masked_error(*half) for half in zip(*chunks, strict=True)]
assert torch.equal(whole, spoilt) and torch.allclose(sum(halves), whole)
print(f"MAE {whole[0].sum() / whole[2].sum():.4f}; mean of the halves' MAE",
      f"{sum(h[0].sum() / h[2].sum() for h in halves) / 2:.4f}")  # fmt: skip
print(backend.explain(masked_error, prediction, truth, mask))

# %% [markdown]
# ## What to remember
#
# - Keep sums and counts; divide once, at the end.
# - Choose with the mask, do not multiply by it.
# - **Deviations from the papers.** Pooled sums where much released code averages batches; with gaps
#   the two differ, as the last numbers above show.
#
# **Next:** [benchmarks](08_benchmarks). **References.** Masked errors of speeds: {cite}`dcrnn`;
# TSJT: {cite}`tsjt`.
