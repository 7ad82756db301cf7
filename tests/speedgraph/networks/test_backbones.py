"""Sizes choose their network, and the operators that it walks on."""

import pytest

from stflow_lib.speedgraph.networks.backbones import backbone
from stflow_lib.speedgraph.networks.stgcn import (
    STGCN,
    STGCNB,
    STGCNSize,
)


def test_a_size_names_its_network():
    """A profile chooses the variant by a word; a wrong word must not become variant A."""
    built = [backbone(STGCNSize(8, 4, variant=v, end=6), 2, 6, 12) for v in "AB"]
    assert [type(network) for network in built] == [STGCN, STGCNB]
    with pytest.raises(ValueError, match="variants A and B, not 'C'"):
        STGCNSize(variant="C")


def test_unknown_size():
    with pytest.raises(TypeError, match="dict: no backbone"):
        backbone({}, 2, 6, 12)
