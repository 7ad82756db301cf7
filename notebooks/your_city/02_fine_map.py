# %% [markdown]
# # A fine map from coarse counts
#
# *What you need: a city with fine cells from some time in the past, and coarse counts of later
# hours. Runs in: a few minutes. You will see: a fine map for every coarse one whose cells sum to
# what was counted, with an interval for each cell.*
#
# Run it on cities of your own. The first page of this part writes such files from trips: the coarse
# one, and then the fine one of other days in the same box, with cells of a half or a quarter.
#
# ```
# python -m stflow_lib page your_city/01_forecast_demand -p path new.csv -p name coarse \
#     -p zone Europe/Berlin
# python -m stflow_lib page your_city/01_forecast_demand -p path old.csv -p name fine \
#     -p zone Europe/Berlin -p cell_m 250 -p like build/your_city/coarse.nc
# python -m stflow_lib page your_city/02_fine_map -p fine build/your_city/fine.nc \
#     -p coarse build/your_city/coarse.nc
# ```
#
# Without `fine` the page takes a simulated city: its first days are the fine past, of its last day
# only coarse counts are shown.

# %% tags=["parameters"]
fine: str = ""  # .nc file or name of the city with fine cells; empty: simulated
coarse: str = ""  # .nc file or name of the city with coarse cells, of the same box
method: str = ""  # one of finegrained.METHODS; empty: chosen by itself
factor: int = 4  # of the simulated pair: fine cells along a side of a coarse one
name: str = "your-city"  # of the files that are written
out: str = "build/your_city"  # folder for them

# %%
from pathlib import Path

import numpy as np

from stflow_lib import finegrained
from stflow_lib.book.plots.your_city_widgets import explore
from stflow_lib.data import block_sum, open_city
from stflow_lib.data.export import export
from stflow_lib.data.simulate.coarse import coarse_and_past

# %% [markdown]
# ## The fine past and the coarse present

# %%
folder = Path(out)
if fine:
    past, present = open_city(fine), open_city(coarse)
else:
    past, present = coarse_and_past("sim-fine", factor)
for city in (past, present):
    shape = f"{city.sizes['row']} x {city.sizes['col']}"
    print(f"{city.attrs['name']}: {city.sizes['time']} maps of {shape} cells")

# %% [markdown]
# ## Fine maps
#
# How a coarse count splits is learned from the first half of the past; the next quarter chooses
# when to stop, and the last quarter tells how far the split is off. Where no method is named it is
# *ShareNet*, a small network, or *HA*, the mean shares of the past, where fewer than a hundred maps
# teach. *MultinomialNet*, which {doc}`../what_to_use` names, is built like ShareNet and judged by
# likelihood: `-p method MultinomialNet`. The line below says what was fitted; HA, if the page you
# read was made in a hurry.

# %%
model = finegrained.fit(past, (present.sizes["row"], present.sizes["col"]), method or None)
finegrained.save(model, folder / f"{name}-fine.pt")
maps = model(present)
kept = np.abs(block_sum(maps["mean"].values, maps.attrs["factor"]) - present.flow.values).max()
print(f"{maps.attrs['method']}; largest difference of a block's sum: {kept:.1e}")

# %%
busy = int(present.flow.sum(("direction", "row", "col")).values.argmax())
explore(maps, step=busy)

# %% [markdown]
# *Figure 1: the step with the most counts; in JupyterLab you choose which. Left the fine map, right
# the width of its intervals, which never reach below zero or above the count of the block. Whether
# such intervals hold is measured in {doc}`../finegrained/10_likelihood`.*
#
# ## What was written
#
# The `.html` is a page by itself, to be opened in any browser: every step with its width.

# %%
for ending in ("nc", "parquet", "html"):
    print(export(maps, folder / f"{name}-fine.{ending}"))
print(folder / f"{name}-fine.pt")
