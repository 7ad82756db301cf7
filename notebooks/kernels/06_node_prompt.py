# %% [markdown]
# # `node_prompt`: a bank of patterns that is one matrix
#
# *What you need: what prompts are for in TSJT ([TSJT, part by part](../speedgraph/02_tsjt_method)).
# Reading: 7 minutes. Runs in: seconds. You will see: Eq. 5 without its scores, a gradient in three
# products, and a kernel that the library does not prefer.*
#
# TSJT {cite}`tsjt` keeps a bank of $K$ patterns, each $T$ steps of $C$ numbers. A node's encoded
# window asks every pattern for its share (Eq. 5): scores of $T \times T$ for each pattern,
# multiplied back with it, summed. As printed there is no softmax between the two products. Without
# one, the order of multiplication is ours to choose.

# %% tags=["parameters"]
batch: int = 2  # windows
nodes: int = 12  # sensors; 207 in METR-LA
steps: int = 12  # T, of a window and of a pattern
width: int = 16  # C, numbers for a step
patterns: int = 8  # K, of the bank

# %%
import matplotlib.pyplot as plt
import torch

from stflow_lib.book.plots.kernels import traffic_figure
from stflow_lib.kernels import backend, node_prompt
from stflow_lib.kernels.proofs.cases import CASES
from stflow_lib.kernels.proofs.display import (
    kernel_code,
    naive_code,
    run_proofs,
    traffic_by_form,
)

case = CASES["node_prompt"]
print(naive_code(case))

# %% [markdown]
# ## Forward and backward
#
# For a window $Z \in \mathbb{R}^{T \times C}$ and patterns $B_k$,
#
# $$ P = \frac{1}{\sqrt C} \sum_k (Z B_k^\top) B_k = \frac{1}{\sqrt C}\, Z\, G, \qquad G = \sum_k B_k^\top B_k, $$ (eq-k-prompt)
#
# so all patterns together are one $C \times C$ matrix, and no score is ever formed. With the
# gradient $Y$ of $P$, and $G$ symmetric,
#
# $$ \frac{\partial L}{\partial Z} = \frac{Y G}{\sqrt C}, \qquad H = \frac{Z^\top Y}{\sqrt C}, \qquad \frac{\partial L}{\partial B_k} = B_k\,(H + H^\top). $$ (eq-k-prompt-back)
#
# With a softmax between the products the brackets cannot be moved. Where it runs over patterns
# (`pattern_softmax`, one score for a window and a pattern), scores $S = Z B^\top / \sqrt{TC}$ with
# $Z$ and $B$ as rows of $TC$ numbers are small, and there are two products each way with a softmax
# between: for shares $p$ and $q = Y B^\top$,
#
# $$ P = p\,B, \quad dS = p\,(q - \langle p, q\rangle), \quad \frac{\partial L}{\partial Z} = \frac{dS\, B}{\sqrt{TC}}, \quad \frac{\partial L}{\partial B} = p^\top Y + \frac{dS^\top Z}{\sqrt{TC}}. $$ (eq-k-prompt-soft)
#
# Over steps (`token_softmax`) it is plain cross-attention, which torch has as one fused operation;
# there is no kernel of ours.

# %%
z, bank, _ = case.arguments((1, 1, 5, 3, 4))
z, bank = z.requires_grad_(), bank.requires_grad_()
y = torch.randn_like(z)
d_z, d_bank = torch.autograd.grad(node_prompt(z, bank), (z, bank), y)
gram, h = sum(b.T @ b for b in bank), z[0, 0].T @ y[0, 0] / 3**0.5
torch.testing.assert_close(d_z[0, 0], y[0, 0] @ gram / 3**0.5)
torch.testing.assert_close(d_bank, bank @ (h + h.T))
d_z, d_bank = torch.autograd.grad(node_prompt(z, bank, "pattern_softmax"), (z, bank), y)
b, (window, y) = bank.flatten(1), (v.flatten(2)[0] for v in (z, y))
p, q = torch.softmax(window @ b.T / 15**0.5, 1), y @ b.T
d_score = p * (q - (p * q).sum(1, keepdim=True)) / 15**0.5
torch.testing.assert_close(d_z.flatten(2)[0], d_score @ b)
torch.testing.assert_close(d_bank.flatten(1), p.T @ y + d_score.T @ window)
print("both gradients of both readings are those of the formulas")

# %% [markdown]
# ## What moves through memory
#
# The naive form passes by all windows for each of the $K$ patterns: scores written, read, results
# written, added. The torch form makes $G$ from the bank and multiplies once. It differs from the
# kernel's bar mostly by the multiplication with $1/\sqrt C$, a pass of its own.

# %%
moved = traffic_by_form(case, (batch, nodes, steps, width, patterns))
traffic_figure(moved, f"node_prompt, {batch} x {nodes} windows, K = {patterns}, float32")
plt.show()

# %% [markdown]
# ## The kernel
#
# Forward and backward of the printed reading are one kernel: a product of two matrices with any
# strides, so that a transposed one is never written down. A program owns a tile of at most 64 by 64
# results and walks along the inner dimension 32 at a time, in float32 without TF32. It loses
# nothing, but two products are what the vendor's library does best: under `auto` a card too runs
# the torch form, and `explain` says so. Two small kernels add the softmax over patterns, a row for
# each program.

# %%
print(kernel_code(case, "_product_kernel", "_share_kernel", "_share_backward_kernel"))

# %% [markdown]
# ## The promise, and proofs
#
# As printed, a prompt is linear in its window: four times the window gives four times the prompt,
# to the bit, because four is a power of two. And an empty window gets an empty prompt.

# %%
for line in run_proofs("node_prompt", (1, 2, 2, 3, 2)):
    print("held:", line)
z, bank, _ = case.arguments((batch, nodes, steps, width, patterns))
assert torch.equal(node_prompt(4 * z, bank), 4 * node_prompt(z, bank))
soft = node_prompt(4 * z, bank, "pattern_softmax") / node_prompt(z, bank, "pattern_softmax")
print(
    f"with a softmax over patterns the ratio is anything, here {soft.median():.2f} in the middle"
)
print(backend.explain(node_prompt, z, bank, "gram"))

# %% [markdown]
# ## What to remember
#
# - Before a kernel is written, look whether brackets can be moved: $(Z B^\top) B = Z (B^\top B)$.
# - A kernel that is no faster than the vendor's library is kept for its proofs and not chosen.
# - **Deviations from the paper.** `gram` is Eq. 5 as printed; its prose speaks of a score for each
#   pattern (`pattern_softmax`); the authors' code multiplies with $C \times C$ matrices instead
#   (`code`).
#
# **Next:** [masked_error](07_masked_error). **References.** Eq. 5: {cite}`tsjt`.
