# %% [markdown]
# # Add a method
#
# *What you need: a function that learns from a task and one that predicts; thirty lines. Runs in:
# half a minute for the example. You will see: your method in one table with methods of the book,
# with the same seeds and days, and what the difference says.*
#
# Run it on your own method, a file with a `METHOD`, in one line:
#
# ```
# python -m stflow_lib page your_city/04_add_a_method -p path my_method.py -p wing speedgraph
# ```
#
# Without `path` the page writes the example below, and goes on with that. It stands beside three
# quick methods here; with `-p against ""` beside all that have records of the cities.

# %% tags=["parameters"]
path: str = ""  # your file, in which METHOD stands; empty: the example
wing: str = "speedgraph"  # finegrained, gridflow or speedgraph
sizes: dict = {}  # what differs from your default settings
cities: str = "sim-speed-a+sim-speed-b>sim-speed-c"  # as in the wing's tables
seeds: str = "0 1"
against: str = "Last value,HA,Ridge"  # methods of the book; empty: all that have records
profile: str = "smoke"  # lab or paper on real cities
train_rivals: bool = True  # those that have no record; else they are left out
out: str = "build/your_city"  # folder for what is written

# %%
import os
import sys
from importlib import import_module
from pathlib import Path

from stflow_lib.book.display import show_table
from stflow_lib.runs.register import register_method
from stflow_lib.verdicts.compare import compare

# %% [markdown]
# ## The file
#
# A method is a class of settings and a function `fit(task, settings, seed, folder)` that returns a
# `Predictor`; that one answers, for first label steps, in the city's unit. `restored` makes the
# predictor from what was learned, so that it can be saved. The example fades from the last value
# to the mean of the window, the further ahead the more.

# %%
EXAMPLE = '''"""Fades from the last value to the mean of the window."""

from dataclasses import dataclass

import torch

from stflow_lib.training.method import Method, Predictor


@dataclass(frozen=True)
class FadeSettings:
    half: float = 12.0  # steps ahead at which half of the last value is left


def fit(task, settings, seed, folder):
    return restored(task.form, settings, settings.half)


def restored(form, settings, half):
    def predict(task, steps):
        city = task.target
        window = city.windows(steps)[..., 0]
        kept = 0.5 ** (torch.arange(1, city.ahead + 1) / half)
        last, mean = window[..., -1:], window.mean(2, keepdim=True)
        return city.unscale(kept * last + (1 - kept) * mean)

    return Predictor(predict, learned=half)


METHOD = Method("Fade", FadeSettings, fit, restored)
'''

# %%
os.environ["STFLOW_RUNS"] = f"{out}/runs"  # a store of its own: other pages know no such method
if not path:
    Path(out).mkdir(parents=True, exist_ok=True)
    path = f"{out}/fade.py"
    Path(path).write_text(EXAMPLE)
sys.path.insert(0, str(Path(path).resolve().parent))
METHOD = import_module(Path(path).stem).METHOD

# %% [markdown]
# ## Registered
#
# From here on the name is known to runs, to `forecast(..., method=...)` and to saved files of this
# process. The hash in its records covers the file and what it imports from files beside it, so
# that a changed line makes the records stale.

# %%
register_method(wing, METHOD, {profile: sizes})

# %% [markdown]
# ## Compared

# %%
found = compare(
    [METHOD.name], cities.split(), [int(seed) for seed in seeds.split()], wing=wing,
    against=[name for name in against.split(",") if name] or None, profile=profile,
    train_rivals=train_rivals,
)  # fmt: skip
show_table(found.table, "Errors in the unit of the cities, mean and spread over seeds; yours is last")

# %%
show_table(found.verdicts.set_index("rival")[["city", "gain", "low", "high", "n", "verdict"]],
           "By how many percent your error is lower, and its 95 % interval", digits=1)  # fmt: skip

# %% [markdown]
# A negative gain means that yours is worse. The interval is over seeds and test days, and without
# one, or with one seed of something that learns, nothing is called *confirmed*. The tables of the paper
# stay as they are.

# %%
Path(out).mkdir(parents=True, exist_ok=True)
found.verdicts.to_csv(f"{out}/comparison.csv", index=False)
print(f"written: {out}/comparison.csv")
