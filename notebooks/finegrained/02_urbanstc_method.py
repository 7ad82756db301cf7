# %% [markdown]
# # UrbanSTC, equation by equation
#
# *What you need: convolutions, gradients, {doc}`01_problem_and_baselines`. Reading: 25 minutes.
# Runs in: under a minute (small), a few minutes (real city). You will see: every equation of the
# paper beside a form too plain to be wrong, and the points where its text and its released code
# part ways.*
#
# UrbanSTC {cite}`urbanstc` bets that an encoder can learn much about flow before it sees a single
# fine map. Three **pretexts** use coarse maps only: tell busy cells from quiet ones (*Reg*), refine
# an even coarser map (*Inf*), tell similar moments from different ones (*TCS*). Then the three
# encoders feed one decoder, and the whole is **fine-tuned** on the few fine maps there are.
#
# In turn: 1. the split; 2. encoders; 3. regional contrast; 4. super-resolution; 5. temporal
# contrast; 6. external factors; 7. fine-tuning. What its choices cost is the subject of
# {doc}`02b_urbanstc_choices`.

# %% tags=["parameters"]
profile: str = "smoke"  # smoke: a simulated city; lab, paper: real taxis, recorded runs
demo_epochs: int = 40  # passes of the short trainings shown on this page
seed: int = 0  # every random number of this page comes from it

# %%
from dataclasses import replace
from math import exp, log

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from stflow_lib import kernels, runs
from stflow_lib.book.display import show_table
from stflow_lib.book.plots.curves import curves_figure
from stflow_lib.book.plots.finegrained import method, probes, variants
from stflow_lib.finegrained import METHODS, ablations, open_task
from stflow_lib.finegrained.networks.layers import Split
from stflow_lib.finegrained.problem.scoring import block_losses
from stflow_lib.finegrained.problem.task import coarser
from stflow_lib.finegrained.urbanstc import regional_contrast, temporal_contrast
from stflow_lib.finegrained.urbanstc.method import KERNEL_SIZES, UrbanSTC
from stflow_lib.finegrained.urbanstc.pretext import Encoder
from stflow_lib.finegrained.urbanstc.super_resolution import super_resolution_pretext
from stflow_lib.training.loop import Training

# %% [markdown]
# All checks run on one city with the least data that the tables of {doc}`03_results` use:
# $X \in \mathbb{R}_+^{I \times J}$ is a coarse map, $Y$ the fine one with $M \times M$ cells for
# each coarse cell, $C$ the number of channels.

# %%
torch.manual_seed(seed)
run = ablations.variant_runs(profile)["as in the tables"][0]
task, settings = open_task(run), runs.build_settings(METHODS["UrbanSTC"], run.settings)
M, C = task.factor, settings.channels
maps = task.coarse[task.train[-16:]]  # [16, 1, I, J] one batch
shape, cells = maps.shape[2:], maps[0].numel()
print(f"{task.city}: {len(task.train)} maps to train on ({run.scarcity} %), {task.unit}")
print(f"coarse {tuple(maps.shape[2:])} -> fine {tuple(task.fine.shape[2:])}, M = {M}, C = {C}")

# %% [markdown]
# ## 1. The split
#
# The network ends in scores $u \ge 0$, one per fine cell. The paper divides each by the sum of its
# block and multiplies by the count,
#
# $$\hat y_i = x_{b(i)}\, \frac{u_i}{\sum_{j \in b(i)} u_j + \varepsilon}, \qquad \varepsilon = 10^{-5} \qquad \text{(Eq. 15)},$$ (eq-split)
#
# where $b(i)$ is the block of fine cell $i$. Read from left to right this pools, enlarges, divides
# and multiplies whole maps; `conserve` divides once per block instead. Both must agree, and a block
# must keep $x\,S/(S+\varepsilon)$ with $S$ the sum of its scores.

# %%
scores = F.relu(torch.randn(len(maps), 1, *task.fine.shape[2:])).requires_grad_()
fine = kernels.conserve(scores, maps, M)
block = lambda x: F.avg_pool2d(x, M) * M**2  # sums over M x M blocks
assert torch.allclose(fine, kernels.conserve_naive(scores, maps, M), rtol=1e-5)
assert torch.allclose(block(fine), maps * block(scores) / (block(scores) + 1e-5), rtol=1e-5)
gap, dead, live = block_losses(fine.detach(), maps, M)
print(f"largest relative loss of a live block {gap:.1e}; {dead} of {live} blocks dead")

# %% [markdown]
# A block whose scores are all zero is **dead**: it predicts zero, loses its vehicles, and passes no
# gradient, so no later step can revive it through its own scores. The setting `safe` adds
# $\varepsilon$ to every score instead of to the sum. Then a dead block falls back to the mean
# split. It keeps its vehicles, but the gradient stays where it was: at zero. This is why the
# library calls a block dead when its fine cells are all equal, zero or not: the network says
# nothing about how to split it.

# %%
raw = torch.randn(fine.shape)
raw[..., :M, :M] = -1  # all scores of the first block negative
for safe in (False, True):
    raw.requires_grad_().grad = None
    given = Split(M, "relu", safe)(raw, maps)[..., :M, :M]
    given.pow(2).sum().backward()
    assert not raw.grad.any()
    expected = maps[..., :1, :1] / M**2 if safe else 0 * maps[..., :1, :1]
    assert torch.allclose(given, expected.expand(-1, 1, M, M))
print("dead block: predicts 0 (safe: the mean split), gradient 0 (safe: 0 too)")

# %% [markdown]
# ## 2. Encoders
#
# Each encoder is two convolutions with ReLUs, $H = \mathrm{Enc}(X)$ with $C$ channels (Eqs. 11 to
# 13). *Inf* and *TCS* use $3 \times 3$ kernels: a cell's embedding depends on the $5 \times 5$
# cells around it. *Reg* uses $1 \times 1$ kernels, so a cell's embedding is a function of its own
# flow and of nothing else. Two proofs: shuffle the cells, and the embeddings are shuffled in the
# same way; change one cell, and only its own embedding moves.

# %%
encoders = {name: Encoder(C, kernel) for name, kernel in KERNEL_SIZES.items()}
changes = {name: probes.embedding_change(each.double()) for name, each in encoders.items()}
assert {n: (c > 0).sum() for n, c in changes.items()} == {"inf": 25, "tcs": 25, "reg": 1}
pointwise, order = encoders["reg"].float(), torch.randperm(cells)
shuffled = maps.flatten(2)[..., order].unflatten(2, shape)
with torch.no_grad():
    embedded, mixed = pointwise(maps).flatten(2), pointwise(shuffled).flatten(2)
    flow = torch.linspace(0, float(maps.max()), 200)
    curve = pointwise(flow[:, None, None, None])[:, :, 0, 0]
assert torch.allclose(embedded[..., order], mixed, rtol=1e-4, atol=1e-6)
method.encoders_figure(changes, flow, curve[:, :: -(-C // 16)])
plt.show()

# %% [markdown]
# The last panel is all that the regional encoder can ever know: $C$ functions of one number,
# piecewise linear, with bends where chance has put them. The pretext is there to put the bends
# where they tell flows apart.
#
# ## 3. Regional contrast
#
# A head (BatchNorm, a linear layer, ReLU) turns each cell into $z_j \in \mathbb{R}_+^C$. In every
# map one **anchor** $q$ is drawn; a cell is positive when it is like the anchor. The paper compares
# flows,
#
# $$j \in P \iff |x_q - x_j| \le \lambda \qquad \text{(Eqs. 2, 3)}, \qquad
# L = -\log \frac{\sum_{P} e^{s_j}}{\sum_P e^{s_j} + \sum_N e^{s_j}}, \quad s_j = z_q^\top z_j \qquad \text{(Eq. 4)}.$$ (eq-reg)
#
# The released code does neither. It compares **embeddings**,
# $\frac1C \lVert z_q - z_j \rVert^2 < \lambda$, without gradient, and minimises
#
# $$L = \log\Bigl(1 + \sum_N e^{s_j}\Bigr) + \log\Bigl(1 + \sum_P e^{-s_j}\Bigr).$$ (eq-logsumexp)
#
# Both are here as settings, `criterion` and `loss`. First the plainest form, a loop over maps and
# cells.

# %%
def regional_naive(z, same, anchor):
    """The two losses by adding up exponentials one cell at a time: released code, Eq. 4."""
    pairwise_loss, ratio = 0.0, 0.0
    for map_z, labels, q in zip(z.double(), same, anchor.tolist(), strict=True):
        likeness = [float(map_z[q] @ cell) for cell in map_z]
        apart = sum(exp(s) for s, alike in zip(likeness, labels, strict=True) if not alike)
        alike = sum(exp(s) for s, alike in zip(likeness, labels, strict=True) if alike)
        close = sum(exp(-s) for s, alike in zip(likeness, labels, strict=True) if alike)
        pairwise_loss += log(1 + apart) + log(1 + close)
        ratio += -log(alike / (alike + apart))
    return pairwise_loss / len(z), ratio / len(z)

# %%
head = regional_contrast.RegionalHead(Encoder(C, 1), C)
flows, anchor = maps.flatten(1) / task.coarse[task.train].max(), torch.randint(cells, (16,))
with torch.no_grad():
    z = head(maps)
    small = z / z.norm(dim=2).max()  # so that the plain exponentials stay finite
rules = {how: replace(settings.regional, criterion=how) for how in ("embedding", "flow")}
for criterion, rule in rules.items():
    same = regional_contrast.positives(rule, small, flows, anchor)
    assert same[torch.arange(16), anchor].all()  # the anchor is like itself
    plain = regional_naive(small, same, anchor)
    for loss, value in zip(("logsumexp", "ratio"), plain, strict=True):
        fast = regional_contrast.regional_loss(replace(rule, loss=loss), small, flows, anchor)
        assert abs(float(fast) - value) < 1e-4 * (1 + value)
    print(f"{criterion:9}: logsumexp {plain[0]:.3f}, ratio {plain[1]:.3f}, both as the loops")

# %% [markdown]
# Why shrink $z$ for the check? Because in float32 $e^{s}$ overflows beyond $s = 88$, and BatchNorm
# puts a very busy cell many standard deviations out. The library takes logarithms of sums without
# ever forming the sums, so it needs no such care. And since $z \ge 0$, every $s \ge 0$: no cell can
# be pushed further away than a right angle. Two consequences can be checked at once. Every negative
# costs at least $e^0$, so the loss never falls below $\log(1 + |N|)$; and since labels come from
# the embedding itself, there is a way to win without learning anything: give all cells the same
# long $z$, and nobody is negative.

# %%
likeness = torch.einsum("bc,bjc->bj", z[torch.arange(16), anchor], z)
assert likeness.min() >= 0
for criterion, rule in rules.items():
    negatives = ~regional_contrast.positives(rule, z, flows, anchor)
    value, cheat = (regional_contrast.regional_loss(rule, each, flows, anchor)
                    for each in (z, torch.full_like(z, 10 / C**0.5)))  # fmt: skip
    assert value >= torch.log1p(negatives.sum(1).float()).mean()
    print(f"{criterion:9}: loss {value:7.2f}, of one long z for all cells {cheat:6.2f}")
in_flow = rule.threshold * task.coarse[task.train].max()
print(f"largest s at the start: {likeness.max():.0f}")
print(f"lambda = {rule.threshold} in flow: {in_flow:.2f} vehicles")

# %% [markdown]
# With labels from flow the cheat pays nothing; with labels from the embedding it is a perfect
# score. Does training take that road? We train both for a few passes and look at who is positive.
# (On counts scaled to $[0, 1]$ the paper's $\lambda$ is the number of vehicles printed above: below
# one, positives are the cells with exactly the anchor's count.) `regional_pretext` puts an encoder
# into its pretext: a network, a loss over samples, a score on the validation part. `pretrain`
# trains it in place and keeps the best epoch.

# %%
short = Training(epochs=demo_epochs, learning_rate=1e-3, halve_every=0, precision="float32")
heads, curves = {"before training": head}, {}
for criterion, rule in rules.items():
    torch.manual_seed(seed)
    rule = replace(rule, training=short)
    pretext = regional_contrast.regional_pretext(rule, Encoder(C, 1), C, task)
    curves[criterion] = pretext.pretrain(task, seed, None).curves
    heads[f"trained, {criterion}"] = pretext.network

# %%
busiest = int(maps[:, 0].sum((1, 2)).argmax())
q = int(maps[busiest].flatten().argsort()[int(0.4 * cells)])
anchors = torch.full((16,), q)
equal = regional_contrast.positives(rules["flow"], z, flows, anchors)[busiest].view(shape)
labels = {"equal flow (Eq. 3)": equal.numpy()}
labels |= probes.positive_cells(settings.regional, heads, maps, q, busiest)
method.labels_figure(maps[busiest, 0].numpy(), divmod(q, shape[1]), labels, task.unit)
plt.show()
valid, drawn = task.coarse[task.valid], torch.Generator().manual_seed(seed)
picks = torch.randint(cells, (len(valid),), generator=drawn)
share = probes.embedding_table(settings.regional, heads, valid, picks)
show_table(share, "The head's embedding on validation maps", digits=1)

# %% [markdown]
# Had training taken the cheat, every cell would be positive: 100 in the first column. The first row
# is the yardstick: the share of cells with just the anchor's count, which an embedding that tells
# every flow from every other would call alike. What fine-tuning gets is the encoder below the head;
# {doc}`02b_urbanstc_choices` asks whether it helps.
#
# ## 4. Super-resolution of the coarse map itself
#
# The second pretext is the real task one storey higher. Sum the coarse map once more by $M$, and
# learn to undo it:
#
# $$L_{\mathrm{inf}} = \frac1T \sum_t \bigl\lVert X_t - \mathcal F(X^{mc}_t; \theta) \bigr\rVert^2 \qquad \text{(Eq. 5)}.$$ (eq-inf)
#
# No fine map is needed, as many pairs as there are coarse maps come for free. The encoder is fully
# convolutional: trained on small maps, it is used on larger ones. But the cells it is trained on
# hold $M^2$ times as many vehicles.

# %%
small_maps = coarser(task)
assert torch.equal(small_maps, F.avg_pool2d(task.coarse, M) * M**2)
assert torch.allclose(small_maps.mean(), task.coarse.mean() * M**2)
levels = {"trained on: coarser": small_maps, "target, and used on: coarse": task.coarse,
          "never seen here: fine": task.fine}  # fmt: skip
levels = {name: level[task.train[-16:][busiest], 0] for name, level in levels.items()}
method.maps_figure(
    {f"{name}, {flow.sum():.0f} vehicles": flow.numpy() for name, flow in levels.items()},
    task.unit,
)
plt.show()
split = Split(M, "sharp")  # a last layer that starts alive, see the next page
torch.manual_seed(seed)
rule = replace(settings.inference, training=short)
refine = super_resolution_pretext(rule, Encoder(C, 3), C, task, split)
curves["inf"] = refine.pretrain(task, seed, None).curves

# %%
own = probes.refinement_rmse(refine.network, small_maps, task.coarse, task.valid)
below = probes.refinement_rmse(refine.network, task.coarse, task.fine, task.valid)
assert np.isclose(own[0], min(curves["inf"]["valid_rmse"]), rtol=1e-3)
rows = {"coarser to coarse (trained)": own, "coarse to fine (never trained)": below}
columns = ["RMSE of the pretext's network", "RMSE of the mean split"]
storeys = pd.DataFrame(rows, index=columns).T
show_table(storeys, f"One network on two storeys, validation part, {task.unit}")

# %% [markdown]
# The second row puts the pretext's whole network to work one storey lower, on cells and patterns it
# has never met. It is not part of the method. UrbanSTC keeps the encoder and learns a new decoder;
# the row shows how much of the first storey's answer is valid on the second as it stands.
#
# ## 5. Temporal contrast
#
# Half past eight on Tuesday resembles half past eight on Wednesday more than it resembles nine at
# night. Distances between coarse maps say so without labels, and Algorithm 1 turns them into
# triplets: for each map $X_t$ take the $K$ nearest and the $K$ farthest,
#
# $$X_t^+ = \sum_{k} \frac{1/d_k}{\sum_j 1/d_j}\, X_{t,k}, \qquad X_t^- = \sum_k \frac{d_k}{\sum_j d_j}\, X_{t,k}
# \qquad \text{(Eqs. 7, 8)}.$$ (eq-mix)
#
# **Hard sampling** is $K = 1$, the nearest and the farthest themselves. The paper divides distances
# by $IJ$ under the root (Eq. 6), the released code does not: neighbours and weights are the same.

# %%
pool = task.coarse[task.train]
K = min(settings.temporal.neighbours, len(pool) - 1)
near, near_i, far, far_i = kernels.nearest_and_farthest(pool.flatten(1), K)
plain = kernels.nearest_and_farthest_naive(pool.flatten(1), K)  # a double loop over all pairs
for fast, slow in zip((near, near_i, far, far_i), plain, strict=True):
    assert torch.allclose(fast.double(), slow.double(), rtol=1e-5)
whole_part = task.coarse[task.train_all].flatten(1)
_, near_all, _, far_all = kernels.nearest_and_farthest(whole_part, K)
distance, some = torch.cdist(whole_part, whole_part).numpy(), len(pool) // 2
method.distances_figure(distance, some, near_all[some], far_all[some])
plt.show()
near_all, far_all = near_all[: len(pool)], far_all[: len(pool)]
hour_steps = np.timedelta64(1, "h") / np.diff(task.time).max()
for name, indices in (("in the fraction", near_i), ("in the whole part", near_all)):
    close = (indices - torch.arange(len(pool))[:, None]).abs() <= 2 * hour_steps
    print(f"nearest {name}: {close.float().mean():.0%} within two hours of the anchor")

# %% [markdown]
# The picture shows the whole training part: maps are near to those of the same hour on other days,
# so dark lines run parallel to the diagonal. That is the paper's reason for searching everywhere
# instead of next door. It needs days to search in. The two numbers below the picture say how often,
# in the little data of this page and in all of it, the nearest maps are next door after all. Now
# the mixtures, by the letter of the algorithm.

# %%
def algorithm_1(t):
    """X+ and X- of map t, weights in exact order; each set of weights sums to one."""
    close = [1 / max(float(d), 1e-6) for d in near[t]]  # equal maps: distance guarded
    wide = [max(float(d), 1e-6) for d in far[t]]
    mixtures = []
    for weights, chosen in ((close, near_i[t]), (wide, far_i[t])):
        shares = [weight / sum(weights) for weight in weights]
        assert abs(sum(shares) - 1) < 1e-12
        mixtures.append(sum(s * pool[i] for s, i in zip(shares, chosen, strict=True)))
    return mixtures


weighted, hard = (
    temporal_contrast.triplets(replace(settings.temporal, sampling=how), pool, pool)
    for how in ("weight", "hard")
)
for t in range(len(pool)):
    for fast, slow in zip(weighted, algorithm_1(t), strict=True):
        assert torch.allclose(fast[t], slow, rtol=1e-4, atol=1e-4)
assert torch.equal(hard[0], pool[near_i[:, 0]]) and torch.equal(hard[1], pool[far_i[:, 0]])
pictures = {"anchor": pool[some, 0], "X+": weighted[0][some, 0], "X-": weighted[1][some, 0]}
pictures = {f"{n}, {flow.sum():.0f} vehicles": flow.numpy() for n, flow in pictures.items()}
method.maps_figure(pictures, task.unit)
plt.show()

# %% [markdown]
# An embedding $f(X) \in \mathbb{R}_+^C$ of the whole map, then the triplet loss
#
# $$L = \frac1T \sum_t \max\bigl(0,\; \lVert f(X_t) - f(X_t^+) \rVert^2 - \lVert f(X_t) - f(X_t^-) \rVert^2 + \alpha \bigr)
# \qquad \text{(Eqs. 9, 10)}.$$ (eq-triplet)
#
# The paper leaves $f$ and $\alpha$ open. The code scales every embedding to length 2 and takes
# $\alpha = 15$. Then $\lVert a - b \rVert^2 = 8 - 2 a^\top b \le 8$ since no entry is negative, and
# the argument of the maximum lies between $15 - 8 = 7$ and $15 + 8 = 23$: **the hinge never
# closes**. The loss is linear, 15 means indifference, and any margin from 8 on gives the same
# gradient.

# %%
torch.manual_seed(seed)
temporal_head = temporal_contrast.TemporalHead(Encoder(C, 3), C, normalise=True)
margin, gradients = settings.temporal.margin, []
for alpha in (8.0, margin):
    temporal_head.zero_grad()
    a, p, n = (temporal_head(m[:16]) for m in (pool, *weighted))
    temporal_contrast.triplet_loss(a, p, n, alpha).backward()
    gradients.append(torch.cat([w.grad.flatten() for w in temporal_head.parameters()]))
assert torch.allclose(*gradients, rtol=1e-3, atol=1e-6) and gradients[0].abs().max() > 0
one, other = 2 * torch.eye(2)[:, None]  # at a right angle, as far apart as can be
for p, n, loss in ((other, one, margin + 8), (one, other, margin - 8), (one, one, margin)):
    assert temporal_contrast.triplet_loss(one, p, n, margin) == loss
low, high = margin - 8, margin + 8
print(f"margin {margin:g}: loss between {low:g} and {high:g}, gradient as at margin 8")

# %%
rule = replace(settings.temporal, normalise=True, training=short)
moments = temporal_contrast.temporal_pretext(rule, Encoder(C, 3), C, task)
curves["tcs"] = moments.pretrain(task, seed, None).curves
networks = {"before training": temporal_head.eval(), "after": moments.network}
gaps = {n: probes.triplet_gap(network, pool, *weighted) for n, network in networks.items()}
assert max(np.abs(gap).max() for gap in gaps.values()) <= 8 + 1e-4
method.hinge_figure(gaps, margin, 8)
plt.show()

# %% [markdown]
# Left of zero, a map lies closer to its positive than to its negative. Because the loss is linear,
# triplets that are long in order keep pulling as hard as those that are not: the mean counts, not
# the worst case. The pretexts' convergence on this page:

# %%
curves_figure(
    variants.pretext_curves(curves | {"reg": curves["embedding"]}, task.unit, own[1])
)
plt.show()

# %% [markdown]
# Training losses are means over an epoch with dropout (Inf) and batch statistics (all three);
# validation is taken at the end of the epoch with both switched off. That is why the two may lie
# apart, and may cross.
#
# ## 6. External factors
#
# With `external=True` (the paper's "+E") calendar and weather become one value per coarse cell,
# $X^e \ge 0$: categories are embedded, numbers taken as they are, then two linear layers. The sum
# $X + X^e$ goes into the encoders, in fine-tuning only. The split still uses the bare $X$, so
# factors can shift vehicles inside a block and never add one.

# %%
torch.manual_seed(seed)
plus = UrbanSTC(task, replace(settings, external=True, activation="softplus")).eval()
now, other = task.external[task.train[:1]], task.external[task.train[len(pool) // 4]][None]
with torch.no_grad():
    bias = plus.external(now)
    one, two = (plus(maps[:1], factors) for factors in (now, other))
assert bias.min() >= 0 and bias.shape == maps[:1].shape
assert not torch.equal(one, two) and torch.allclose(block(one), block(two), rtol=1e-4)
assert torch.allclose(block(one), maps[:1], rtol=1e-4)
print(f"factors: {', '.join(task.external_names)}")
print(f"they move {(one - two).abs().sum() / 2:.1e} of {maps[0].sum():.0f} vehicles, untrained")

# %% [markdown]
# ## 7. Fine-tuning
#
# The three embeddings are laid side by side (Eq. 14) and decoded: a convolution $3C \to C$,
# dropout, upsampling in steps of two, a convolution to one channel, the split. All of it is trained
# on squared error in vehicles (Eq. 16). Here is the way of one map:

# %%
shapes = probes.layer_shapes(UrbanSTC(task, settings).eval(), maps)
show_table(shapes, "UrbanSTC, layer by layer", index=False)

# %% [markdown]
# During the first epochs only the decoder learns (`freeze_epochs`; the paper's text does not
# mention it, its code has five). Is it true that nothing moves? We fine-tune for one epoch from
# encoders of which we keep a copy; here they come fresh from the lottery, pretexts of no epoch at
# all, which makes no difference to the question. With one frozen epoch the network must come back
# with the very encoders that went in, bit by bit; without it, it must not.

# %%
frozen, free = (probes.encoders_moved(task, settings, epochs, seed=seed) for epochs in (1, 0))
assert not any(frozen.values()) and all(free.values())
moved = pd.DataFrame({"frozen for the epoch": frozen, "free": free})
show_table(moved, "Largest change of an encoder's weight in a short epoch of fine-tuning", 6)

# %% [markdown]
# ## What to remember
#
# - The split is exact, costs no parameter, and kills silently: a dead block passes no gradient.
# - The regional encoder knows one number per cell. With labels from its own embedding its pretext can be won without learning.
# - Super-resolution of coarse maps needs no fine map; the encoder meets cells $M^2$ times fuller than those it will be used on.
# - At margin 15 and length 2 the triplet loss is linear; weight sampling is a mean of neighbours, with weights that sum to one.
# - Frozen means frozen, bit by bit.
#
# **Deviations.** In the last table of the next page. **Next.** {doc}`02b_urbanstc_choices`: which
# of its sizes and settings matter. **References.** The method: {cite}`urbanstc`; the split and the
# external factors: {cite}`urbanfm`.
