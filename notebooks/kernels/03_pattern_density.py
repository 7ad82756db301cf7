# %% [markdown]
# # `pattern_density`: how common a region is
#
# *What you need: why STBaT weighs regions ([STBaT, part by part](../gridflow/02_stbat_method)).
# Reading: 7 minutes. Runs in: seconds. You will see: Eq. 6 in log space, its gradient, and a cube
# of differences that is never stored.*
#
# A kernel density over all regions (Eq. 6 of STBaT {cite}`stbat`) tells how common a region's
# pattern is; its inverse is the region's weight in the loss (Eq. 14). Written as printed it
# subtracts every embedding from every other, $R \times R \times D$ numbers, and multiplied by the
# constants of a normal density in 32 dimensions it would underflow. The rarest regions, which
# should count most, would be the first to go.

# %% tags=["parameters"]
regions: int = 64  # R; New York has 460
width: int = 16  # D, numbers of an embedding
bandwidth: float = 0.85  # h, in units of the embedding

# %%
import math

import matplotlib.pyplot as plt
import torch

from stflow_lib.book.plots.kernels import traffic_figure
from stflow_lib.kernels import backend, density_weights, pattern_density
from stflow_lib.kernels.proofs.cases import CASES
from stflow_lib.kernels.proofs.display import (
    kernel_code,
    naive_code,
    run_proofs,
    traffic_by_form,
)

case = CASES["pattern_density"]
print(naive_code(case))

# %% [markdown]
# ## Forward and backward
#
# With embeddings $\phi$ in units of the bandwidth and $e_{ri} = e^{-|\phi_r - \phi_i|^2 / 2}$,
#
# $$ \log \rho_r = \log \frac{S_r}{R}, \quad S_r = \sum_i e_{ri}, \qquad
# \frac{\partial L}{\partial \phi_r} = -\sum_i e_{ri} \Big(\frac{g_r}{S_r} + \frac{g_i}{S_i}\Big) (\phi_r - \phi_i), $$ (eq-k-density)
#
# with $g$ the gradient with respect to $\log \rho$. A region pulls twice: on its own density, and
# on that of each neighbour. Since $i = r$ is among the terms, $e_{rr} = 1$ is the largest of them,
# so $S_r \ge 1$ and the logarithm is safe without any search for a maximum.

# %%
phi = case.arguments((5, 3))[0].requires_grad_()
g = torch.linspace(-1, 1, 5, dtype=torch.float64)
by_autograd = torch.autograd.grad(pattern_density(phi, 1.0), phi, g)[0]
steps = (phi[:, None] - phi).detach()
e = steps.square().sum(2).div(-2).exp()
rate = g / e.sum(1)
by_hand = -(e * (rate[:, None] + rate))[:, :, None].mul(steps).sum(1)
torch.testing.assert_close(by_hand, by_autograd)
print("largest difference of gradients:", f"{(by_hand - by_autograd).abs().max():.0e}")

# %% [markdown]
# ## What moves through memory
#
# The naive form writes all differences, reads them to divide, again to square, again to sum. The
# torch form writes one $R \times R$ matrix and passes over it a few times. The kernel reads
# embeddings and writes $R$ numbers; that it computes each difference again in the backward pass
# costs arithmetic, of which a card has plenty.

# %%
moved = traffic_by_form(case, (regions, width))
traffic_figure(moved, f"pattern_density, {regions} regions, D = {width}, float32")
plt.show()

# %% [markdown]
# ## The kernel
#
# A program owns 4 or 8 regions and meets all others tile by tile, about 8192 differences at a time,
# in registers. Its sums grow in a fixed order. Backward it does the same again: the gradient of a
# region needs only its own row, because $e$ is symmetric, and so no program ever adds into
# another's result.

# %%
print(kernel_code(case, "_density_kernel", "_density_backward_kernel"))

# %% [markdown]
# ## The promise, and proofs
#
# $\log(1/R) \le \log \rho \le 0$, always; regions that are all alike have density 1, and a stranger
# among them $1/R$. The weights $\omega$ of Eq. 14 average 1. A stranger far from everybody is safe
# because it is its own neighbour.

# %%
for line in run_proofs("pattern_density", (4, 2)):
    print("held:", line)
embedding = torch.zeros(regions, width)
embedding[0] = 1e3  # the stranger
log_density = pattern_density(embedding, bandwidth)
print(f"stranger: {log_density[0]:.6f}, log(1 / R) = {-math.log(regions):.6f}")
print(f"its weight {density_weights(log_density)[0]:.2f}, mean weight "
      f"{density_weights(log_density).mean():.6f}")  # fmt: skip
print(backend.explain(pattern_density, embedding, bandwidth))

# %% [markdown]
# ## What to remember
#
# - Differences can be taken again for less than it costs to store them.
# - A sum that contains 1 as its largest term needs no running maximum.
# - **Deviations from the paper.** Constants of the kernel ($1/h$, powers of $2\pi$) are dropped:
#   they divide out of Eq. 14, and in 32 dimensions they would underflow.
#
# **Next:** [nearest_and_farthest](04_nearest_and_farthest). **References.** Eq. 6 and 14:
# {cite}`stbat`.
