# %% [markdown]
# # What to use
#
# *What you need: nothing. Runs in: seconds. You will see: for each problem and each amount of data
# the method with the lowest recorded error, whether it can be told from the next, and what it
# costs.*

# %% tags=["parameters", "hide-input"]
least: int = 3  # methods that must have been tried on a city with an amount of data

# %% tags=["finding"]
import matplotlib.pyplot as plt

from stflow_lib.book import advice, settings_told
from stflow_lib.book.display import show_table, show_text
from stflow_lib.book.plots.advice import lead_figure
from stflow_lib.verdicts.evidence import collect
from stflow_lib.verdicts.ranking import METRICS, standings

found = {wing: standings(collect(wing), metric, least) for wing, metric in METRICS.items()}
for wing, metric in METRICS.items():
    show_text(advice.sentence(wing, found[wing], metric), name=f"use-{wing}")


def show(wing):
    """The picture and the tables of one problem."""
    if not found[wing]:
        return
    metric, name = METRICS[wing].upper(), advice.PROBLEMS[wing]
    rest = advice.schedules(found[wing])
    lead_figure(wing, found[wing], f"{name}: the lowest test {metric} against the next")
    plt.show()
    show_table(advice.answers(wing, found[wing]), f"{name}: lowest test {metric} (networks: {rest})")
    costs = advice.costs(wing, found[wing]).reset_index()
    show_table(costs, f"{name}: test {metric} and costs", index=False, folded="what the best costs")


# %% [markdown]
# How to read it. *Lowest error* is the lowest mean over seeds on the test part. *Lower by* is the
# difference to the next in percent of the next one's error, paired by seed, and by day where the
# records hold errors by day, with its 95 % interval; *shown?* says **yes** only where the whole
# interval is above zero. *No difference shown to* are those whose own interval against the best
# includes zero, and behind them those of which one seed is all there is. *Use* names the best, or
# the fastest of those to which no difference is shown, if its error is within five percent of the
# lowest, it never failed and it is fitted in less than half the time; times were taken beside other
# work, and closer ones say nothing. Without an interval it is a bet on the lowest mean. The best
# was picked by the errors that are compared, which flatters it: an interval that hardly excludes
# zero is a weak reason.
#
# Methods that learn by steps are compared within one profile, the one with the longest schedule
# that has records, named under *profile*; what is fitted without steps stands beside them with its
# records of the longest. *Ranked* says how many of the methods recorded at any profile took part:
# the others have no record at this one, failed, or were ended by a cap. A **short fixed schedule**
# shows who learns fast, not who is best once learning has ended. Failed trainings, and those that a
# cap ended before learning did, are listed at the end and never ranked; nor is a rule that reads
# the target's whole history.
#
# ## Fine maps from coarse ones
#
# Amounts are shares of the training steps, the first ones.

# %% tags=["hide-input"]
show("finegrained")

# %% [markdown]
# ## The next hour of demand in a city with few days
#
# Amounts are days of the target; with none, only what was learned in the other city counts.

# %% tags=["hide-input"]
show("gridflow")

# %% [markdown]
# ## The next hour of speeds on a network with few days
#
# Amounts are days of the target, all other cities are sources. Test windows begin behind the first
# three days; on bay-i680 with six hours, one day and seven days behind a week.

# %% tags=["hide-input"]
show("speedgraph")

# %% [markdown]
# ## What was not ranked
#
# A method that failed in some seeds is ranked by the others, which flatters it too: whoever trains
# it may meet the failure.

# %% tags=["hide-input"]
for wing, name in advice.PROBLEMS.items():
    missing = advice.left_out(wing, found[wing])
    if len(missing):
        show_table(missing, f"{name}: runs that are not ranked")
    else:
        show_text(f"{name}: no training that could be ranked failed or was ended by a cap.")

# %% [markdown]
# ## Who chose the settings
#
# The papers print settings for their methods; those of our own methods were ours to choose. They
# are chosen on some cities; on the held-out ones there should be one setting of each size.

# %% tags=["hide-input"]
for wing, name in advice.PROBLEMS.items():
    settings_told.show(wing, f"{name}: settings of our own methods with a test error")

# %% [markdown]
# **What to remember.** Take the fastest method of those that cannot be told from the best, and try
# the plain ones first. Where no interval excludes zero, the records do not know better than you do.
#
# **Deviations.** None of the papers says when its method should *not* be used; this page is ours.
# A fit's time is what the run took, with the stages that it shares with other runs.
#
# **Next.** {doc}`at_a_glance` holds the papers' own methods against the others;
# {doc}`scoreboard` has every claim.
