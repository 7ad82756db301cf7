# %% [markdown]
# # Ablations: which part of UrbanSTC does the work
#
# *What you need: the [method](02_urbanstc_method) and its [results](03_results). Runs in: seconds
# where the run store is filled, else as long as the trainings take. You will see: Tables 7 to 9 and
# Figures 6 to 8 beside the paper's, and one control that the paper does not have.*
#
# UrbanSTC is made of parts: three pretexts, two stages of training, external factors, a way to
# sample triplets, a threshold, a width. An **ablation** changes one of them and leaves the rest
# alone. The paper prints three tables and three figures of that kind, mostly with differences well
# below one percent.
#
# Differences that small need a measure, and the paper gives none. Here every comparison is paired
# by seed and carries a 95 % interval; where we have a single seed, the spread of the tables' own
# seeds is drawn behind the curve. What is smaller than that spread is not a finding.

# %% tags=["parameters"]
profile: str = "smoke"  # which size of runs the page shows: smoke, lab or paper
train_missing: bool = True  # compute runs that have no record; False shows "not run" instead

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.book import display as notebook
from stflow_lib.book.plots.comparisons import gains_figure
from stflow_lib.book.plots.curves import curves_figure
from stflow_lib.book.plots.sweeps import amounts_figure, sweep_figure
from stflow_lib.data.catalog import index as registry
from stflow_lib.finegrained.tables import LABELLED
from stflow_lib.verdicts import claims, paired

METRICS = ["rmse", "mae", "mape"]
SHOWN = ["table7", "table8", "table9", "figure6", "figure7a", "figure7b", "figure8"]
rows = {name: LABELLED[name](profile) for name in SHOWN}  # table -> {row: runs}
every = [run for table in rows.values() for group in table.values() for run in group]
planned, missing = runs.ensure_all(every, train_missing)
print(f"profile {profile}: {planned} runs, {missing} had no record before this page")

# %% [markdown]
# ## How to read the comparisons
#
# Each table is laid out as printed, one metric at a time: our rows with mean and standard deviation
# over seeds, the paper's numbers to the right. The paper's are means over four half-years of
# Beijing taxis; ours come from the city named in the column. So sizes do not compare, orders do.
#
# Below each table stands what the paper says about the order, as a difference with its interval:
# the error of the *other* row minus that of the *better* one, seed by seed, in percent of the
# other. It is confirmed when the whole interval is above zero, the rule of the
# [scoreboard](../scoreboard). One seed has no interval, and a smoke run is no evidence at all: at
# that size the page only proves that it works.

# %%
def words(cell):
    """Mean, spread and number of seeds, and what is lacking."""
    if not cell.n:
        return "collapsed" if cell.collapsed else "not run"
    spread = "" if np.isnan(cell.spread) else f" ± {cell.spread:.3f}"
    gone = f", {cell.collapsed} collapsed" * bool(cell.collapsed)
    return f"{cell.mean:.3f}{spread} (n={cell.n}{gone}{', incomplete' * bool(cell.missing)})"


def whole(group):
    """One line of a table: all columns of a row's runs, whatever their method and settings."""
    cells = runs.summary(group, METRICS).itertuples()
    return pd.Series({(cell.city, cell.scarcity, cell.metric): words(cell) for cell in cells})


def show_table(name, printed=None):
    """Our rows, one metric at a time, and the printed ones beside them."""
    number = name.removeprefix("table")
    printed = claims.reported("urbanstc", number) if printed is None else printed
    printed = printed.assign(dataset=printed["dataset"] + " (paper)").pivot(
        index="method", columns=["dataset", "fraction", "metric"], values="value"
    )
    lines = {label: whole(group) for label, group in rows[name].items() if group}
    ours = pd.DataFrame(lines).T[max((line.index for line in lines.values()), key=len)]
    for metric in METRICS:
        mine, theirs = (t.xs(metric, axis=1, level=2) for t in (ours, printed))
        theirs = theirs.reindex(mine.index).map("{:.3f}".format).replace("nan", "")
        beside = mine.fillna("").join(theirs).rename_axis(index="row")
        notebook.show_table(beside, f"Table {number}: {metric.upper()}")
    notebook.provenance(runs.records([run for group in rows[name].values() for run in group]))

# %%
def compare(name, pairs, metrics=("rmse", "mae")):
    """What the paper orders, (better row, other row), as paired differences with intervals."""
    lines = []
    for better, other in pairs:
        found = paired.paired_gains(rows[name].get(better, []), rows[name].get(other, []), metrics)
        where = (
            found["metric"].str.upper() + ", " + found["city"] + ", " + found["scarcity"] + " %"
        )
        lines.append(found.assign(label=f"{better} below {other}: " + where))
    shown = ["label", "gain", "low", "high", "n", "verdict"]
    return pd.concat(lines)[shown].reset_index(drop=True)


def verdicts(name, pairs):
    """The comparisons of a table as numbers and, with intervals, as a picture."""
    judged = compare(name, pairs)
    if judged.empty:
        print("not run")
        return
    notebook.show_table(judged.rename(columns={"gain": "difference (%)"}),
                  "Paired by seed: how much lower the first error is", digits=2, index=False)  # fmt: skip
    if judged["low"].notna().any():
        gains_figure(judged).axes[0].set_title("Paired differences with 95 % intervals")
        plt.show()
    counts = judged["verdict"].value_counts()
    print("; ".join(f"{verdict}: {number}" for verdict, number in counts.items()))

# %% [markdown]
# ## Table 7: which pretexts help
#
# Each encoder comes from one pretext: regional contrast (`reg`), super-resolution of the coarse map
# (`inf`), temporal contrast (`tcs`). A row names the encoders that stay; the decoder's first layer
# gets narrower with them, so a row with fewer encoders is also a smaller network. In the paper
# regional contrast alone is worst, temporal contrast the best of the single ones, and all three are
# best; but the best pair is only 0.08 % behind in RMSE.
#
# The row **random encoders** is ours. It is the full network, trained for the error from the first
# step, without any pretext. Without it one cannot tell what the pretexts *teach* from what the
# extra encoders merely *hold*: three encoders are more parameters than one, and `reg` sees single
# cells only while the other two see neighbourhoods.

# %%
show_table("table7")

# %%
full, control = "reg+inf+tcs", "random encoders"
subsets = [name for name in rows["table7"] if name not in (full, control)]
verdicts("table7", [(full, name) for name in subsets])

# %% [markdown]
# And the question that matters most for the paper's title: is the pre-trained network better than
# the same network from random weights? With little data it should be, if self-supervision is a
# remedy for scarcity. So this comparison is made at both ends of the range of data.

# %%
verdicts("table7", [(full, control)])

# %% [markdown]
# If the first interval above includes zero while the single encoders are clearly worse, the gain in
# Table 7 is one of capacity and of the field of view, not of what the pretexts taught. That is why
# we would not read the paper's Table 7 as proof of its pretexts: it never trained the control.
#
# ## Table 8: two stages or one
#
# The paper's alternative to pre-training is to minimise everything at once: the squared error plus
# the three pretext losses on the same encoders. It does not print how the four terms were weighted,
# and they live on different scales, so we take 1 for each and try smaller weights with one seed. As
# in the paper, taxis see external factors and bicycles do not.

# %%
show_table("table8")

# %%
stages = [("two_stage", name) for name in rows["table8"] if name != "two_stage"]
verdicts("table8", stages)

# %% [markdown]
# A fair remark on cost: two stages take the optimiser steps of the pretexts *and* those of the
# fine-tuning, the single stage takes only the latter, each of which computes all four losses. The
# seconds below are those of our records.

# %%
spent = {
    label: pd.DataFrame(runs.records(group)).groupby("city")["fit_seconds"].mean()
    for label, group in rows["table8"].items()
    if runs.records(group)
}
if spent:
    notebook.show_table(pd.DataFrame(spent).T, "Seconds of a training, mean over seeds", digits=1)

# %% [markdown]
# ## Table 9: external factors
#
# A map of half past eight on a rainy Monday is not split like one of a sunny Sunday. UrbanSTC adds
# a map made from weather and calendar to the input of its encoders (+E); UrbanFM, UrbanPy and FODE
# have branches of their own for it. The simulated city carries weather, San Francisco has only
# hour, weekday and holiday. The paper's comparison with the runs without factors is spread over
# five tables; put together it is less one-sided than the text.

# %%
plain = claims.reported("urbanstc").query("table in ['3', '4', '5', '6'] and fraction == '100'")
extra = claims.reported("urbanstc", "9").query("method.str.endswith('+E')")
merged = extra.assign(method=extra["method"].str.removesuffix("+E")).merge(
    plain, on=["dataset", "method", "metric"], suffixes=(" with", " without")
)
merged["gain"] = 100 * (1 - merged["value with"] / merged["value without"])
printed = merged[merged["metric"] != "mape"].pivot(
    index="method", columns=["metric", "dataset"], values="gain"
)
notebook.show_table(printed, "Printed: how much +E lowers the error, in percent", digits=2)

# %% [markdown]
# In print UrbanPy gets *worse* with external factors in three of the four half-years, and UrbanSTC
# gains between 0.1 and 0.4 % in RMSE. Ours:

# %%
without = plain[plain["method"].isin(["UrbanFM", "UrbanPy", "FODE", "UrbanSTC"])]
show_table("table9", pd.concat([without, extra]))

# %%
with_factors = [name for name in rows["table9"] if name.endswith("+E")]
helps = [(name, name.removesuffix("+E")) for name in with_factors]
leads = [("UrbanSTC+E", name) for name in with_factors if name != "UrbanSTC+E"]
verdicts("table9", helps + leads)

# %% [markdown]
# ## Figure 6: how to choose triplets
#
# Temporal contrast needs, for each map, one that should be near and one that should be far. *Hard*
# sampling takes the nearest and the farthest map; *weight* sampling mixes the five nearest and the
# five farthest (Algorithm 1 of the paper). The paper reports a lower MAE for weight sampling below
# 60 % of the data, in a figure whose whole axis spans 5 % of the error.

# %%
triplets = {label: paired.errors(group, "mae") for label, group in rows["figure6"].items()}
triplets = {f"{label} sampling": found for label, found in triplets.items() if len(found)}
if triplets:
    city = next(iter(triplets.values())).index[0][0]
    unit = registry.entries()[city].unit
    amounts_figure(triplets, f"test MAE ({unit})", f"Figure 6: sampling of triplets, {city}")
    plt.show()
verdicts("figure6", [("weight", "hard")])

# %% [markdown]
# ## Figure 7: the threshold of regional contrast
#
# Two cells count as alike when their embeddings differ by less than $\lambda$ in mean square. The
# paper sweeps $\lambda$ for taxis and for bicycles and finds its best value inside the range each
# time, at $10^{-4}$ and $5 \cdot 10^{-5}$; its axes span less than one percent. We keep $10^{-4}$
# in all tables. The dashed line and its band are the tables' UrbanSTC over its seeds: a curve that
# stays inside is flat for all we can tell.

# %%
def by_value(name):
    """{value: RMSE of its seeds} of a sweep, values without a run left out."""
    found = {
        value: paired.errors(group, "rmse").tolist() for value, group in rows[name].items()
    }
    return {value: rmse for value, rmse in found.items() if rmse}


def in_tables(name):
    """RMSE of the tables' UrbanSTC over all seeds, where a sweep took place."""
    run = next(run for group in rows[name].values() for run in group)
    table = LABELLED["beyond"](profile)["UrbanSTC"]
    return paired.errors(
        [r for r in table if (r.city, r.scarcity) == (run.city, run.scarcity)], "rmse"
    )


sweeps = {}
for name in ("figure7a", "figure7b"):
    if by_value(name):
        city = next(run.city for group in rows[name].values() for run in group)
        sweeps[f"Figure {name[-2:]}: {city}"] = "threshold λ", by_value(name), in_tables(name)
if sweeps:
    sweep_figure(sweeps, "test RMSE (vehicles per cell and step)")
    plt.show()
for title, (_, values, tables) in sweeps.items():
    means = {value: np.mean(found) for value, found in values.items()}
    spread = (max(means.values()) - min(means.values())) / np.mean(list(means.values()))
    noise = f"{tables.std() / tables.mean():.2%}" if len(tables) > 1 else "unknown"
    print(f"{title}: best at {min(means, key=means.get)}; the sweep spans {spread:.2%} of the "
          f"error, one standard deviation over seeds is {noise}")  # fmt: skip

# %% [markdown]
# ## Figure 8: width, and how the pretexts converge
#
# One number, $C$, sets the width of the encoders and the decoder. The paper compares 32, 64 and
# 128; our profiles halve and double their own. To the error (panel a of the figure) belong the
# validation curves of the three pretexts (b to d): a width that is too small should show there
# first, because a pretext is the only thing its encoder learns from before fine-tuning.

# %%
widths, sizes = by_value("figure8"), {}
for width in widths:
    sizes[f"{width}\n{runs.records(rows['figure8'][width])[0]['parameters']:,}"] = widths[width]
if widths:
    sweep_figure({"Figure 8a: width": ("C, and parameters", sizes, in_tables("figure8"))},
                 "test RMSE (vehicles per cell and step)")  # fmt: skip
    plt.show()

# %%
CURVES = {"reg_valid": ("8b: regional contrast", "validation loss"),
          "inf_valid_rmse": ("8c: super-resolution", "validation RMSE (vehicles)"),
          "tcs_valid": ("8d: temporal contrast", "validation loss"),
          "valid_rmse": ("fine-tuning", "validation RMSE (vehicles)")}  # fmt: skip
panels = {}
for curve, where in CURVES.items():
    found = {f"C = {w}": [r["curves"][curve] for r in runs.records(rows["figure8"][w])]
             for w in widths}  # fmt: skip
    if found:
        panels[where] = found
if panels:
    curves_figure(panels)
    plt.show()

# %% [markdown]
# The first two losses are not comparable between widths as they stand: regional contrast sums over
# channels, so a wider embedding has larger inner products and another loss at the start. The scale
# of temporal contrast is fixed by its norm (15 is indifference, 7 the least that can be reached),
# and the error of super-resolution is in vehicles.
#
# ## Summary
#
# **What to remember.** Compare a pre-trained network with the *same* network from random weights
# before saying what pre-training teaches. Put an interval around each ablation; most of the printed
# differences are of the size of the spread over seeds. The verdicts above are computed from the
# records, and the [scoreboard](../scoreboard) keeps them.
#
# **Deviations from the paper.** Small networks and short budgets in the lab profile; stand-in
# cities instead of the mean over four half-years; weights of the end-to-end losses are ours, since
# none are printed; sweeps have one seed, tables have all. San Francisco has no weather. The decoder
# keeps width $C$ for any number of encoders, as in the released code. Figure 5, the maps of these
# variants, is on the page of [maps](04_maps).
#
# **Next:** what each method [costs](06_efficiency).
#
# **References.** {cite:t}`urbanstc`; {cite:t}`urbanfm`.
