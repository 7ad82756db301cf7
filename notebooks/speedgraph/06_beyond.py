# %% [markdown]
# # Beyond the paper: a shrunken line, and trees on what it leaves
#
# *What you need: {doc}`01_problem_and_graphs`, {doc}`03_results`. Reading: 10 minutes. Runs in:
# under a minute; the numbers are recorded, where they come from stands below them. You will see: a
# forecaster without a network, beside every method that was trained to the end, with three days of
# a city and with six hours.*
#
# Boosted trees on a sensor's own lags and its neighbours' lead most tables of page 03; with six
# hours of data they do not, for six hours teach trees little. *Boosted line* asks for a method that
# is good at both ends: a line borrowed from other cities where there is little, trees where there is
# more.
#
# In turn: 1. how it works; 2. three days; 3. less than three days; 4. what it costs; 5. run live.

# %% tags=["parameters", "long"]
profile: str = "bench"  # whose records the page shows: bench, lab or paper

# %%
import matplotlib.pyplot as plt

from stflow_lib import runs
from stflow_lib.book import findings, tables
from stflow_lib.book.display import show_table
from stflow_lib.book.plots.speedgraph import results
from stflow_lib.book.plots.speedgraph import sources_and_days as scarce
from stflow_lib.book.plots.transfers import arrow
from stflow_lib.runs.pair import target_of
from stflow_lib.speedgraph import TABLES
from stflow_lib.speedgraph.plan import Plan

OURS = "Boosted line"
MEASURES = {"min10_mae": "MAE at 10 minutes", "min30_mae": "MAE at 30 minutes",
            "min60_mae": "MAE at 60 minutes", "mae": "MAE, mean", "rmse": "RMSE, mean"}  # fmt: skip
plan = Plan.of(profile)
whole = {name: TABLES[name].rows(profile) for name in ("table2", "scarcity")}
rows = {name: {m: g for m, g in table.items() if runs.records(g)} for name, table in whole.items()}

# %% [markdown]
# ## 1. How it works
#
# **A line.** For each of the six steps ahead the change since the last value is a weighted sum, in
# the city's own scale, of
#
# - the sensor's older lags, and the mean lags of its neighbours along and against the road;
# - the mean speed of the city now, and how it has changed in half an hour;
# - the hour of the day, and the hour times the last value: at five in the afternoon, fast is news.
#
# The weights are fitted on the sources first, held lightly to "no change", and then on the target,
# held to the sources': as many windows as the sources count for are tried, and the target's own
# visible hours choose, also to stay with the sources.
#
# **Trees on the rest.** For each step ahead two sums of gradient-boosted trees learn the median of
# what the line leaves over, one from the target's windows alone, one from those and the sources';
# their mean is added.
#
# ## 2. Three days
#
# Los Angeles is the city that sizes were chosen on, by its visible windows. The trees' test errors
# on San Diego and Bay I-680 were known before this method was made: the two count as held out for
# what was chosen since.

# %%
for pair in results.recorded_pairs(rows["table2"], plan.cities):
    caption = f"{arrow(pair)}, three days, {tables.unit_of(pair)}"
    table = results.target_table(rows["table2"], pair)
    show_table(table[table.ne("not run").any(axis=1)], caption, best=True)
tables.show_provenance(rows["table2"])

# %%
others = {m: (OURS, m) for m in rows["table2"] if m != OURS}
gains = tables.compare(rows["table2"], others, MEASURES)
errors = gains[gains["metric"].isin(["mae", "rmse"])]
results.show_gains_by_target(errors, f"{OURS}'s error below the other's")
for metric, found in gains.groupby("metric", sort=False):
    print(findings.compared(found, f"{MEASURES[metric]}, of {OURS}"))

# %% [markdown]
# ## 3. Less than three days
#
# The visible time ends at the same midnight for all amounts, so the test windows are the same. With
# six hours nothing of a day's shape can be learned from the target, and what is borrowed decides.

# %%
pair = plan.cities[0]
by_days = scarce.errors_by_case(scarce.days_of, rows["scarcity"])
scarce.show_means(by_days, f"Days of {target_of(pair)}", tables.unit_of(pair))
tables.show_provenance(rows["scarcity"])
fewer = {m: (OURS, m) for m in rows["scarcity"] if m != OURS}
little = tables.compare(rows["scarcity"], fewer, ("mae", "rmse"))
little = little[little["scarcity"] != "3"]
tables.show_gains(little, f"{OURS}'s error below the other's, less than three days")

# %% tags=["finding"]
for name, found in (("three days", gains), ("less than three days", little)):
    lead = found[found["metric"] == "mae"]
    findings.show_comparisons(lead, f"MAE of {OURS} against every other method, {name}")
if errors["low"].notna().any():
    results.mae_gains_figure(errors, f"MAE of {OURS} below the other's, 95 % intervals")
    plt.show()

# %% [markdown]
# ## 4. What it costs
#
# Seconds on one thread, from the records; other trainings shared the machine, so they are an order
# of magnitude.

# %%
tables.show_costs(rows["table2"], "Three days, medians over targets and seeds")
tables.show_settings("speedgraph", "Settings of our own methods with a test error")

# %% [markdown]
# ## 5. Run live
#
# The line, the trees and both together, on three simulated cities. Nothing about a method can be
# read from these errors.

# %% tags=["hide-input"]
live = TABLES["table2"].rows("smoke")
tables.show_live({m: live[m] for m in ("Graph ridge", "Trees(pooled)", OURS)}, results.ERRORS)

# %% [markdown]
# ## What to remember
#
# - Borrow the stiff part from other cities and learn the flexible part at home.
# - Let the target's own hours choose how firmly the borrowed part is held.
#
# **Deviations from the paper.** The page is ours.
#
# **Next.** Back to all methods: {doc}`03_results`. **References.** The task: {cite}`tsjt`.
