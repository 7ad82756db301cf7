# %% [markdown]
# # `nearest_and_farthest`: exact neighbours without the double loop
#
# *What you need: how UrbanSTC finds its triplets ([UrbanSTC, equation by
# equation](../finegrained/02_urbanstc_method)). Reading: 7 minutes. Runs in: seconds. You will see:
# Algorithm 1 as printed, why a matrix product may only suggest and never decide, and ties that stay
# ties.*
#
# The contrast over time of UrbanSTC {cite}`urbanstc` needs, for each coarse map of a month, its
# nearest and its farthest maps (section 3.4, Algorithm 1). The algorithm is a double loop: 2.3
# million distances for 1530 maps, each a call from Python. Counts are whole numbers, so two maps
# may well be equally far from a third; a training can be repeated only if it is settled which of
# them comes first. Here it is the one with the lower number.

# %% tags=["parameters"]
maps: int = 32  # T; a month of half-hours is 1530
cells: int = 64  # P, cells of a map; 1024 in the paper
k: int = 5  # neighbours wanted

# %%
import matplotlib.pyplot as plt
import torch

from stflow_lib.book.plots.kernels import traffic_figure
from stflow_lib.kernels import backend, nearest_and_farthest, nearest_and_farthest_naive
from stflow_lib.kernels.proofs.cases import CASES
from stflow_lib.kernels.proofs.display import (
    kernel_code,
    naive_code,
    run_proofs,
    traffic_by_form,
)

case = CASES["nearest_and_farthest"]
print(naive_code(case))

# %% [markdown]
# ## Forward, and why there is no backward
#
# All squared distances come from one matrix product,
#
# $$ d_{ij}^2 = |m_i|^2 + |m_j|^2 - 2\, m_i \cdot m_j, $$ (eq-k-near)
#
# but rounding makes equal maps differ by a little more than nothing, and sorts ties at random. So
# the product, in float64, only suggests $k + 4$ candidates. Their distances are taken again from
# differences, exactly as in the loop; a row in which the fifth beyond the $k$-th is too close to be
# safe is done in full.
#
# There is no backward kernel, by decision. Half of the result are numbers of maps, which have no
# gradient. The other half, the distances, are taken between recorded maps, once, before a training
# starts; nothing that is learned stands behind them, and the naive twin, as Algorithm 1, returns
# plain numbers. Who wants $\partial d_{ij} / \partial m_i = (m_i - m_j)/d_{ij}$ all the same gets
# it from torch: maps that ask for a gradient are never given to the kernel, and the sifting steps
# aside.

# %%
some = torch.randint(0, 3, (maps, cells), generator=torch.Generator().manual_seed(0)).float()
some[1] = some[0]  # a pair of equal maps
busy = some + 1000  # the same distances; in float32, to see what rounding does
norm = busy.square().sum(1)
product = norm[:, None] + norm - 2 * busy @ busy.T
exact = torch.cdist(busy, busy, compute_mode="donot_use_mm_for_euclid_dist")
print("largest error of a squared distance, by product in float32:",
      f"{(product - exact**2).abs().max():.3g};",
      f"largest distance squared {exact.max() ** 2:.0f}")  # fmt: skip
print("equal maps, by differences:", exact[0, 1].item())
print(
    "distances in a row that another map has too:", int((exact.sort().values.diff() == 0).sum())
)

# %% [markdown]
# ## What moves through memory
#
# Each pair reads two maps, writes a difference and reads it again. The torch form reads and writes
# $T \times T$ matrices and then the candidates. The kernel's bar is the least possible: maps in,
# $4Tk$ numbers out; while it runs, each program passes by all maps, mostly out of the card's cache.

# %%
moved = traffic_by_form(case, (maps, cells, k))
traffic_figure(moved, f"nearest_and_farthest, {maps} maps of {cells} cells, float32")
plt.show()

# %% [markdown]
# ## The kernel
#
# A program owns up to four maps and keeps their distances to all $T$ others in registers, at
# most 16384. Cells are added in sub-totals of 32, so that rounding stays small. Then it takes the
# smallest $k$ times, of equals the lower number, strikes it out, and does the same for the negative
# distances. Nothing is sorted and no matrix is written.

# %%
print(kernel_code(case, "_take", "_neighbours_kernel"))

# %% [markdown]
# ## The promise, and proofs
#
# The same as brute force in whole numbers, in order, ties to the lower number, and no map is its
# own neighbour. The proof's maps have cells of 0, 1 or 2, so ties are everywhere. Then the numbers
# of this page: all four results are the naive twin's, to the bit.

# %%
for line in run_proofs("nearest_and_farthest", (6, 3, 2)):
    print("held:", line)
fast, naive = nearest_and_farthest(some, k), nearest_and_farthest_naive(some, k)
assert torch.equal(fast[1], naive[1]) and torch.equal(fast[3], naive[3])
print("map 0: nearest", fast[1][0].tolist(), "farthest", fast[3][0].tolist())
print("largest difference of distances:", f"{(fast[0] - naive[0]).abs().max():.0e}")
print(backend.explain(nearest_and_farthest, some, k))

# %% [markdown]
# ## What to remember
#
# - A fast approximation may choose candidates if it is known how far it can be wrong.
# - Order among equals is part of the result.
# - **Deviations from the paper.** None; the paper does not say what happens to ties.
#
# **Next:** [skewed_direction](05_skewed_direction). **References.** Section 3.4 and Algorithm 1:
# {cite}`urbanstc`.
