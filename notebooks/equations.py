# %% [markdown]
# # Where each equation lives
#
# *What you need: nothing. Runs in: seconds. You will see: for every numbered equation and every
# named part of the three papers, the code that computes it, the test that protects it, and the
# page that shows it.*
#
# A row starts with the paper's own number and name. Under what it says stands a link to the page
# with the derivation, and the paper's table or figure that puts the part to the proof; its
# verdict stands on [the scoreboard](scoreboard.ipynb). Click the path of the code to read it in
# place: modules are named from `stflow_lib` on, so `finegrained.urbanstc...` is a file in that
# folder. The test is named as pytest names it, so it can be pasted behind `pytest`.
#
# Nothing on this page is typed in: it is `book/equations.csv`, and a test holds each row to the
# code (the path resolves, the docstring there carries the number, the test exists).

# %% tags=["parameters"]
paper: str = "all"  # urbanstc, stbat, tsjt, or all

# %%
from stflow_lib.book.display import show_html
from stflow_lib.book.equations import equations, index_page
from stflow_lib.verdicts.claims import TITLES

chosen = [name for name in TITLES if paper in ("all", name)]
print(f"{len(equations())} equations and named parts, {len(chosen)} papers shown")


# %%
def show(name: str) -> None:
    """The rows of one paper."""
    if name in chosen:
        show_html(index_page(name), equations(name).to_string())


# %% [markdown]
# ## UrbanSTC

# %%
show("urbanstc")

# %% [markdown]
# ## STBaT

# %%
show("stbat")

# %% [markdown]
# ## TSJT

# %%
show("tsjt")
