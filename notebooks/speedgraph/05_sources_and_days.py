# %% [markdown]
# # Sources, days and sensors: when transfer is worth having
#
# *What you need: {doc}`03_results`. Reading: 15 minutes. Runs in: under a minute; the numbers are
# records of runs, where they come from stands under each table. You will see: Figure 5 of the
# paper, errors with six hours, one day and three days of the target, how much the sources should
# weigh at either end, a target with eight sensors instead of hundreds, and other triples of days.*
#
# Three days sound like little. But a network that all sensors share sees each of the hundreds of
# sensors of the target as another example, so the scarcity of TSJT's {cite}`tsjt` setting is milder
# than it looks. This page turns the three knobs that decide how scarce data are: days, sensors, and
# which days; and, as the paper does, the number of source cities.
#
# In turn: 1. days; 2. the weight of the sources; 3. sensors; 4. which days; 5. sources; 6. days, run
# live.

# %% tags=["parameters"]
profile: str = "bench"  # whose records the page shows: bench, lab or paper
train_missing: bool = False  # compute runs that have no record; False leaves gaps instead

# %%
import matplotlib.pyplot as plt

from stflow_lib.book import tables
from stflow_lib.book.display import show_list, show_text
from stflow_lib.book.plots.speedgraph import source_weights
from stflow_lib.book.plots.speedgraph import sources_and_days as scarce
from stflow_lib.book.plots.speedgraph.left import show_left
from stflow_lib.runs.pair import target_of
from stflow_lib.speedgraph import TABLES
from stflow_lib.speedgraph.plan import Plan
from stflow_lib.speedgraph.tables import LONG, OURS, SCARCE

# %%
names = ("scarcity", "sensors", "starts", "figure5")
sizes = {name: tables.longest_recorded(TABLES[name], profile) for name in names}
rows = {name: TABLES[name].rows(size) for name, size in sizes.items()}
rows |= {name: TABLES[name].rows(profile) for name in ("week", "ratios")}
tables.fill({TABLES[name].title: rows[name] for name in rows}, train_missing)
plan = Plan.of(sizes["sensors"])
pair = plan.cities[0]
target = target_of(pair)
unit = tables.unit_of(pair)
whole = {method: plan.runs([method], [pair], plan.few) for method in (*SCARCE, *OURS)}
last = [*whole["Last value"], *(run for name in ("sensors", "starts")
                                for run in rows[name]["Last value"])]  # fmt: skip

# %% [markdown]
# ## 1. Six hours, a day, three days
#
# The visible time ends at the same midnight for all amounts, so the test windows are the same.
# *Target only* is the backbone without any other city. Where it stands with the others, borrowing
# has brought nothing. A network starts as the last value. A training *failed* (*collapsed* in the
# tables of errors) if its error on the validation windows is not below that rule's: it has not left
# the last value, or it has left it for something worse. That is judged on the training that chose
# the epoch; the network whose test error is shown was trained once more, on all visible windows. A
# training that is below the rule on validation but not on the test days has learned its few hours
# by heart.
#
# Behind a gain over *Target only* stands what its interval says of the claim that it is above zero:
# *confirmed* if all of it is, *opposite* if all of it is below, *equal* if it lies within one
# percent, *open* if none of these.
#
# Few days also leave few windows to choose with. From three days on each hour of the day both
# teaches and chooses in the training that chooses. Of one day the labels that teach lie in ten
# hours and those that choose in eight others, from 4 to 8 and from 16 to 20 o'clock; of la that day
# is a Saturday. What fails there is judged on hours of which little was learned, and where the last
# value errs less than on the test days: *failed* says more of these hours than of a method. Their
# errors are in no mean and stand in a table of their own, one by one. Rules, closed forms and trees
# are held to no such bar: their numbers with one day stand in the tables although some of them,
# too, are above the last value on those hours. Of six hours, an evening, the first two thirds hold
# seven windows that teach and the last third seven that choose, late at night: when to stop is
# decided there, for the hours of the test days too. That may well be what makes the error of
# *Target only* with six hours. The last training has all visible windows, but the steps that were
# chosen so.

# %%
by_days = scarce.errors_by_case(scarce.days_of, rows["scarcity"])
scarce.cases_figure(by_days, unit, f"Days of {target}")
plt.show()
scarce.show_scarcity(rows["scarcity"], f"Days of {target}", unit)

# %% [markdown]
# Where a city has a month, a week of it can be seen as well. Its test windows begin after the week
# for every amount.

# %%
scarce.show_scarcity(rows["week"], f"Days of {LONG}", tables.unit_of(LONG))

# %% [markdown]
# ## 2. The weight of the sources
#
# Plain joint training weighs what is in a batch, TSJT gives the sources a two-hundredth of the
# target's weight, whatever the amount of data. If few data need much help and many need little, the
# best weight falls as data grow. And if *TSB*, the rule of {doc}`02_tsjt_method` for what a source
# may teach, keeps what would do harm out of the step, more weights should do no harm with it than
# without. Both are questions to one grid: four weights, two amounts of data, the projection or the
# plain sum; the backbone alone, without prompts. With two seeds intervals are wide: a weight that
# is not shown to harm is not thereby shown to be harmless, so the table keeps the two apart. And a
# best weight at either end of the grid may lie beyond it.

# %%
beside = source_weights.references(rows["ratios"], TABLES["scarcity"].rows(profile))
source_weights.show_ratios(rows["ratios"], beside, f"Weight of the sources, {target}")

# %% [markdown]
# ## 3. Eight sensors, thirty-two, all
#
# The same three days, of fewer sensors, drawn anew for each point; test errors are those of the
# drawn sensors, so a row can be compared inside its column only. This is where a city that has just
# begun to measure stands. A caption names the profile: errors of `lab`, a short schedule, cannot be
# compared with those of section 1, where trainings went on until learning ended. Stale records of
# *Joint* in lab had weights that gave nearly all of a step to six windows of the sources, see
# section 1 of {doc}`03_results`.

# %%
by_sensors = scarce.errors_by_case(scarce.sensors_of, rows["sensors"], whole)
scarce.cases_figure(by_sensors, unit, f"Sensors of {target}")
plt.show()
scarce.show_means(by_sensors, f"Sensors of {target} (profile {sizes['sensors']})", unit)
show_left(rows["sensors"], last, scarce.sensors_of, f"Sensors of {target}")
tables.show_provenance(rows["sensors"])

# %% [markdown]
# A point of the figure is a draw of sensors. Draws that lie further apart than methods say that
# which sensors a city begins with matters more than what is done with them.
#
# ## 4. Which three days
#
# The first three calendar days may be a holiday or a week-end. With another beginning the test is
# the second half of what is left, so again columns compare inside only. What should not change from
# column to column is the *order* of the methods.

# %%
by_start = scarce.errors_by_case(scarce.first_day_of, whole, rows["starts"])
scarce.show_means(by_start, f"Three days that begin elsewhere (profile {sizes['starts']})", unit)
if by_start["case"].nunique() > 1:
    show_text(scarce.other_order(by_start))
show_left(rows["starts"], last, scarce.first_day_of, "Three days that begin elsewhere")
tables.show_provenance(rows["starts"])

# %% [markdown]
# ## 5. Which sources
#
# Figure 5 of the paper takes sources away: "all the three models are facing with performance drop",
# and TSJT "has the least degradation". The target and the sets are not named; ours are all subsets
# of the three sources of the first target. The column to read is the distance to all sources. Two
# methods without a network stand beside the paper's: do *they* profit from a further city?

# %%
by_sources = scarce.errors_by_case(scarce.sources_of, rows["figure5"])
print(f"profile of the next table: {sizes['figure5']}")
scarce.show_sources(by_sources, scarce.sources_of({"city": pair}), target, unit)
whole_row = plan.runs(["Last value"], [pair], plan.few)
show_left(rows["figure5"], whole_row, scarce.sources_of, f"Sources of {target}")
tables.show_provenance(rows["figure5"])

# %% [markdown]
# A method that loses nothing when its sources go may be robust, or may never have used them;
# section 2 of {doc}`04_ablations` tells the two apart. And one that hardly passes the last value
# has nothing to lose with its sources: hold the table against the first rows of section 1.
#
# ## 6. Days, run live
#
# The rows of section 1 once more, trained while this page was made: tiny networks, a step or two,
# three simulated cities. Nothing about a method can be read from these errors.

# %% tags=["hide-input"]
tables.show_live(TABLES["scarcity"].rows("smoke"), ["mae"])

# %% tags=["finding"]
extremes = []
for name, city in (("scarcity", target), ("week", LONG)):
    for sentence in scarce.worth(rows[name], ("Joint", "TSJT(STGCN)"), city):
        show_text(sentence)
    where = f"on the test days of {city}"
    extremes += scarce.extremes_by_amount(rows[name], where, tables.unit_of(city))
show_list("Who is best and who is worst with how much data",
          [sentence.rstrip(".") for sentence in extremes])  # fmt: skip

# %% [markdown]
# ## What to remember
#
# - Count sensors times days before calling data scarce.
# - Fewer sensors is the honest scarcity of a city that begins to measure.
# - Results from one triple of days are one sample of days.
#
# **Deviations from the paper.** All but section 5 are ours. One target but for the week; few
# seeds, and in sections 4 and 5 mostly one.
#
# **Next.** Back to all methods: {doc}`03_results`. **References.** Figure 5: {cite}`tsjt`.
