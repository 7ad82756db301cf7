"""How many settings of our own methods have a test error, under tables and in one of their own."""

from collections.abc import Iterable

import pandas as pd

from stflow_lib.book.display import show_table, show_text
from stflow_lib.runs import Run
from stflow_lib.verdicts import choosing


def scored(group: Iterable[Run]) -> list[str]:
    """How many settings of each of our own methods in a group have a test error, and where."""
    group = list(group)
    methods = {run.method for run in group}
    concerned = [
        wing
        for wing in dict.fromkeys(run.wing for run in group)
        if methods & set(choosing.own_methods(wing))
    ]
    if not concerned:
        return []
    found = pd.concat([choosing.settings_scored(wing) for wing in concerned])
    found = found[found["method"].isin(methods)]
    found["city"] += found["held_out"].map({False: "", True: " (held out)"})
    places = found.groupby(["method", "settings"], sort=False)["city"].agg(", ".join)
    texts = {
        name: "; ".join(f"{number} on {where}" for (_, number), where in own.items())
        for name, own in places.groupby(level="method", sort=False)
    }
    methods = {text: [name for name in texts if texts[name] == text] for text in texts.values()}
    return [f"{', '.join(names)}: {text}" for text, names in methods.items()]


def show(wing: str, caption: str) -> None:
    """Settings of our own methods that have a test error: methods down, targets across."""
    counted = choosing.settings_scored(wing)
    if counted.empty:
        show_text(f"{caption}: none is recorded.")
        return
    counted["part"] = counted["held_out"].map({False: "chosen on", True: "held out"})
    wide = counted.pivot(index="method", columns=["part", "city"], values="settings")
    wide = wide.reindex(choosing.own_methods(wing)).fillna(0).astype(int)
    wide = wide.sort_index(axis=1).rename_axis(index=None, columns=[None, None])
    show_table(
        wide,
        caption,
        folded="with a recorded test error; earlier code under the same settings is not counted",
    )
