# %% [markdown]
# # Results at a glance
#
# *What you need: nothing. Runs in: seconds. You will see: for each paper one picture, one table and
# what became of its claims, all from recorded runs.*

# %% tags=["parameters", "hide-input"]
least: int = 3  # methods that must have been tried on a city with an amount of data

# %% tags=["finding"]
import matplotlib.pyplot as plt

from stflow_lib.book import glance, patience, settings_told
from stflow_lib.book.advice import sizes
from stflow_lib.book.display import show_table, show_text
from stflow_lib.book.plots.glance import groups_figure
from stflow_lib.verdicts.claims import PAPERS, TITLES
from stflow_lib.verdicts.evidence import collect
from stflow_lib.verdicts.judge import judge
from stflow_lib.verdicts.ranking import METRICS, standings

found, judged = {}, {}
for wing, metric in METRICS.items():
    evidence = collect(wing)
    judged[wing] = judge(wing, evidence)
    found[wing] = glance.against_best(wing, standings(evidence, metric, least))
    show_text(glance.finding(wing, found[wing]), name=f"glance-{wing}")


def show(wing):
    """The picture, the table and the sentences of one paper."""
    show_text(glance.sentence(wing, found[wing]))
    title = f"{TITLES[PAPERS[wing]]}: test {METRICS[wing].upper()} of {glance.OWN[wing]}"
    if len(found[wing]):
        groups_figure(found[wing], f"{title} against ...")
        plt.show()
        show_table(
            glance.table(found[wing]),
            f"{title} ({sizes(found[wing]['profile'])}), lower by (%) than the ...",
        )
    show_text(glance.claims_sentence(judged[wing]))
    settings_told.show(wing, "Settings of our own methods with a test error")


# %% [markdown]
# How to read it. Each paper's own method stands against the best of three groups: **rules**, which
# learn next to nothing; the other **printed** methods of its tables; and methods **that no paper
# has**, such as a weighted sum of the last hours or boosted trees. The best of a group is picked
# by the errors that are compared. A gain is the difference in percent of the other's error, paired
# by seed, and by day where errors were recorded by day; the bar is its 95 % interval. *yes* means
# that the whole interval is above zero, *opposite* that it is below, *equal* that it lies within
# one percent, *open* none of these; a number alone has no interval. A **short fixed schedule**
# shows who learns fast, not who is best once learning has ended; records that were trained until
# then replace it as they come.
#
# ## UrbanSTC: a fine map from a coarse one
#
# The paper's claim: contrast helps most where fine maps are few. Amounts are shares of the training
# steps. {doc}`finegrained/03_results` has all rows.

# %% tags=["hide-input"]
show("finegrained")

# %% [markdown]
# ## STBaT: the next hour of a city with few days
#
# The paper's claim: balance over kinds of regions carries demand from one city to another. Amounts
# are days of the target. {doc}`gridflow/03_results` has all rows.

# %% tags=["hide-input"]
show("gridflow")

# %% [markdown]
# ## TSJT: speeds of a network with few days
#
# The paper's claim: learning on all cities at once, with gradients kept from working against the
# target, beats learning first and tuning afterwards. {doc}`speedgraph/03_results` has all rows.

# %% tags=["hide-input"]
show("speedgraph")

# %% [markdown]
# ## Had learning ended?
#
# Records called **bench** come from trainings that end by one rule: the rate is halved after 500
# steps in which the validation error did not fall by a fifth of a percent, and the third halving in
# vain is the end. Would more patience have helped? Some methods of each problem were trained again
# with 1,000 steps in place of 500; a change is the mean over seeds, with its 95 % interval where
# there are several. A small one of either sign is what another path of the same training comes to.
# A method that gains more had not learned to the end, and comparisons that it loses are to be read
# with that in mind. Validation errors of speeds are those of the training that chose; the networks
# that are scored were trained once more on all visible windows, for the steps that were chosen. So
# the table also has the change of the test error, which has chosen nothing.

# %% tags=["hide-input"]
waited = patience.table()
show_text(patience.said(waited))
if len(waited):
    show_table(patience.shown(waited), "Validation errors, means over seeds")

# %% [markdown]
# **What to remember.** Ask of each method what it adds to the best plain one. Read the interval
# before the word, and the schedule before both.
#
# **Deviations.** The papers compare with the rows of their own tables; the groups are ours.
#
# **Next.** {doc}`what_to_use` turns this round: for each amount of data, the method to take.
