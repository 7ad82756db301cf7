# %% [markdown]
# # TSJT, part by part
#
# *What you need: gradients, inner products, {doc}`01_problem_and_graphs`. Reading: 30 minutes. Runs
# in: half a minute (simulated cities), about five minutes (real ones). You will see: one gradient
# taken apart so that a second one cannot be hurt, prompts that are a matrix in disguise, and both
# measured inside a real training.*
#
# Three days of a city's own data are too few to learn from, and the months of other cities are of
# other roads. Most methods learn on the others first and tune afterwards. TSJT {cite}`tsjt` learns
# once, on both: every batch has a few windows of the target and many of the sources. Two parts make
# that bearable. **NPM**, the node prompting module, tells the network what kind of node it is
# looking at. **TSB**, the target-skewed backward pass, drops from the sources' gradient what works
# against the target's.
#
# In turn: 1. the parts; 2. prompts; 3. a graph of likeness; 4. two gradients; 5. a toy; 6. a live
# training; 7. do they agree; 8. by tensor or for all; 9. patterns on the map; 10. cost; 11. where
# the paper is silent.

# %% tags=["parameters"]
sources: str = "sim-speed-b"  # cities with long records
target: str = "sim-speed-c"  # the city with three days
channels: int = 8  # of the backbone's temporal layers; 64 in the code of its family
width: int = 8  # D' of encoder and prompts; 128 in the authors' code
patterns: int = 6  # K of the bank
windows: int = 6  # of the sources in a batch; the paper has 124, and 4 of the target
epochs: int = 3  # of the live trainings
steps: int = 6  # batches in an epoch
draws: int = 2  # batches over which gradients are compared after each epoch
every: int = 6  # of how many test windows one is forecast
nodes: int = 44  # at which prompts are timed; Shenzhen has 627
bank: int = 22  # patterns at which they are timed; half of Shenzhen's nodes are 313
wide: int = 16  # D' at which they are timed, and TSJT's step
turns: int = 2  # kept, each of which measures everything once
seed: int = 0  # every random number of this page comes from it

# %%
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from stflow_lib.book.display import show_table, show_text
from stflow_lib.book.plots.curves import curves_figure
from stflow_lib.book.plots.speedgraph import live_training, method, overview, prompts, toy
from stflow_lib.data import load
from stflow_lib.kernels import node_prompt, skewed_direction
from stflow_lib.kernels.ops.node_prompt import MODES, bank_init_std, node_prompt_naive
from stflow_lib.kernels.ops.skewed_direction import skewed_direction_naive
from stflow_lib.speedgraph import RULES, Choices, make_task, score
from stflow_lib.speedgraph.networks.graph_operators import symmetric
from stflow_lib.speedgraph.networks.stgcn import STGCNSize
from stflow_lib.speedgraph.tsjt import agreement
from stflow_lib.speedgraph.tsjt.method import TSJT, TSJTSettings
from stflow_lib.speedgraph.tsjt.npm import NPMSettings, knowledge_graph
from stflow_lib.speedgraph.tsjt.tsb import GradientRule
from stflow_lib.training import cost
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

# %%
torch.set_num_threads(1)  # then processor seconds are work, not threads that wait
maps = {name: load(name) for name in (*sources.split(), target)}
lent = [maps[name] for name in sources.split()]
task = make_task(maps[target], lent, choices=Choices(every=every))
city = task.target
print({c.name: tuple(c.speed.shape) for c in (city, *task.sources)}, "steps, sensors")

# %% [markdown]
# ## 1. The parts
#
# A window is a matrix for each node: twelve steps of speed and time of day. NPM encodes it, makes a
# prompt from the code, and puts the prompt beside the window. Any forecaster can then take the
# place of the *backbone*; here it is STGCN (Yu et al., IJCAI 2018) as ST-GFSL {cite}`stgfsl` has
# it, without anything that belongs to a node. One network serves all cities.

# %%
overview.overview_figure()
plt.show()
tiny = TSJTSettings(
    backbone=STGCNSize(channels, max(channels // 2, 2)),
    prompting=NPMSettings(width, patterns),
    sources=windows,
    training=Training(epochs=epochs, epoch_steps=steps, batch=4, halve_every=0,
                      learning_rate=3e-3, precision="float32"),
)  # fmt: skip
full = TSJTSettings()
torch.manual_seed(seed)
network = TSJT(task, tiny)
counts = {"default": TSJT(task, full), "this page": network}
table = pd.DataFrame({name: live_training.parameter_counts(n) for name, n in counts.items()})
show_table(table.map("{:,}".format), "Parameters")
assert table["default"][["encoder", "bank"]].tolist() == [83_840, 150 * 12 * 128]
assert (full.step.granularity, full.prompting.mode) == ("tensor", "gram")  # see section 11
roads = live_training.operators_of(network, task)
for one in (city, *task.sources):  # one network, cities of any size
    assert network(one.windows(one.train[:2]), roads[one.name]).shape == (2, one.speed.shape[1], 6)

# %% [markdown]
# Most numbers of the default are in the bank, next in the encoder. The code that was released
# normalises over nodes, which fixes their number and costs 3.9 million parameters more; so it
# cannot serve two cities. Here layer norms run over the width alone.
#
# ## 2. Prompts
#
# Let $Z_i \in \mathbb{R}^{T \times D'}$ be the code of node $i$ and
# $B_1, \dots, B_K \in \mathbb{R}^{T \times D'}$ the **bank**, learned and shared by all cities.
# Equation 5 of the paper reads
#
# $$ P_i = \frac{1}{\sqrt{D'}} \sum_{k=1}^{K} \big(Z_i B_k^\top\big) B_k = \frac{1}{\sqrt{D'}}\, Z_i \underbrace{\sum_k B_k^\top B_k}_{G}. $$ (eq-sg-prompt)
#
# The words around it describe attention, a score for each pattern and a weighted sum; the formula
# has no softmax. And without one the order of the products is free: sum the bank into
# $G \in \mathbb{R}^{D' \times D'}$ once, and the $K$ score matrices of every node are never formed.
# Four readings, each against its literal form:

# %%
torch.manual_seed(seed)
z = torch.randn(2, 5, 12, 16, dtype=torch.float64)
for mode in MODES:
    some = torch.randn(7, *((16, 16) if mode == "code" else (12, 16)), dtype=torch.float64)
    fast, literal = (f(z, some, mode) for f in (node_prompt, node_prompt_naive))
    torch.testing.assert_close(fast, literal, rtol=1e-10, atol=1e-12)
table = prompts.readings_table(B=4, N=627, T=12, D=128, K=313)
caption = "Four readings of Eq. 5 at Shenzhen's size (627 nodes, K = 313, D' = 128, 4 windows)"
show_table(table, caption, digits=0)

# %% [markdown]
# The printed form in its printed order needs as much as the last row. What does $K$ do? $G$ has
# rank $\min(K T, D')$, so with $T = 12$ and $D' = 128$ eleven patterns already give every matrix
# that can be had: no more capacity comes with $K$. And the more random patterns are summed, the
# closer $G$ is to a multiple of the identity.

# %%
sizes, spectra = (1, 3, 11, 50, 150), {}
alike = {"measured": [], "predicted": []}
z = torch.nn.functional.layer_norm(torch.randn(1, 200, 12, 128), (128,))
for k in sizes:
    some = bank_init_std(k, 12, 128) * torch.randn(k, 12, 128)
    spectra[k] = prompts.gram_spectrum(some)
    assert int((spectra[k] > 1e-9).sum()) == min(12 * k, 128)
    prompt = node_prompt(z, some)
    alike["measured"].append(torch.cosine_similarity(prompt.flatten(), z.flatten(), 0).item())
    alike["predicted"].append((12 * k / (12 * k + 128)) ** 0.5)
    assert abs(prompt.std().item() - (1 + 128 / (12 * k)) ** 0.5) < 0.15
method.spectrum_figure(spectra, sizes, alike)
plt.show()
np.testing.assert_allclose(*alike.values(), atol=0.02)
print(f"at K = 150 the prompt has cosine {alike['measured'][-1]:.3f} with its own input")

# %% [markdown]
# With the code's 150 patterns a prompt starts nearly as a copy of $Z_i$: what the bank adds has
# to be learned. A bank with entries of variance 1 would also make it a hundred and sixty-five times
# as large as the speeds beside it; `bank_init_std` sees to it that it starts near 1, and what
# learns is scaled so that a step of Adam moves prompts equally far for every $K$. So when the
# paper's Figure 4 shows errors that fall with $K$ and level off, it cannot be capacity in this
# reading. Only with a softmax does a pattern have a score of its own.
#
# ## 3. A graph of likeness
#
# Nodes with like prompts should learn from each other, wherever they are. Equation 7 compares them,
#
# $$ A_K(i, j) = \frac{\langle P_i, P_j \rangle_F}{\lVert P_i \rVert_F\, \lVert P_j \rVert_F}, $$ (eq-sg-knowledge)
#
# for every window anew. The paper hands it to the backbone "if necessary". Here it is one more
# graph beside the roads: negative values and the diagonal off, rows summing to 1.

# %%
x = city.windows(city.train[-40::8])
prompting = network.prompting.eval()
with torch.no_grad():
    both, graph = prompting(x, symmetric(city.weights))
prompt = both[..., 2:]
flat = prompt.flatten(2)
cosine = torch.cosine_similarity(flat[:, :, None], flat[:, None], 3)
kept = cosine.clamp_min(0) * (1 - torch.eye(len(city.weights)))
torch.testing.assert_close(graph, kept / kept.sum(2, keepdim=True), rtol=1e-3, atol=1e-5)
torch.testing.assert_close(knowledge_graph(7 * prompt), graph)  # length does not matter
order = prompts.band_order(city.weights)
road = (symmetric(city.weights) * (1 - torch.eye(len(order)))).numpy()
pair = {"roads": road, "A_K, before training": graph.mean(0).numpy()}
method.graphs_side_by_side({n: w[order][:, order] for n, w in pair.items()})
plt.show()
near = {n: round(prompts.effective_neighbours(w), 1) for n, w in pair.items()}
print("effective neighbours:", near, "of", len(order))

# %% [markdown]
# Roads lie near the diagonal. $A_K$ is dense: nearly every node is like nearly every other, because
# codes that have passed the same layers share most of their direction. As a mixing operator that is
# close to a plain mean over the city. From how many nodes does the forecast of one node hear?

# %%
least = int((city.weights > 0).sum(1).argmin())  # a node with few neighbours
heard, parts = {}, {"roads alone": {"use_prompts": False}, "prompts": {"use_knowledge": False}}
for name, uses in (parts | {"prompts and A_K": {}}).items():
    torch.manual_seed(seed)
    model = TSJT(task, TSJTSettings(prompting=NPMSettings(width, patterns), **uses)).eval()
    heard[name] = prompts.nodes_heard(model, city, least)
print("nodes that a forecast hears from:", heard)
assert heard["prompts and A_K"] == len(city.weights)

# %% [markdown]
# Two steps along the roads in the backbone, two more in the encoder of prompts; with $A_K$ from
# all, even where the graph is in pieces or a node has no neighbour. The paper finds that leaving it
# out changes next to nothing; if it is so close to a mean, one sees why.
#
# ## 4. Two gradients
#
# A batch has 4 windows of the target and 124 of the sources. Both losses are differentiated by
# themselves, $g_T$ and $g_S$, for each tensor of parameters. The source's is split along and across
# the target's,
#
# $$ g_{ST} = \frac{\langle g_S, g_T \rangle}{\langle g_T, g_T \rangle}\, g_T, \qquad g_{SV} = g_S - g_{ST}, $$ (eq-sg-split)
#
# and the step is
#
# $$ \theta \leftarrow \theta - \gamma_1\, g_T - \gamma_2\, \big(g_{SV} + [\,g_{ST} \text{ points as } g_T\,]\; g_{ST}\big). $$ (eq-sg-step)
#
# No branch is needed. With $c = \langle g_S, g_T \rangle$ the bracket is
#
# $$ u = g_S - \frac{\min(c, 0)}{\langle g_T, g_T \rangle}\, g_T, \qquad \langle u, g_T \rangle = \max(c, 0) \ge 0, \qquad \lVert u \rVert \le \lVert g_S \rVert. $$ (eq-sg-closed)

# %%
torch.manual_seed(seed)
shapes = [(3, 4), (7,), (2, 5), (1,)]
for _ in range(20):
    t, s = ([torch.randn(*shape, dtype=torch.float64) for shape in shapes] for _ in "ts")
    for components in ("tensor", "global", [0, 0, 1, 1]):
        ours = skewed_direction(t, s, 0.2, 0.001, components)
        literal = skewed_direction_naive(t, s, 0.2, 0.001, components)
        for a, b in zip(ours, literal, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-14)
    for a, b, u in zip(t, s, skewed_direction(t, s, 0.0, 1.0), strict=True):
        dot = (a * u).sum()
        torch.testing.assert_close(dot, (a * b).sum().clamp_min(0), rtol=1e-9, atol=1e-12)
        assert u.norm() <= b.norm() + 1e-12 and (u * b).sum() >= -1e-12
whole = skewed_direction([torch.zeros(3)], [torch.ones(3)], 0.2, 1.0)[0]
assert torch.equal(whole, torch.ones(3))  # no target direction: the source stays whole
print("the closed form is Eq. 9 and 10 with their branches, by tensor, by module and for all")

# %% [markdown]
# To first order a step of the sources can therefore not raise the target's loss on this batch.
# Others have had the thought: **PCGrad** (Yu et al., NeurIPS 2020) bends both gradients, **A-GEM**
# (Chaudhry et al., ICLR 2019) is the same projection with equal weights, a **gate** takes the
# source whole or not at all. What does each add, by the angle?

# %%
angles = np.linspace(1, 179, 179)  # degrees
rules = {"sum": "sum", "PCGrad": "pcgrad", "TSB, A-GEM": "tsb", "gate": "gate"}
added = {name: toy.added_by_angle(rule, np.radians(angles)) for name, rule in rules.items()}
method.angles_figure(angles, added)
plt.show()
assert added["TSB, A-GEM"][:, 0].min() >= -1e-6 and added["PCGrad"][:, 0].min() < -0.9
np.testing.assert_allclose(added["TSB, A-GEM"][:, 1], np.sin(np.radians(angles)), atol=1e-6)

# %% [markdown]
# Up to a right angle all agree. Beyond it the sum works against the target and PCGrad gives part of
# the target's own step away. TSB keeps what is across, which the gate throws away.
#
# ## 5. A toy
#
# Two quadratic losses in the plane, whose minima differ; this is the paper's Figure 2 with numbers.
# Every rule starts at the same point and takes the same number of steps.

# %%
double = partial(torch.tensor, dtype=torch.float64)
start, best = (torch.tensor(at).double() for at in ([-1.2, 1.9], [1.9, 0.7]))
bowls = {"target": toy.Quadratic(double([[1.0, 0.0], [0.0, 5.0]]), torch.zeros(2).double()),
         "source": toy.Quadratic(double([[3.0, 1.4], [1.4, 1.5]]), best)}
rules = {"target alone": ("target", 1.0), "sum": ("sum", 1.0), "PCGrad": ("pcgrad", 1.0),
         "TSB, equal weights (A-GEM)": ("tsb", 1.0), "TSB, sources at 1/200": ("tsb", 0.005)}
steps_of = {name: GradientRule(rule, 1.0, weight) for name, (rule, weight) in rules.items()}
ways = {name: toy.descend(step, bowls, start) for name, step in steps_of.items()}
tsb = ways["TSB, equal weights (A-GEM)"]
torch.testing.assert_close(tsb, toy.descend(GradientRule("agem", 1.0, 1.0), bowls, start))
falls = {name: bowls["target"].loss(way) for name, way in ways.items()}
between = torch.linalg.solve(sum(bowl.curvature for bowl in bowls.values()),
                             bowls["source"].curvature @ best)  # fmt: skip
torch.testing.assert_close(ways["sum"][-1], between, atol=0.02, rtol=0.02)

# %%
arrows = toy.downhill_parts(toy.first_conflict(tsb, bowls), bowls)
planes = {name: bowl.plane for name, bowl in bowls.items()}
curves = {name: fall.clamp_min(1e-5).numpy() for name, fall in falls.items()}
method.toy_figure(planes, {name: way.numpy() for name, way in ways.items()}, curves, arrows)
plt.show()
ends = {name: f"{fall[-1].item():.4f}" for name, fall in falls.items()}
print("target's loss at the end:", ends)

# %% [markdown]
# The sum stops between the minima, where the two slopes cancel. TSB cannot: while the target has a
# slope, no step leads up it. Near its minimum the slope is small and the sources' push across it is
# not, so with equal weights it wanders around the minimum instead of resting there. A small weight
# of the sources cures that, and hardly anything of them is left.
#
# The guarantee is about raw gradients and one small step. Adam divides each coordinate by a size of
# its own, which turns the step. How often does a step then lead uphill for the target?

# %%
torch.manual_seed(seed)
rows = {
    (name, f"{weight:g}"): toy.uphill_shares(GradientRule(name, 1.0, weight), draws=500)
    for weight in (1.0, 0.2, 0.005)
    for name in ("sum", "tsb")
}
table = pd.DataFrame(rows).T.rename_axis(["rule", "weight of the sources"])
caption = "Random gradients in 20 dimensions, the sources' five times as long: % of steps uphill"
show_table(table, caption, digits=1)
assert (table.loc["tsb"]["plain step"] == 0).all()

# %% [markdown]
# For plain steps never, as proved; under Adam now and then, if sources count as much as the target.
# The released code uses Adam with weights 0.2 and 0.001: times its rate $10^{-3}$, exactly the
# $\gamma_1$ and $\gamma_2$ of the paper. Of the two only their ratio, 1/200, matters to Adam.
#
# ## 6. A live training
#
# Small networks, the paper's weights. After each epoch the third day is forecast, and on some
# batches, the same every time, both gradients are compared. Beside TSJT runs the same network on a
# plain sum of the same windows, where each of them weighs the same.

# %%
share = windows / (windows + 4)
settings = {"TSJT": tiny, "plain sum": replace(tiny, step=GradientRule("sum", 1 - share, share))}
runs = {n: live_training.train_watched(task, own, seed, draws) for n, own in settings.items()}
panels = {
    ("target's windows", "scaled MAE"): "loss",
    ("third day", "scaled MAE"): "valid_mae",
    ("sources in a step", "length against the target's"): "sources",
}
curves = {at: {n: [run.curves[c]] for n, run in runs.items()} for at, c in panels.items()}
figure = curves_figure(curves)
figure.axes[2].set_yscale("log")
plt.show()
rule = RULES[0].fit(task, RULES[0].settings(), 0, None)
errors = {n: run.errors for n, run in runs.items()} | {"Last value": score(task, rule)["parts"]}
table = pd.DataFrame(errors).T.filter(like="mae")
show_table(table, f"Test days of {target}, MAE in {city.unit}", digits=2)

# %% [markdown]
# A few hundred steps of a small network are no result; the last row says how far there is to go. It
# is asked for speeds, as in the paper; the result pages ask for changes, and section 5 of
# {doc}`04_ablations` shows both. The right panel is the one to remember: how long the sources' part
# of a step is beside the target's, in a plain sum and with the printed weights.

# %%
lengths = {name: pd.Series(run.curves["sources"]) for name, run in runs.items()}
for name, found in lengths.items():
    show_text(f"{name}: the sources' part of a step is {found.min():.2g} to {found.max():.2g} "
              "times as long as the target's.")  # fmt: skip
assert lengths["TSJT"].max() < lengths["plain sum"].min()

# %% [markdown]
# With the printed weights it is training on three days with a small disturbance.
#
# ## 7. Do they agree?
#
# The filter acts where $\langle g_S, g_T \rangle < 0$. How often is that? By layer and epoch: the
# cosine of both gradients, and the share of the weights that lie in tensors where they are opposed.

# %%
network, curves = runs["TSJT"].network, runs["TSJT"].curves
method.agreement_figure(*(agreement.by_layer(curves, kind) for kind in ("cosine", "opposed")))
plt.show()
table = live_training.agreement_by_batch(network, task, tiny, draws, (1, 4, 16, 64))
show_table(table, "After training, all layers, by the size of the batch", digits=2)

# %% [markdown]
# Layers do not agree alike, and cosines drift as the network learns. The last table shows the
# noise: the same network, compared on larger batches. Four windows make a rough gradient, and rough
# gradients are nearly at a right angle in many dimensions, whatever their means do. So where larger
# batches agree better, part of what is filtered is chance: half of all tensors would be "opposed"
# if there were nothing but noise.
#
# ## 8. By tensor or for all?
#
# The paper splits each component by itself, the released code all parameters at once. By tensor
# more is removed, and the promise is stronger: $\langle u, g_T \rangle = \sum_i \max(0, c_i)$
# instead of $\max(0, \sum_i c_i)$.

# %%
torch.manual_seed(seed)
rows = []
for _ in range(4 * draws):
    drawn = city.train[torch.randint(len(city.train), (4,))]
    t, s = agreement.target_and_source_gradients(network, task, roads, drawn, windows)
    dots = torch.stack([(a * b).sum() for a, b in zip(t, s, strict=True)])
    kept = {g: skewed_direction(t, s, 0.0, 1.0, g) for g in ("tensor", "global")}
    gain = {g: sum((a * b).sum() for a, b in zip(t, u, strict=True)) for g, u in kept.items()}
    torch.testing.assert_close(gain["tensor"], dots.clamp_min(0).sum(), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(gain["global"], dots.sum().clamp_min(0), rtol=1e-3, atol=1e-5)
    cosine = agreement.agreement(network, t, s)["all"]["cosine"]
    rows.append(live_training.removed_shares(t, s) | {"cosine": cosine})
table = pd.DataFrame(rows).describe().loc[["mean", "min", "max"]]
show_table(table, "Part of the source's gradient that is removed", digits=1)

# %% [markdown]
# ## 9. Patterns on the map
#
# In the softmax reading each node has a share for each pattern, and these can be looked at. A third
# training has it. On the left the nodes of the target by their strongest pattern at the slowest and
# at the fastest moment of the test days, strongest against its own average; on the right what the
# windows behind each pattern look like.

# %%
softmax = replace(tiny, prompting=NPMSettings(width, patterns, "pattern_softmax"))
network = live_training.train_watched(task, softmax, seed, draws).network
leaning = partial(prompts.pattern_shares, network, city)  # [moments, nodes, K]
usual = prompts.usual_shares(leaning(city.train[:: max(len(city.train) // 100, 1)]))
mean = city.scaled[task.test - 1].mean(1)
strongest = {}
for name, at in (("slowest", task.test[mean.argmin()]), ("fastest", task.test[mean.argmax()])):
    title = f"{name}: {pd.Timestamp(city.time[int(at) - 1]):%a %H:%M}"
    strongest[title] = prompts.strongest(leaning(at[None]), usual)[0].numpy()
some = task.test[:: max(len(task.test) // 100, 1)]
kinds = prompts.strongest(leaning(some), usual)
behind, shares = prompts.mean_windows(city, some, kinds, task.minutes)
method.patterns_figure(maps[target], strongest, behind, shares, city.unit)
plt.show()
table = prompts.pattern_use(network, (city, *task.sources), usual, [*behind])
show_table(table, "How often a pattern is heard most beyond the average, by city", digits=1)

# %% [markdown]
# Patterns sort windows by what the roads do, slow or fast, falling or rising, and cities share
# them: this is what NPM is for. Read the last column before believing more. Where it is close to
# the number of patterns, every node hears all of them nearly alike, and the strongest is so by a
# hair.
#
# ## 10. What it costs
#
# TSB needs two gradients of one batch. Its windows are split, each goes forward and back once, so
# the arithmetic is that of a plain joint step; the dot products and one pass over the parameters
# come on top. Both steps below do the same forward passes, in turns; processor seconds count.

# %%
big = replace(tiny, backbone=STGCNSize(4 * channels, channels), prompting=NPMSettings(wide, bank))
racer = TSJT(task, big).train()
both = live_training.joint_steps(racer, task, big, city.train[:4])
actions = {name: partial(cost.seconds, step) for name, step in both.items()}
times = cost.interleaved(actions, 2 * turns)
print(f"a TSJT step takes {live_training.ratio_text(times, 'TSJT', 'plain', 2)} times a plain one, "
      f"{count_parameters(racer):,} parameters, {windows} + 4 windows")  # fmt: skip

# %% [markdown]
# With more windows in a batch the ratio falls, since what TSB adds does not grow with them. Next,
# Eq. {eq}`eq-sg-prompt` in its printed order against Gram first, four windows of a city.

# %%
torch.manual_seed(seed)
z, some = torch.randn(4, nodes, 12, wide), torch.randn(bank, 12, wide) / (12 * bank) ** 0.5
rows = some.flatten(0, 1)
forms = {
    "gram first": node_prompt,
    "one product": lambda z, some: (z @ rows.T) @ rows / wide**0.5,
    "a pattern at a time": node_prompt_naive,
}
with torch.inference_mode():
    first, *others = (form(z, some) for form in forms.values())
    for other in others:
        torch.testing.assert_close(first, other, rtol=1e-3, atol=1e-4)
    actions = {n: partial(cost.seconds, partial(f, z, some)) for n, f in forms.items()}
    times = cost.interleaved(actions, turns)
products = 2 * 4 * nodes * bank * 144 * wide / (bank * 12 * wide**2 + 4 * nodes * 12 * wide**2)
print(f"N = {nodes}, K = {bank}, D' = {wide}: products of the printed order: {products:.0f} times")
for name in [*forms][1:]:
    print(f"{name}: {live_training.ratio_text(times, name, 'gram first', 0)} times as long")
    assert np.median(np.divide(times[name], times["gram first"])) > 1

# %% [markdown]
# The printed order, taken as one product over all patterns, costs about what its count of products
# says, and has to hold the scores: 110 million numbers for these four windows, 3.6 billion for a
# batch of the paper. A pattern at a time needs no such room and takes longer still, because it adds
# up prompts of the whole city once for each pattern.
#
# ## 11. Where the paper is silent
#
# The release is partial: the backbones are withheld and it does not run as it stands. Where it and
# the paper differ, a setting has both.
#
# | question | here | setting | from |
# |---|---|---|---|
# | width of bank and scale of Eq. 5 | D', sqrt(D') | none | the text's D and D' do not fit |
# | softmax in Eq. 5 | no | `prompting.mode` | formula; the words have one |
# | K | 150 | `prompting.patterns` | release; the paper: half the nodes, not of which city |
# | attention | over the steps of a node | none | ours; in the release it mixes nodes and samples |
# | norms | over the width; E_T is in the residual | none | ours; the release fixes the number of nodes |
# | A_K in the backbone | one more graph, rows sum to 1 | `use_knowledge` | ours; the release: instead of the roads |
# | components of TSB | each tensor | `step.granularity` | the paper; the release: all at once |
# | optimiser | Adam on 0.2 g_T + 0.001 u | `step` | release; the paper names none |
# | loss | masked MAE, scaled by city | `squares` of the protocol | ours; the release: MSE without a mask |
# | source windows | shared out evenly, all cities in a batch | `sources` | ours; the release draws one city |
# | statistics of batch norms | each city's own, the target's in use | none | ours; the paper is silent |
# | choice of the epoch | the third day | `blocks` of the protocol | ours; the paper is silent |
#
# ## What to remember
#
# - TSB is one projection, one multiplication and addition a weight, without a branch; to first
#   order it cannot hurt the target, until Adam turns the step.
# - With the printed weights the sources are a small part of a step: section 6 counts it.
# - Four windows make a rough gradient; much of what is filtered is noise.
# - The printed prompt is one matrix times the node's code: eleven patterns are its full capacity.
# - $A_K$ is dense: a forecast of one node hears all others.
#
# **Deviations from the paper.** In the table of section 11. **Next.** {doc}`03_results`: all
# methods, all four targets. **References.** The method: {cite}`tsjt`; the backbone's form:
# {cite}`stgfsl`.
