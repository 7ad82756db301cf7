# %% [markdown]
# # Run it on a cluster
#
# *What you need: this package on every machine, with the same versions, and the cities' files.
# Runs in: a minute or two for the example, on two processes of this machine. You will see: a table
# filled by workers, one of them killed on the way, and what is in the store afterwards.*
#
# Run it in one line, on a table and a city of your own:
#
# ```
# python -m stflow_lib page your_city/05_on_a_cluster -p table gridflow.table2 -p city town.nc
# ```
#
# A table is many trainings that do not wait for one another: methods, cities, amounts of data and
# seeds. Each is a *run* with a record of its own, so they can be computed anywhere, in any order,
# and again only where something changed.

# %% tags=["parameters"]
table: str = "gridflow.table2"  # WING.TABLE; `python -m stflow_lib status` lists them
profile: str = "smoke"  # size: smoke, lab, bench or paper
methods: str = "Previous hour,Linear,MLP,Finetuned"  # of the table; empty: all
city: str = ""  # your own, its name or .nc file; SOURCE>CITY for other sources; empty: the table's
workers: int = 2  # processes, a thread each
out: str = "build/your_city/cluster"  # folder of the store

# %%
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psutil

from stflow_lib.book.display import show_table
from stflow_lib.runs import store

# %% [markdown]
# ## One line
#
# `--workers N` starts N processes on this machine and ends them with the command. Each has one
# thread: N small trainings side by side are faster than one with N threads, and the last digits
# of a sum do not depend on how many share it.

# %%
os.environ["STFLOW_RUNS"] = str(Path(out).resolve())
if out == "build/your_city/cluster":  # the example's, to be seen at work every time
    shutil.rmtree(out, ignore_errors=True)
line = [sys.executable, "-m", "stflow_lib", "run", "--table", table, "--profile", profile]
line += ["--only", *methods.split(",")] * bool(methods) + ["--city", city] * bool(city)
line += ["--workers", str(workers)]
print("python", *(f"'{word}'" if " " in word else word for word in line[1:]))

# %% [markdown]
# ## A worker dies
#
# Machines go down, and batch systems end jobs. To see what that costs, one worker is killed as soon
# as the first run is there. The run that it had in hand goes to another worker and goes on from its
# last checkpoint, where both see one folder; runs that were finished are finished.


# %%
def kill_a_worker(command: subprocess.Popen) -> int:
    """End one worker process of a command that runs, without a warning to it."""
    children = psutil.Process(command.pid).children()
    victim = next(p for p in children if "spawn_main" in " ".join(p.cmdline()))
    victim.kill()
    return victim.pid


# %%
killed = []
with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as command:
    for text in command.stdout:
        print(re.sub(r" \(.*\) \[", " [", text), end="")  # without the settings
        if not killed and " in " in text and "left" in text:
            killed.append(kill_a_worker(command))
            print(f"-- worker {killed[0]} was killed --")
assert command.returncode == 0

# %% [markdown]
# Each line is a run with its errors, how long it took, and how long the rest will take, reckoned
# from runs of the same method. The address in the first lines is a page that shows what each worker
# does. The same command again finds everything done:

# %%
again = subprocess.run(line, capture_output=True, text=True, check=True)
print(again.stdout)
assert "0 to compute" in again.stdout

# %% [markdown]
# ## Where records end up
#
# A worker computes in a store of its own (its `STFLOW_RUNS`) and sends the record back; the command
# checks it and writes it into *its* store, a JSON file for each run. So workers need no disk that
# the caller sees. Where they share one, checkpoints and common stages are shared, too, and locks
# keep a run from being computed twice.

# %%
wing = table.partition(".")[0]
records = pd.DataFrame(store.read_all(wing)).sort_values(["method", "city", "seed"])
columns = ["method", "city", "scarcity", "seed", "threads", "resumed"]
show_table(records.set_index("key")[columns], f"Records in {out}/{wing}, a file KEY.json each")

# %% [markdown]
# A record names the hash of the code and of the data that made it. What a worker with other code or
# other files has computed is refused, by name.
#
# ## Under SLURM
#
# `pip install dask-jobqueue`, then, on the login node, a scheduler that asks for fifty jobs of one
# process each:
#
# ```python
# from dask_jobqueue import SLURMCluster
#
# cluster = SLURMCluster(
#     cores=1, processes=1, memory="8GB", walltime="08:00:00", queue="normal",
#     job_script_prologue=[
#         "source ~/stflow/.venv/bin/activate",
#         "export OMP_NUM_THREADS=1 STFLOW_DATA=/shared/data STFLOW_RUNS=/shared/runs",
#     ],
# )
# cluster.scale(jobs=50)
# print(cluster.scheduler_address)
# ```
#
# and, while that process lives, the line from above with the address in the place of `--workers`:
#
# ```
# python -m stflow_lib run --table gridflow.table2 --profile lab --scheduler tcp://10.0.0.1:35007
# ```
#
# Jobs that come later join in, jobs that end early cost their run alone. `PBSCluster`, `LSFCluster`
# and `SGECluster` of the same package take the same words.
#
# ## Over SSH
#
# A few machines without a batch system: the scheduler on the first of them, workers on all.
#
# ```
# dask scheduler --host 10.0.0.1 --port 8786
# ssh 10.0.0.2 'cd stflow && OMP_NUM_THREADS=1 STFLOW_DATA=/data .venv/bin/dask worker \
#     tcp://10.0.0.1:8786 --nworkers 8 --nthreads 1 --memory-limit 0'
# python -m stflow_lib run --table gridflow.table2 --profile lab --scheduler tcp://10.0.0.1:8786
# ```
#
# Who reaches a scheduler runs code as its user: give it an address of a network that you trust, or
# let it listen on `127.0.0.1` and go there through `ssh -L 8786:127.0.0.1:8786`.
#
# A city of your own must be there for the workers as well: a file at the same path, or a name that
# was registered in the data folder that they see.
