# %% [markdown]
# # Scoreboard: what the papers say, what our runs say
#
# *What you need: nothing. Runs in: seconds. You will see: one picture and one table for each paper,
# then every claim that this book has written down, with its verdict.*

# %% tags=["parameters", "long"]
kind: str = "all"  # show only claims of this kind: number, gain, order, trend, or all
verdict: str = "all"  # only with this verdict, a word of the table below, or all
so_far: str = "all"  # only those of which our runs say this so far: confirmed, opposite, ...
city: str = "all"  # only as judged on this city, or all

# %% tags=["finding"]
import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib.book.display import show_table, show_text
from stflow_lib.book.glance import claims_sentence
from stflow_lib.book.plots import scoreboard as plots
from stflow_lib.verdicts import statistics
from stflow_lib.verdicts.claims import PAPERS, TITLES, reported
from stflow_lib.verdicts.judge import judge
from stflow_lib.verdicts.ranking import METRICS

judged = pd.concat([judge(wing) for wing in PAPERS], ignore_index=True)
judged["title"] = judged["paper"].map(TITLES)
show_text(f"All papers: {claims_sentence(judged)}")
show_text(f"{plots.days_sentence(judged)}.")
show_text(f"{plots.stale_sentence(judged)}.")

# %% tags=["hide-input"]
for title, own in judged.groupby("title", sort=False):
    counts, early = (
        plots.count_verdicts(own, ["title", "kind"], column) for column in plots.COLUMNS
    )
    plots.verdicts_figure(counts, early)
    plt.show()
    table = plots.paper_table(counts, early).droplevel("title")
    show_table(table, f"{title}: judgements by kind of claim")
    show_text(f"{title}: {claims_sentence(own)}")

# %% [markdown]
# A paper makes several kinds of statements, and each needs its own evidence. A printed **number**
# or **gain** belongs to the paper's own data: only a run on exactly that data can confirm it, and
# where the files cannot be had the verdict says so, however good our numbers on another city
# look. An **order** ("method A has a lower error than B") or a **trend** ("the gain is larger with
# less data") is meant to hold in general, so we test it on the cities that we have, and say which.
# "Not run" is no failure: nobody has run that setting.
#
# Nothing on this page is typed in. The claims are rows of `book/claims/*.csv`, the evidence is the
# run store and `book/results`, and the verdicts follow from both by rule.

# %% [markdown]
# ## The rules
#
# **Order and trend.** Two methods are trained with the same seeds on the same samples and judged on
# the same days. We take the difference of their errors seed by seed and day by day, because what a
# lucky seed or a hard day does to both cancels, and put a 95 % interval around the mean difference
# $\bar d$ of $n$ seeds,
#
# $$\bar d \pm t_{0.975,\,\nu} \; \sqrt{s_d^2 / n + v},$$ (eq-paired)
#
# where $s_d$ is the spread over seeds and $v$ the variance that $\bar d$ has when the calendar days
# of the test part are drawn anew (2,000 times, with replacement, the same days for both methods and
# all seeds). The degrees of freedom $\nu$ are those of a sum of two variances (Satterthwaite); below
# ten days they are the smaller of days and seeds, less one. Rules and closed forms do not depend on
# a seed, so theirs is an interval over days alone. Records from before errors were kept by day give
# an interval over seeds alone, $v = 0$ and $\nu = n - 1$, or a bootstrap one from twenty seeds on.
# With three seeds $t_{0.975,2} = 4.30$: a small difference must be very steady to count. The cell
# below checks equation {eq}`eq-paired` on numbers that can be worked out by hand.
#
# | verdict | means, and the first that applies stands |
# |---|---|
# | not run | runs that the claim needs are not here |
# | needs data that cannot be had | the paper's own files are not here, or it does not say which |
# | one seed | a single training, which has no interval |
# | not converged | a training was still learning when its schedule ended |
# | confirmed | the whole interval lies on the paper's side of zero |
# | opposite | the whole interval lies on the other side |
# | equal within 1 % | the whole interval lies within one percent of the other method's error |
# | open | none of these; a note says how many seeds would settle it |
#
# The second column, *so far*, has what the runs say as they are, trained to the end or not. *Stale*
# are records whose code or data have changed since: they say what a method did before. Where the
# interval excludes the gain that the paper prints, a note says that too, whatever the word.
#
# **Number and gain.** Confirmed if the mean over our seeds lies within the tolerance written in the
# claim: 0.001 for rules without training, 1 % of the value for trained networks, one percentage
# point for gains; *opposite* if the interval excludes all of that. Counts of parameters need no
# data: the networks are built at the paper's size and counted. Smoke runs never count, of the other
# profiles the one with the longest schedule does, and failed trainings, those no better than a
# rule, are left out and named.

# %%
low, high = statistics.interval([0.8, 1.0, 1.2])  # mean 1, s_d = 0.2, n = 3
half = 4.302653 * 0.2 / 3**0.5
print(f"interval of the mean difference: {low:.3f} to {high:.3f}")
assert abs(low - (1 - half)) < 1e-5 and abs(high - (1 + half)) < 1e-5

# %% [markdown]
# ## Orders and trends, with their intervals
#
# One table for each paper and profile; those of the short fixed schedule, and of the error by which
# this book does not rank, are closed. A cell has what the runs say so far (*yes*: confirmed,
# *opposite*, *equal* within 1 %, *open*, or *one seed*; a star where trainings did not converge) and
# the mean of the paired differences with its interval: for an order the other method's error minus
# the paper's own, in the unit of the city's table; for a trend the gain with little data minus the
# gain with all of it, in percentage points. Positive speaks for the paper. Read the interval before
# the word: one that reaches far to both sides of zero says that the seeds were too few, not that
# the paper is wrong. One seed has no interval, only a number.

# %%
general = judged[judged["dataset"] == "any"]
for wing, paper in PAPERS.items():
    plots.show_judgements(general[general["paper"] == paper], TITLES[paper], METRICS[wing])
show_table(plots.notes_table(general), "In how many judgements each note stands", folded="counts")

# %% [markdown]
# The same intervals as a picture, scaled by their own width so that cities with many and with few
# vehicles fit on one axis (logarithmic beyond 2). A dot is a claim on a city and says what its runs
# say so far: right of 1 the whole interval is on the paper's side of zero, left of -1 on the other.
# That is the verdict where a dot is full; a hollow one comes from trainings that had not converged,
# those with a star in the tables above. What has one seed is not drawn.

# %%
run = plots.with_interval(general)
if len(run):
    plots.certainty_figure(run)
    plt.show()
else:
    print("No order or trend has an interval: fill the store with `python -m stflow_lib run`.")

# %% [markdown]
# ## Printed numbers
#
# These wait for the papers' own files: TaxiBJ in four periods and the Citi Bike trips of the first
# months of 2019 for UrbanSTC, the archive of CrossTReS for STBaT. The split of the block mean
# (MEAN) has no parameter, so on the right data with the right metric it must come out to the last
# printed digit; it is the first claim to look at when those files arrive. The counts below are per
# table of the paper.

# %%
own = judged[judged["dataset"] != "any"]
by_table = plots.count_verdicts(own, ["title", "kind", "method", "source"])
show_table(by_table, "Numbers and gains on the papers' own data")
printed = pd.Series({TITLES[paper]: len(reported(paper)) for paper in PAPERS.values()})
show_table(printed.rename("printed numbers").to_frame(), "Numbers carried over")

# %% [markdown]
# ## Look for yourself
#
# The four parameters at the top choose rows. Open this page in JupyterLab, set for example
# `so_far = "opposite"`, and run it again; left at `all`, they show what has been run.

# %%
chosen = judged[judged["n"] > 0] if verdict == "all" else judged
for name, wanted in {"kind": kind, "verdict": verdict, "so_far": so_far, "city": city}.items():
    chosen = chosen if wanted == "all" else chosen[chosen[name] == wanted]
columns = ["statement", "so_far", "verdict", "city", "value", "ours", "profile", "n"]
columns += ["source", "note", "share_of_days", "stale"]
show_table(chosen.set_index("id")[columns], f"{len(chosen)} judgements chosen", search=True)

# %% [markdown]
# **What to remember.** A verdict here is a rule applied to records, so it changes when the records
# do, and anyone can run it again. Most printed numbers wait for the papers' data; orders and trends
# are judged city by city, and a training that was still learning is no verdict yet.
#
# **Deviations.** The papers give no tolerances and no intervals; both are ours and are written in
# the claims file. UrbanSTC's printed MAE gain on TaxiBJ-P1 with 20 % of the data (12.24 %) compares
# with the third best method; against the second best the printed rows give 10.89 %. Two of STBaT's
# 32 do not follow from its errors ({doc}`gridflow/03_results`). We keep what is printed.
#
# **Next.** To add evidence: `python -m stflow_lib run --table ...`, then
# `python -m stflow_lib publish ...`.
