# %% [markdown]
# # `conserve`: split a count so that nothing is lost
#
# *What you need: what a block of fine cells is
# ([problem](../finegrained/01_problem_and_baselines)). Reading: 8 minutes. Runs in: seconds. You
# will see: Eq. 15 of UrbanSTC as four operations and as one, its gradient on paper, what both move
# through memory, and proofs that run while you look.*
#
# Every network for fine-grained inference ends here. It scores the $f \times f$ fine cells of each
# coarse cell; `conserve` turns scores into vehicles that add up to the coarse count $x$. UrbanFM
# {cite}`urbanfm` calls it $N^2$-normalisation; UrbanSTC {cite}`urbanstc` has it as Eq. 15. There is
# hardly any arithmetic in it: one addition and one multiplication for a cell. What it costs is
# reading and writing maps.

# %% tags=["parameters"]
batch: int = 4  # maps
side: int = 16  # coarse cells per side
factor: int = 4  # fine cells per side of a coarse cell

# %%
import matplotlib.pyplot as plt
import torch

from stflow_lib.book.plots.kernels import traffic_figure
from stflow_lib.kernels import backend, conserve
from stflow_lib.kernels.proofs.cases import CASES
from stflow_lib.kernels.proofs.display import (
    kernel_code,
    naive_code,
    run_proofs,
    traffic_by_form,
)

torch.manual_seed(0)
case = CASES["conserve"]
print(naive_code(case))

# %% [markdown]
# ## Forward and backward
#
# Let $s_i \ge 0$ be the scores of a block, $S = \sum_i s_i + \varepsilon$, and $g_i$ the gradient
# of the loss with respect to the result $y_i$. Then
#
# $$ y_i = \frac{s_i\,x}{S}, \qquad \frac{\partial L}{\partial s_i} = \Big(g_i - \frac{\sum_j g_j s_j}{S}\Big)\frac{x}{S},
# \qquad \frac{\partial L}{\partial x} = \frac{\sum_j g_j s_j}{S}. $$ (eq-k-conserve)
#
# The second term is there because a cell that takes more leaves less to the others of its block.
# Both directions need one sum for a block and nothing from any other block. So a block can be read
# once, dealt with where the arithmetic is done, and written once. By hand, for one block of four
# cells:

# %%
s = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64, requires_grad=True)
x = torch.tensor(30.0, dtype=torch.float64, requires_grad=True)
g = torch.tensor([1.0, 0.0, 0.0, -1.0], dtype=torch.float64)
y = conserve(s.view(1, 1, 2, 2), x.view(1, 1, 1, 1), 2, 0.0).flatten()
d_s, d_x = torch.autograd.grad(y, (s, x), g)
share = (g * s).sum() / s.sum()
torch.testing.assert_close(d_s, (g - share) * x / s.sum())
torch.testing.assert_close(d_x, share)
print("vehicles:", y.tolist(), "| gradient:", [round(v, 3) for v in d_s.tolist()])

# %% [markdown]
# ## What moves through memory
#
# The naive form pools, enlarges the sums, divides, enlarges the counts and multiplies: four maps of
# the fine size exist on the way that nobody asked for. We count: every operation of torch reads its
# arguments once and writes its result once (a lower bound, since what it does inside is not seen).
# The bar of the kernel is its design: scores and counts in, split out.

# %%
moved = traffic_by_form(case, (batch, side, side, factor))
traffic_figure(moved, f"conserve, {batch} maps {side}x{side}, factor {factor}, float32")
plt.show()

# %% [markdown]
# ## The kernel
#
# One program takes some blocks that lie side by side, about 2048 cells, as a small array [row in
# block, block, column in block], and sums over the first and last axis. Cells beyond the map are
# masked. The sum, in float32 or better, stays in registers; a block is never divided between
# programs, so no partial sum is ever exchanged and a rerun gives the same bits.

# %%
print(kernel_code(case, "_split_kernel"))
print(kernel_code(case, "_split_backward_kernel"))

# %% [markdown]
# ## The promise, and proofs
#
# Where a block is alive, its cells add up to $x\,S_0 / (S_0 + \varepsilon)$, with $S_0$ the plain
# sum of the scores: the count itself but for $\varepsilon$. Where all scores are zero the block
# predicts zero and loses its mass. The following proofs run now, on a map of six blocks. The Triton
# form is run by its interpreter, in a process of its own, where Triton is installed.

# %%
for line in run_proofs("conserve", (1, 2, 3, 2)):
    print("held:", line)
score, coarse = torch.rand(1, 1, 8, 8, dtype=torch.float64), torch.full((1, 1, 2, 2), 7.0)
fine = conserve(score, coarse.double(), 4)
print("blocks sum to", fine.view(2, 4, 2, 4).sum((1, 3)).flatten().tolist(), "for a count of 7")
print(backend.explain(conserve, score, coarse.double(), 4))

# %% [markdown]
# ## What to remember
#
# - The split is two operations a cell: only memory traffic can be saved.
# - The gradient of a cell subtracts the block's mean gradient, weighted by scores.
# - **Deviations from the paper.** None; $\varepsilon$ is 1e-5 and an argument.
#
# **Next:** [rank_contrast](02_rank_contrast). **References.** Eq. 15: {cite}`urbanstc`; the first
# such layer: {cite}`urbanfm`.
