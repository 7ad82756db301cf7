"""One training on the source for all runs that begin with it, and for no other."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from stflow_lib.gridflow import METHODS, make_task, score
from stflow_lib.gridflow.training.shared_stages import shared_stage, stage_fingerprint
from stflow_lib.runs import build_settings

SMALL = {
    "backbone": {"channels": 2, "blocks": 0, "hidden": 4, "feature": "h"},
    "source": {"epochs": 1, "epoch_steps": 3, "batch": 8},
    "target": {"epochs": 1, "epoch_steps": 2, "batch": 8},
}


def stamped(tmp_path, name, code="one", threads=1):
    """The checkpoint folder of a run in a store."""
    inside = tmp_path / name / "checkpoints"
    inside.mkdir(parents=True)
    stamp = {"source_hash": code, "threads": threads}
    (tmp_path / name / "stamp.json").write_text(json.dumps(stamp))
    return inside


def place_of(folder, name):
    with shared_stage(folder, name) as place:
        return place


def test_same_code_and_name_share_a_place(tmp_path):
    one, two = (stamped(tmp_path, run) for run in "ab")
    assert place_of(one / "pickup", "x") == place_of(two / "pickup", "x")
    assert place_of(one, "x") != place_of(one, "y")


def test_other_code_never_finds_it(tmp_path):
    """Weights of code that has changed must not come back."""
    one, two = stamped(tmp_path, "a"), stamped(tmp_path, "b", code="two")
    assert place_of(one, "x") != place_of(two, "x")


def test_other_threads_never_find_it(tmp_path):
    """Their numbers have other last digits, and the record says which they were."""
    one, two = stamped(tmp_path, "a"), stamped(tmp_path, "b", threads=2)
    assert place_of(one, "x") != place_of(two, "x")


@pytest.mark.parametrize("known", [True, False])
def test_outside_a_store_nothing_is_shared(tmp_path, known):
    folder = tmp_path if known else None
    assert place_of(folder, "x") == folder


def names(city, network=None, *more):
    return stage_fingerprint(network or nn.Linear(2, 1), (city,), *more)


def test_whatever_reaches_the_stage_changes_its_name(lender, receiver, twelve):
    """Weights, settings and every input of training; else two trainings would be taken for one."""
    city = make_task(receiver, (lender,), twelve).sources[0]
    network = nn.Linear(2, 1)
    base = names(city, network, 1)
    assert base == names(city, network, 1)
    moved = nn.Linear(2, 1)
    changed = [
        names(city, network, 2),
        names(city, moved, 1),
        names(replace(city, scaled=city.scaled + 1), network, 1),
        names(replace(city, low=city.low + 1), network, 1),
        names(replace(city, mask=~city.mask), network, 1),
        names(replace(city, poi=None), network, 1),
        names(replace(city, train=city.train[1:]), network, 1),
        names(replace(city, valid=city.valid[1:]), network, 1),
        names(replace(city, time=city.time + 1), network, 1),
        names(replace(city, name="other"), network, 1),
    ]
    assert base not in changed and len(set(changed)) == len(changed)


@pytest.mark.parametrize("name", ["Finetuned", "MAML", "MetaST", "RegionTrans", "STBaT", "MLP"])
def test_a_shared_beginning_changes_no_result(name, lender, receiver, twelve, tmp_path):
    """Few-shot after zero-shot is what few-shot alone is, with one training on the source."""
    method, poi = METHODS[name], lender.poi[:, :3, :4]
    target = receiver.assign(poi=(lender.poi.dims, poi.values))
    few, zero = (make_task(target, (lender,), twelve, days=days) for days in (3, 0))
    sizes = SMALL if name != "MLP" else {k: v for k, v in SMALL.items() if k != "backbone"}
    settings = build_settings(method, sizes)
    alone = method.fit(few, settings, 0, tmp_path / "alone")
    method.fit(zero, settings, 0, stamped(tmp_path, "zero"))
    after = method.fit(few, settings, 0, stamped(tmp_path, "few"))
    assert score(few, after) == score(few, alone)
    assert len([*(tmp_path / "shelf").glob("*/source.pt")]) == 2  # one for each direction
    assert after.epochs == alone.epochs  # what is shared still counts


def test_crosstres_shares_nothing(lender, receiver, twelve, tmp_path):
    """It looks at the target's days while it learns on the source."""
    method, poi = METHODS["CrossTReS"], lender.poi[:, :3, :4]
    task = make_task(
        receiver.assign(poi=(lender.poi.dims, poi.values)), (lender,), twelve, days=3
    )
    settings = build_settings(
        method, SMALL | {"selection": {"near": 3, "ahead": 1, "queries": 1}}
    )
    torch.manual_seed(0)
    method.fit(task, settings, 0, stamped(tmp_path, "run"))
    assert not (tmp_path / "shelf").exists()
