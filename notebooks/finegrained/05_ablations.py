# %% [markdown]
# # Ablations: which part of UrbanSTC does the work
#
# *What you need: the [method](02_urbanstc_method) and its [results](03_results). Runs in: seconds,
# from records. You will see: Tables 7 to 9 and Figures 6 to 8 beside the paper's, one control that
# the paper does not have, and at the end some rows of Tables 7 to 9 computed live, in small.*
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
profile: str = "lab"  # whose recorded runs the page shows: lab, bench or paper
train_missing: bool = False  # compute runs that have no record; False shows "not run" instead

# %%
import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib import runs
from stflow_lib.book import findings
from stflow_lib.book.display import show_table
from stflow_lib.book.plots.curves import curves_figure
from stflow_lib.book.plots.finegrained import ablations, live, subsets
from stflow_lib.book.plots.sweeps import amounts_figure, sweep_figure
from stflow_lib.data.catalog.index import entries
from stflow_lib.finegrained.tables import LABELLED
from stflow_lib.verdicts import paired
from stflow_lib.verdicts.claims import reported
from stflow_lib.verdicts.judge import judge

SETTLED = "bench"  # whose trainings ended by their rule
SHOWN = ["table7", "table8", "table9", "figure6", "figure7a", "figure7b", "figure8"]
rows = {name: LABELLED[name](profile) for name in SHOWN}  # table -> {row: runs}
every = [run for table in rows.values() for group in table.values() for run in group]
planned, missing = runs.ensure_all(every, train_missing)
print(f"profile {profile}: {planned} runs, {missing} without a record before this page")

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
# [scoreboard](../scoreboard). One seed has no interval.

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
ablations.show_rows("7", rows["table7"], reported("urbanstc", "7"))

# %%
full, control = "reg+inf+tcs", "random encoders"
fewer = [name for name in rows["table7"] if name not in (full, control)]
ablations.show_gains(ablations.ordered_gains(rows["table7"], [(full, name) for name in fewer]))

# %% [markdown]
# And the question that matters most for the paper's title: is the pre-trained network better than
# the same network from random weights? With little data it should be, if self-supervision is a
# remedy for scarcity. So this comparison is made at both ends of the range of data.

# %%
ablations.show_gains(ablations.ordered_gains(rows["table7"], [(full, control)]))

# %% tags=["finding"]
subset_gains = ablations.ordered_gains(rows["table7"], [(full, name) for name in fewer])
findings.show_comparisons(subset_gains, "All three pretexts against fewer")
control_gains = ablations.ordered_gains(rows["table7"], [(full, control)])
findings.show_comparisons(control_gains, "All three pretexts against random encoders")

# %% [markdown]
# If the first interval above includes zero while the single encoders are clearly worse, the gain in
# Table 7 is one of capacity and of the field of view, not of what the pretexts taught. That is why
# we would not read the paper's Table 7 as proof of its pretexts: it never trained the control.
#
# ## Do pretexts pay? Trained to the end
#
# The table above comes from short fixed schedules. On a city small enough to train every row until
# learning ends, New York's taxis of 2016 at $M = 2$, each subset stands against none: the same
# network from random weights. A row with all three pretexts has exactly the control's network; a
# row with fewer has fewer encoders, so what it loses may be size and what it gains may be training.
# Every stage ends by its own rule, so pretexts come on top: the steps say how much longer a row
# learned before it was compared.

# %%
pay = LABELLED["pretexts"](SETTLED)
subsets.show_errors(pay)

# %%
paid = subsets.gains_over_none(pay)
subsets.show_gains_over_none(pay, paid)

# %% [markdown]
# Pretexts pay where an interval lies above zero. What the paper's own sentences come to, claim by
# claim, on every city where their runs are planned, is below. Figure 10 orders no errors; its curves
# are on the page of [results](03_results).

# %%
judged = judge("finegrained")
show_table(subsets.sentences_table(judged), "The paper's sentences, claims by verdict")

# %% tags=["finding"]
findings.show_comparisons(paid, "Pretexts, trained to the end, against random encoders")

# %% [markdown]
# ## Table 8: two stages or one
#
# The paper's alternative to pre-training is to minimise everything at once: the squared error plus
# the three pretext losses on the same encoders. It does not print how the four terms were weighted,
# and they live on different scales, so we take 1 for each and try smaller weights with one seed. As
# in the paper, taxis see external factors and bicycles do not.

# %%
ablations.show_rows("8", rows["table8"], reported("urbanstc", "8"))

# %%
stages = [("two_stage", name) for name in rows["table8"] if name != "two_stage"]
ablations.show_gains(ablations.ordered_gains(rows["table8"], stages))

# %% [markdown]
# A fair remark on cost: two stages take the optimiser steps of the pretexts *and* those of the
# fine-tuning, the single stage takes only the latter, each of which computes all four losses. The
# seconds below are those of our records.

# %%
spent = ablations.mean_seconds(rows["table8"])
if len(spent):
    show_table(spent, "Seconds of a training, mean over seeds", digits=1)

# %% [markdown]
# ## Table 9: external factors
#
# A map of half past eight on a rainy Monday is not split like one of a sunny Sunday. UrbanSTC adds
# a map made from weather and calendar to the input of its encoders (+E); UrbanFM, UrbanPy and FODE
# have branches of their own for it. The simulated city carries weather, San Francisco has only
# hour, weekday and holiday. The paper's comparison with the runs without factors is spread over
# five tables; put together it is less one-sided than the text.

# %%
plain = reported("urbanstc").query("table in ['3', '4', '5', '6'] and fraction == '100'")
extra = reported("urbanstc", "9").query("method.str.endswith('+E')")
printed = ablations.printed_gains(plain, extra)
show_table(printed, "Printed: how much +E lowers the error, in percent", digits=2)

# %% [markdown]
# A negative number is an error that grew: UrbanPy's does in most of the half-years. Ours:

# %%
without = plain[plain["method"].isin(["UrbanFM", "UrbanPy", "FODE", "UrbanSTC"])]
ablations.show_rows("9", rows["table9"], pd.concat([without, extra]))

# %%
with_factors = [name for name in rows["table9"] if name.endswith("+E")]
helps = [(name, name.removesuffix("+E")) for name in with_factors]
leads = [("UrbanSTC+E", name) for name in with_factors if name != "UrbanSTC+E"]
ablations.show_gains(ablations.ordered_gains(rows["table9"], helps + leads))

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
    unit = entries()[city].unit
    amounts_figure(triplets, f"test MAE ({unit})", f"Figure 6: sampling of triplets, {city}")
    plt.show()
ablations.show_gains(ablations.ordered_gains(rows["figure6"], [("weight", "hard")]))

# %% [markdown]
# ## Figure 7: the threshold of regional contrast
#
# Two cells count as alike when their embeddings differ by less than $\lambda$ in mean square. The
# paper sweeps $\lambda$ for taxis and for bicycles and finds its best value inside the range each
# time, at $10^{-4}$ and $5 \cdot 10^{-5}$; its axes span less than one percent. We keep $10^{-4}$
# in all tables. The dashed line and its band are the tables' UrbanSTC over its seeds: a curve that
# stays inside is flat for all we can tell.

# %%
tabled = LABELLED["beyond"](profile)["UrbanSTC"]  # all seeds of the tables
sweeps = {}
for name in ("figure7a", "figure7b"):
    if values := ablations.by_value(rows[name]):
        title = f"Figure {name[-2:]}: {next(iter(rows[name].values()))[0].city}"
        same = ablations.same_place(tabled, rows[name])
        sweeps[title] = "threshold λ", values, paired.errors(same, "rmse")
    else:
        print(f"Figure {name[-2:]}: not run")
if sweeps:
    sweep_figure(sweeps, "test RMSE (vehicles per cell and step)")
    plt.show()
for title, (_, values, tables) in sweeps.items():
    print(ablations.sweep_in_words(title, values, tables))

# %% [markdown]
# ## Figure 8: width, and how the pretexts converge
#
# One number, $C$, sets the width of the encoders and the decoder. The paper compares 32, 64 and
# 128; our profiles halve and double their own. To the error (panel a of the figure) belong the
# validation curves of the three pretexts (b to d): a width that is too small should show there
# first, because a pretext is the only thing its encoder learns from before fine-tuning.

# %%
sizes = {}
for width, errors in ablations.by_value(rows["figure8"]).items():
    record = runs.records(rows["figure8"][width])[0]
    sizes[f"{width}\n{record['parameters']:,}"] = errors
if sizes:
    same = paired.errors(ablations.same_place(tabled, rows["figure8"]), "rmse")
    sweep_figure({"Figure 8a: width": ("C, and parameters", sizes, same)},
                 "test RMSE (vehicles per cell and step)")  # fmt: skip
    plt.show()
else:
    print("Figure 8: not run")

# %%
if panels := ablations.width_curves(rows["figure8"]):
    curves_figure(panels)
    plt.show()

# %% [markdown]
# The first two losses are not comparable between widths as they stand: regional contrast sums over
# channels, so a wider embedding has larger inner products and another loss at the start. The scale
# of temporal contrast is fixed by its norm (15 is indifference, 7 the least that can be reached),
# and the error of super-resolution is in vehicles.
#
# ## Live, in small
#
# Everything above was read from records. Here some rows of Tables 7 to 9 are trained once more, on
# a simulated city and for one epoch each: the code behind the records runs here.

# %%
small = [LABELLED[name](live.LIVE) for name in ("table7", "table8", "table9")]
live.show_live(
    "Tables 7 to 9", {label: group for rows in small for label, group in rows.items()}
)

# %% [markdown]
# ## Summary
#
# **What to remember.** Compare a pre-trained network with the *same* network from random weights
# before saying what pre-training teaches. Put an interval around each ablation; most of the printed
# differences are of the size of the spread over seeds. The verdicts above are computed from the
# records, and the [scoreboard](../scoreboard) keeps them.
#
# **Deviations from the paper.** Networks and budgets of the profile shown; stand-in
# cities instead of the mean over four half-years; weights of the end-to-end losses are ours, since
# none are printed; sweeps have one seed, tables have all. San Francisco has no weather. The decoder
# keeps width $C$ for any number of encoders, as in the released code. Figure 5, the maps of these
# variants, is on the page of [maps](04_maps).
#
# **Next:** what each method [costs](06_efficiency).
#
# **References.** {cite:t}`urbanstc`; {cite:t}`urbanfm`.
