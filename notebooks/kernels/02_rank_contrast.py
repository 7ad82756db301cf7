# %% [markdown]
# # `rank_contrast`: a cube of numbers that is one sort
#
# *What you need: what SimDCL contrasts ([STBaT, part by part](../gridflow/02_stbat_method)).
# Reading: 8 minutes. Runs in: seconds. You will see: Eq. 13 with its masks, the same loss from a
# sort and a running sum, its gradient, and the bytes of both.*
#
# SimDCL (Eq. 13 of STBaT {cite}`stbat`) compares each region $i$ with each partner $k$, against
# every $j$ that is no more similar to $i$ than $k$ is. Read aloud, that is three nested loops;
# written with tensors, a mask of $R^3$ entries in every batch. For the 460 regions of New York one
# float32 tensor of that shape takes 0.39 GB, and the naive form makes several.

# %% tags=["parameters"]
regions: int = 64  # R; New York has 460
width: int = 32  # numbers of a representation
temperature: float = 0.5  # of the cosines

# %%
import math

import matplotlib.pyplot as plt
import torch

from stflow_lib.book.plots.kernels import traffic_figure
from stflow_lib.kernels import backend, rank_contrast
from stflow_lib.kernels.proofs.cases import CASES
from stflow_lib.kernels.proofs.display import (
    kernel_code,
    naive_code,
    run_proofs,
    traffic_by_form,
)

torch.manual_seed(0)
case = CASES["rank_contrast"]
print(naive_code(case))

# %% [markdown]
# ## Forward and backward
#
# Fix an anchor and leave out its index: scores $s_j$ (cosine over temperature) and similarities
# $\delta_j$ of its partners. The denominators are nested sets,
#
# $$ S_k = \sum_{\delta_j \le \delta_k} e^{s_j}, \qquad \ell = \sum_k \big(\log S_k - s_k\big), \qquad
# \frac{\partial \ell}{\partial s_j} = e^{s_j} \sum_{\delta_k \ge \delta_j} \frac{1}{S_k} - 1. $$ (eq-k-rank)
#
# Sort the partners by $\delta$. Then all $S_k$ are values of one running sum, read at the last of a
# group of equals; and the sums of $1/S_k$ are a running sum from the other end, read at the first
# of the group. Both are kept as logarithms, so that no exponential overflows. One anchor by hand,
# with ties:

# %%
s = torch.randn(6, dtype=torch.float64, requires_grad=True)
delta = torch.tensor([1, 1, 2, 3, 3, 3])  # sorted already
last = torch.searchsorted(delta, delta, right=True) - 1
log_sums = s.logcumsumexp(0)[last]
masked = s.expand(6, 6).masked_fill(delta > delta[:, None], -torch.inf).logsumexp(1)
torch.testing.assert_close(log_sums, masked)
by_autograd = torch.autograd.grad((masked - s).sum(), s)[0]
suffix = (-log_sums).flip(0).logcumsumexp(0).flip(0)[torch.searchsorted(delta, delta)]
torch.testing.assert_close((s + suffix).exp() - 1, by_autograd)
print("gradient:", [round(v, 3) for v in by_autograd.tolist()])

# %% [markdown]
# ## What moves through memory
#
# Bytes counted operation by operation, each reading its arguments and writing its results once. The
# naive bar grows with $R^3$, the others with $R^2$: double the regions, and the ratio doubles too.
# The design of the kernel counts 28 bytes for each pair forward and 24 backward, the sort included.

# %%
moved = traffic_by_form(case, (regions, width))
traffic_figure(moved, f"rank_contrast, {regions} regions, float32")
plt.show()

# %% [markdown]
# ## The kernel
#
# The sort stays torch's own; what follows it is one pass by each row. A program holds one anchor's
# row, padded to a power of two, so up to 8192 partners. An associative scan of pairs (largest
# exponent, sum relative to it) gives all running sums; a second scan, from the right, carries the
# value at the end of each group of ties to its members. No sum is shared between programs.

# %%
print(kernel_code(case, "_add", "_edge", "_losses_kernel"))

# %% [markdown]
# ## The promise, and proofs
#
# Only the order of similarities counts: put them through any increasing function and not a bit of
# the loss may change. When all features are alike, the loss is what counting says: $\log(R-1)$ if
# all are tied, and the mean of $\log 1, \dots, \log $ if none are.

# %%
for line in run_proofs("rank_contrast", (4, 2)):
    print("held:", line)
features, similarity, _ = case.arguments((regions, width))
loss = rank_contrast(features, similarity, temperature)
assert torch.equal(loss, rank_contrast(features, similarity.exp(), temperature))
alike = rank_contrast(torch.ones_like(features), torch.zeros_like(similarity), temperature)
print(f"all alike, all tied: {alike:.6f}; log(R - 1) = {math.log(regions - 1):.6f}")
print(backend.explain(rank_contrast, features, similarity, temperature))

# %% [markdown]
# ## What to remember
#
# - Nested sets are prefixes of a sorted list: one sort and one running sum, $R^2 \log R$ for all
#   anchors.
# - Ties share the value at the end of their group; a form that forgets them is another loss.
# - **Deviations from the paper.** None in the loss; no gradient reaches the similarities, which
#   STBaT takes from POI and flow patterns as they are.
#
# **Next:** [pattern_density](03_pattern_density). **References.** Eq. 13: {cite}`stbat`; the
# reading of its denominator: Zha et al., *Rank-N-Contrast*, NeurIPS 2023.
