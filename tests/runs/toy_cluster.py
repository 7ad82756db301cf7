"""The toy wing in other processes: in a worker of dask, and behind a command line of its own."""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent
PRELOAD = (
    f"import sys\nsys.path.insert(0, {str(HERE)!r})\nimport toy_cluster\ntoy_cluster.load()\n"
)


def load():
    """Register `stflow_lib.toy` in this process."""
    spec = importlib.util.spec_from_file_location("toy_wing", HERE / "toy_wing.py")
    sys.modules["toy_wing"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["toy_wing"])
    sys.modules["toy_wing"].register()


if __name__ == "__main__":  # as `python -m stflow_lib`, with workers that know the toy wing
    import dask

    from stflow_lib.__main__ import main
    from stflow_lib.runs import profiles

    load()
    profiles.wings = lambda: ["toy"]
    with dask.config.set({"distributed.worker.preload": [PRELOAD]}):
        sys.exit(main(sys.argv[1:]))
