# %% [markdown]
# # Would the proofs notice?
#
# *What you need: one of the pages on a kernel. Reading: 8 minutes. Runs in: seconds. You will see:
# a broken split of counts that three reasonable tests call fine; the property that calls it wrong;
# and what happened when every kernel of this part was broken in three ways.*
#
# A test that is green tells you something only if it could have been red. That is easily forgotten,
# for nobody sees a test that cannot fail: it runs, it passes, and it would go on passing if the
# code under it were replaced by something wrong. The only way to know is to do just that. Break the
# code on purpose, in a copy, and watch. If a test turns red, it protects against this mistake; if
# all stay green, what they prove is that the computer was switched on.

# %% tags=["parameters"]
side: int = 4  # coarse cells per side of the map
factor: int = 2  # fine cells per side of a block

# %%
from pathlib import Path
from unittest.mock import patch

import matplotlib.pyplot as plt
import pandas as pd
import torch
import torch.nn.functional as F

import stflow_lib.__init__
from stflow_lib import kernels
from stflow_lib.book import findings
from stflow_lib.book.display import show_table, show_text
from stflow_lib.book.plots.kernels import breakages_figure
from stflow_lib.kernels import conserve_naive
from stflow_lib.kernels.proofs import invariants
from stflow_lib.kernels.proofs.cases import CASES
from stflow_lib.kernels.proofs.display import naive_code

print(naive_code(CASES["conserve"]))

# %% [markdown]
# ## One wrong index
#
# Above is the split of UrbanSTC {cite}`urbanstc` as its paper writes it. Here is a copy with a
# single slip, the kind that happens when rows and columns are mixed up: the coarse map is
# transposed, so that the block in row 1, column 2 shares out the vehicles of row 2, column 1.


# %%
def conserve_broken(score, coarse, factor, eps=1e-5):
    """A copy of the naive twin with a wrong index."""
    block_sum = F.avg_pool2d(score, factor) * factor**2
    weight = score / (F.interpolate(block_sum, scale_factor=factor, mode="nearest") + eps)
    return weight * F.interpolate(coarse.mT, scale_factor=factor, mode="nearest")


torch.manual_seed(0)
coarse = torch.randint(0, 50, (1, 1, side, side)).double()
score = torch.rand(1, 1, side * factor, side * factor, dtype=torch.float64)
right, wrong = conserve_naive(score, coarse, factor), conserve_broken(score, coarse, factor)

# %% [markdown]
# Three tests come to mind first. The result has the shape of the scores. It is finite and nowhere
# negative. And, since the layer is famous for losing no vehicle, the city's total is what it was.
# All three are true of the broken copy. So is a fourth, the exact property itself, if it is tried
# on a map that is the same everywhere: where all counts are equal, it does not matter whose count a
# block gets. A test fails to fail for one of two reasons, then: it asks too little, or its data are
# too tidy.


# %%
def holds(split, counts):
    """The exact promise of the operation: every block adds up to its own count."""
    with patch.object(kernels, "conserve", split):
        try:
            invariants.conserve(score, counts, factor, 1e-5)
        except AssertionError:
            return False
    return True


def asked(split):
    """The answers of five tests of a split."""
    fine = split(score, coarse, factor)
    return {
        "shape is that of the scores": fine.shape == score.shape,
        "finite and not negative": bool(fine.isfinite().all() and (fine >= 0).all()),
        "the city's total is kept": bool(abs(fine.sum() / coarse.sum() - 1) < 1e-4),
        "each block is its count, all counts equal": holds(split, torch.full_like(coarse, 7.0)),
        "each block is its count, counts drawn": holds(split, coarse),
    }


answers = pd.DataFrame({"right": asked(conserve_naive), "broken": asked(conserve_broken)})
show_table(answers.replace({True: "green", False: "RED"}), "Five tests of two splits")
assert answers["right"].all() and answers["broken"].tolist() == [True, True, True, True, False]

# %% [markdown]
# Only the last one notices: each block must add up to *its own* count, on a map on which no two
# neighbours need be alike. It is the proof that the page on [conserve](01_conserve) runs. How far
# off the broken split is, in vehicles of the worst cell, is nothing that a glance at the picture of
# a city would show either: the totals are right, and so is the style.

# %%
off = (right - wrong).abs()
print(
    f"worst cell: {off.max():.1f} vehicles of {right.max():.1f}; "
    f"total {wrong.sum():.1f} and {coarse.sum():.0f}"
)

# %% [markdown]
# ## Every kernel, three ways
#
# For the Triton kernels a script does this in earnest (`tests/kernels/proofs/mutations.py`). Every
# kernel, forward and backward, is broken once by a wrong index, once by a mask that lets one number
# too many or too few through, once by a wrong sign. Each time one piece of text is replaced in a
# copy of the library, and the proofs of the operation run on the copy, with Triton's interpreter,
# until the first turns red. Where several kernels of an operation share a function, the text may
# stand there. What follows is read from the report that is kept beside the tests.

# %%
REPORT = Path(stflow_lib.__file__).parents[1] / "tests" / "kernels" / "proofs" / "mutations.csv"
report = pd.read_csv(REPORT, keep_default_na=False)
PROOFS = {
    "": "",
    "test_naive_twin_and_its_gradient": "gradient",
    "test_error_is_within_twice_that_of_the_naive_twin": "precision",
    "test_any_shape_in_triton": "odd shapes",
    "test_what_is_promised_exactly": "promise",
    "test_a_rerun_gives_the_same_bits": "same bits",
    "test_operators_pass_torchs_own_check": "operators",
    "test_mapped_over_a_batch": "batch",
}
report["noticed"] = report["noticed by"].str.split("[").str[0].map(PROOFS)
breakages_figure(report)
plt.show()

# %% [markdown]
# The proofs run in the order in which they stand, so the first to see a mistake is mostly
# *precision*: the error of a kernel against float64 may be twice that of the naive twin in the same
# precision and no more, on sizes that no tile divides. Where it stays green, *odd shapes* is next:
# empty and single sizes, with memory that nobody wrote filled with NaN. A wrong sign of
# $\varepsilon$, for instance, is too small a change for the one and is noticed by the other.
#
# One breakage was green at first. The softmax of `node_prompt` takes the largest score off before
# the exponential; *adding* it instead changes nothing but the size of numbers that are divided by
# each other, and all proofs had small scores. So the promise now asks for a loud window too, whose
# scores reach 60: $e^{60}$ is a number in float32, $e^{120}$ is not. That is what breaking code on
# purpose is for.

# %%
table = report.assign(kernel=report["operation"] + " " + report["kernel"].str.strip("_"))
noticed = (report["noticed"] != "").sum()
show_table(table[["kernel", "broken", "text", "becomes", "noticed"]],
           f"{noticed} of {len(report)} breakages noticed, and by which proof first",
           index=False)  # fmt: skip
three = report.groupby(["operation", "kernel"])["broken"].agg(sorted)
assert all(kinds == ["index", "mask", "sign"] for kinds in three)
assert (report["noticed"] != "").all()

# %% tags=["finding"]
show_text(findings.share(report["noticed"] != "", "Breakages that a proof notices"))

# %% [markdown]
# ## What this does not say
#
# Fifty slips are not all slips: one of each kind for every kernel, chosen by hand. A mistake that
# only a card can make, such as two programs that write to the same place in an order that varies,
# shows in no interpreter; for it there is the proof that a rerun has the same bits, which
# `python -m stflow_lib.kernels.proofs.gpu` repeats on the card before it times anything.
#
# ## What to remember
#
# - A test that cannot fail proves nothing; break the code once and see.
# - Ask for the property that defines the operation, not for what any reasonable result would have.
# - Data with symmetries hide the mistakes that the symmetries allow.
#
# **Deviations from the papers.** None; the papers describe no tests.
#
# **Next:** the [scoreboard](../scoreboard). **References.** The split: {cite}`urbanstc`; breaking
# programs to judge their tests: DeMillo, Lipton and Sayward, *Hints on test data selection*, IEEE
# Computer 1978.
