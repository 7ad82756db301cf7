# %% [markdown]
# # When must balancing win?
#
# *What you need: {doc}`02_stbat_method`, {doc}`03_results`. Reading: 10 minutes. Runs in: under a
# minute; the numbers are recorded, where they come from stands below them. You will see: one
# city split so that balancing must help, what four kinds of weights then bring to a line and to
# networks of two kinds, and the same weights on the real pairs.*
#
# STBaT {cite}`stbat` weighs rare kinds of regions up while a network learns in the source. On the
# real pairs of this book that changes little. Is the mechanism at fault, are the data, or is a
# network so flexible that it needs no such help? A positive control tells them apart: data made
# so that the right weights *must* win.
#
# In turn: 1. the split; 2. which models can be used; 3. what weights bring; 4. real pairs; 5. the
# line, run live.

# %% tags=["parameters"]
split_seed: int = 0  # which split of the simulated city is fitted live

# %%
import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib.book import control_runs
from stflow_lib.book.display import provenance, show_table, show_text
from stflow_lib.book.plots.gridflow import control
from stflow_lib.book.plots.transfers import arrow
from stflow_lib.gridflow.beyond.control import KINDS, WEIGHTS, control_task, source_weights

rows = control_runs.read()
found = control.gains(rows)
simulated = found[found["model"].isin(control_runs.MODELS)]
real = found[~found["model"].isin(control_runs.MODELS)]

# %% [markdown]
# ## 1. A city split twenty to two
#
# Three things make weights of the source matter: each kind of region obeys the same law in both
# cities, the kinds conflict, and the model is too small to follow both. Then the least error on the
# source is a compromise in favour of what is common there, and the target's error falls as the
# weights move to the target's shares.
#
# So one simulated city has two kinds of cells, whose days run against each other. The source gets
# twenty of the first and two of the second, the target two and twenty, all drawn at random. What
# the source's cells may weigh:
#
# - **none**: all alike;
# - **RIAM**: STBaT's own, from how dense a region's pattern is (for the line and the MLP learned
#   from POI alone, for ST-net beside it, without the contrast);
# - **counts**: both kinds weigh the same;
# - **oracle**: each kind weighs what it does in the target, which no method can know.

# %%
task = control_task(split_seed)
one, cells = task.only(0), task.sources[0].mask[0]
kinds = task.kinds[cells]
print(f"source: {(kinds == 0).sum()} {KINDS[0]} and {(kinds == 1).sum()} {KINDS[1]} cells")
weighed = pd.DataFrame({
    name: [source_weights(one, name, split_seed)[kinds == kind].mean().item() for kind in (0, 1)]
    for name in WEIGHTS
}, index=pd.Index(KINDS, name="kind of cell"))  # fmt: skip
show_table(weighed, "Mean weight of a cell of the source; the mean over all cells is 1", digits=2)

# %% [markdown]
# Five models learn so: the line; an MLP of 8 and of 64 units, which like the line reads a cell's own
# last hours and nothing else; ST-net, which reads the neighbours too, with 16 and 64 channels. None
# is told the hour. With *counts* and *oracle* the weights also judge the epochs; STBaT's own choose
# by the plain error, as STBaT does.
#
# ## 2. Which models can be used at all
#
# A gain is worth something only where the model is. So first the errors, beside that of the rule
# which repeats the hour before. A network that is above it has learned something about the source
# that does not hold in the target, whatever the weights. A model passes where its mean without
# weights is below the rule's.

# %%
bar = control.beside_the_bar(rows)
if len(bar):
    show_table(
        bar.set_index(["model", "weights"]),
        "Mean RMSE over splits, no day of the target (trips per hour)",
        digits=1,
    )
    provenance([row for row in rows if row["model"] in control_runs.MODELS])

# %% tags=["finding"]
if len(bar):
    show_text(control.said_of_the_bar(bar))

# %% [markdown]
# ## 3. What weights bring
#
# Each point is the mean over splits of the gain against the same model, on the same split, without
# weights; bars are 95 % intervals over splits, and a hollow point is of one split alone. If the
# *oracle* failed here, the data would have no such imbalance. Where it wins and *RIAM* fails, it is
# the mechanism. Where the gain fades from a line or a narrow network to a wide one, two things can
# be behind it. Either capacity has absorbed it: what follows both kinds has no compromise to shift,
# and is then as good without weights as the narrow one with the oracle's. Or the wide one has a
# fault that weights of kinds do not touch. All this is read off models that pass section 2; where a
# network does not, a gain says that weights make a failure smaller.

# %%
if len(simulated):
    control.figure(simulated)
    plt.show()

# %% tags=["finding"]
if len(bar):
    show_text(control.verdict(simulated, bar))
    show_text(control.mechanism(simulated, bar))
for sentence in [*control.reading(simulated), *control.widths(rows, bar)]:
    show_text(sentence)

# %%
if len(simulated):
    named = simulated.rename(columns={"seeds": "splits", "capped": "ended by a cap"})
    show_table(
        named.set_index(["model", "days", "weights"]),
        "Gain in RMSE over no weights (%) and 95 % interval over splits",
        digits=1,
    )

# %% [markdown]
# With days of the target the question changes: fine-tuning moves the model to what is common
# *there*, whatever the source has weighed.
#
# ## 4. The line on real pairs
#
# The same line on the pairs of Table 2, on Chicago and Washington by bicycle, the only pair with
# real POI, and on DiDi's two cities. Kinds are the largest group of POI, or its stand-in; cells
# without any are a kind of their own. *Shares* gives each kind the weight that it has in the
# target. It is the oracle's counterpart, as far as POI tell what a region is for. Where even these
# weights do not lower the error, there is no imbalance of kinds between the two cities that this
# line could profit from, and a method that finds such weights by itself has nothing to find in it,
# whatever its network gains over Finetuned in {doc}`03_results`.

# %%
if len(real):
    show_table(
        real.assign(pair=real["model"].map(arrow)).pivot_table(
            index=["pair", "days"], columns="weights", values="gain", sort=False
        ),
        "Gain in RMSE over no weights (%), line, one fit in closed form, so no interval",
        digits=1,
    )
    provenance([row for row in rows if row["model"] in control_runs.PAIRS])

# %% tags=["finding"]
if len(real):
    show_text(control.said_of_pairs(real))

# %% [markdown]
# ## 5. The line, run live
#
# The closed form takes seconds, so the first split is fitted here. Errors are in trips per hour.

# %% tags=["hide-input"]
by_kind = {f"kind_{number}_rmse": name for number, name in enumerate(KINDS)}
live = [dict(zip(control_runs.PLACE, place, strict=True)) | control_runs.measured(*place)
        for place in ((control_runs.LINE, name, 0, split_seed) for name in WEIGHTS)]  # fmt: skip
show_table(
    pd.DataFrame(live).set_index("weights")[["rmse", *by_kind]].rename(columns=by_kind),
    "RMSE without a day of the target: all cells, and those of each kind (trips per hour)",
    digits=2,
)
assert live[0]["kind_1_rmse"] > live[0]["kind_0_rmse"]  # what is rare in the source errs most

# %% [markdown]
# ## What to remember
#
# - Weights of the source can help only a model that cannot follow all kinds of regions; whether one
#   here is helped stands at the top of the page.
# - An oracle tells whether there is something to win before a mechanism is blamed or praised.
# - Look at the errors before the gains: weights can make a failure smaller.
#
# **Deviations from the paper.** The page is ours. Source and target lie in one city, so that the
# law of each kind is the same in both by construction; a network may see the other's cells as
# neighbours.
#
# **Next.** {doc}`04_ablations_and_sensitivity` takes parts of STBaT away. **References.**
# {cite:t}`stbat`.
