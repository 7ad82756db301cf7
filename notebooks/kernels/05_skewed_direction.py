# %% [markdown]
# # `skewed_direction`: a step that never works against the target
#
# *What you need: what TSJT trains jointly ([TSJT, part by part](../speedgraph/02_tsjt_method)).
# Reading: 7 minutes. Runs in: seconds. You will see: Eq. 8 to 10 as a projection, why the target's
# loss cannot rise to first order, and a network's many small tensors in three kernels, or six with
# a gradient.*
#
# TSJT {cite}`tsjt` trains on source cities and the target together. Where a source's gradient
# opposes the target's, the opposing part is cut away, tensor by tensor. A loop over tensors does
# that with a handful of small operations each, and with a question to the device, *is this product
# negative?*, at which the program has to wait. Graph WaveNet has 82 tensors: on a card nearly all
# of that is waiting.

# %% tags=["parameters"]
channels: int = 8  # of the Graph WaveNet whose tensors are used; 32 in the release

# %%
import matplotlib.pyplot as plt
import torch

from stflow_lib.book.plots.kernels import traffic_figure
from stflow_lib.kernels import backend, skewed_direction
from stflow_lib.kernels.proofs.cases import CASES
from stflow_lib.kernels.proofs.display import (
    kernel_code,
    naive_code,
    run_proofs,
    traffic_by_form,
)
from stflow_lib.speedgraph.networks.graph_wavenet import GraphWaveNet, GWNSize

case = CASES["skewed_direction"]
print(naive_code(case))

# %% [markdown]
# ## Forward and backward
#
# For one component with gradients $t$ (target) and $s$ (source), the part of $s$ along $t$ is kept
# only if it agrees:
#
# $$ u = s - \frac{\min(\langle s, t\rangle, 0)}{\langle t, t\rangle}\, t, \qquad \text{step} = \gamma_1 t + \gamma_2 u,
# \qquad \langle u, t\rangle = \max(0, \langle s, t\rangle). $$ (eq-k-skewed)
#
# A small step of size $\eta$ along $u$ changes the target's loss by $-\eta \langle u, t \rangle$,
# which is never a rise. So a component needs two sums, $\langle s,t\rangle$ and
# $\langle t,t\rangle$; after that the step is one multiplication and one addition for each number.
#
# The arguments are gradients already, and TSJT does not differentiate its step. Whoever learns
# *through* the step, weights of sources for instance, wants its gradient. With $g$ the one from
# above, $\varphi = \gamma_1 - \gamma_2 \min(\langle s, t\rangle, 0)/\langle t, t\rangle$ and, where
# the source is cut, $a = -\gamma_2 \langle g, t\rangle / \langle t, t\rangle$, elsewhere $a = 0$:
#
# $$ \frac{\partial L}{\partial t} = \varphi\, g + a\, s - 2a\,\frac{\langle s, t\rangle}{\langle t, t\rangle}\, t, \qquad \frac{\partial L}{\partial s} = \gamma_2\, g + a\, t. $$ (eq-k-skewed-back)

# %%
t, against, agreeing = (torch.tensor(v) for v in ([2.0, 0.0], [-1.0, 3.0], [1.0, 3.0]))
for s in (against, agreeing):
    u = skewed_direction([t], [s], 0.0, 1.0)[0]
    print(f"s = {s.tolist()}: <s, t> = {s @ t:.0f}, u = {u.tolist()}, <u, t> = {u @ t:.0f}")
    assert u @ t == max(0, s @ t)
g, (t, s) = torch.tensor([0.5, 1.0]), (v.requires_grad_() for v in (t, against))
d_t, d_s = torch.autograd.grad(skewed_direction([t], [s], 0.2, 0.5), (t, s), [g])
a, cut = -0.5 * (g @ t) / (t @ t), (s @ t) / (t @ t)
torch.testing.assert_close(d_t, (0.2 - 0.5 * cut) * g + a * s - 2 * a * cut * t)
torch.testing.assert_close(d_s, 0.5 * g + a * t)
print("both gradients are those of the formulas")

# %% [markdown]
# ## What moves through memory
#
# The naive form joins the members of a component, computes the parts along and across, and cuts the
# result up again. The torch form makes products to sum them. The kernels read both gradients twice,
# once for the sums and once for the step, and write the step: twice, because no sum is known before
# the last number has been read. Backward is the same with one more sum: the target and the gradient
# from above twice, the source once.

# %%
network = GraphWaveNet(2, 12, 2, GWNSize(channels=channels, skip=8 * channels, end=16 * channels))
sizes = tuple(p.numel() for p in network.parameters())
moved = traffic_by_form(case, sizes)
traffic_figure(
    moved, f"skewed_direction, {len(sizes)} tensors, {sum(sizes):,} numbers, float32"
)
plt.show()

# %% [markdown]
# ## The kernel
#
# All tensors are cut into chunks of 4096 numbers, and a table says to which tensor and component
# each chunk belongs; kernels find a tensor by its address, so nothing is copied together. The first
# kernel writes two sums for each chunk, the second adds them up for each component in a fixed order
# and makes its factor, the third writes the step. The branch is a minimum, so the host never asks.
# Backward follows the same plan; the sums of the forward pass are kept, three numbers for a
# component.

# %%
print(kernel_code(case, "_sums_kernel", "_factors_kernel", "_step_kernel"))
print(kernel_code(case, "_along_kernel", "_step_backward_kernel"))

# %% [markdown]
# ## The promise, and proofs
#
# What is left of the source never opposes the target, in any component, whether components are
# tensors (the paper), the whole network (the authors' code) or modules. A target gradient of zero
# has no direction: the source then stays whole.

# %%
for line in run_proofs("skewed_direction", (3, 0, 5)):
    print("held:", line)
target, source = case.arguments(sizes)[:2]
for granularity in ("tensor", "global"):
    left = skewed_direction(target, source, 0.0, 1.0, granularity)
    changed = sum(not torch.equal(a, b) for a, b in zip(left, source, strict=True))
    inner = sum((a * b).sum() for a, b in zip(left, target, strict=True))
    print(f"{granularity}: {changed} of {len(left)} tensors changed, <u, t> = {inner:.3g}")
print(backend.explain(skewed_direction, target, source, 0.2, 0.001))

# %% [markdown]
# ## What to remember
#
# - A condition on a device is a minimum or a `where`, never a question by the host.
# - Many small tensors want one table and three kernels, not 82 times five.
# - **Deviations from the paper.** None by tensor; the authors' code projects all parameters as one
#   vector, which is `granularity="global"`.
#
# **Next:** [node_prompt](06_node_prompt). **References.** Eq. 8 to 10: {cite}`tsjt`.
