"""The networks have exactly the sizes that the paper prints (its Table 10, in units of 2^20).

A wrong kernel, a missing bias or BatchNorm, or the one-step upsampler of the text all show here.
"""

import pytest

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.networks.layers import ExternalFactors, Split
from stflow_lib.finegrained.urbanstc.method import UrbanSTC, UrbanSTCSettings
from stflow_lib.finegrained.urbanstc.pretext import Encoder
from stflow_lib.finegrained.urbanstc.regional_contrast import RegionalHead
from stflow_lib.finegrained.urbanstc.super_resolution import InferenceNet
from stflow_lib.finegrained.urbanstc.temporal_contrast import TemporalHead
from stflow_lib.training.method import count_parameters

TAXIBJ = ("temperature", "wind", "holiday", "weekend", "weekday", "hour", "weather")


@pytest.fixture(scope="module")
def paper(make_city):
    """Tasks of paper size by M: 32 x 32 coarse cells and TaxiBJ's seven factors."""
    return {
        m: make_task(make_city(steps=4, rows=32 * m, cols=32 * m, external=TAXIBJ), m)
        for m in (2, 4)
    }


@pytest.mark.parametrize(
    "factor, changes, count",
    [
        (4, {}, 1_938_817),
        (4, {"external": True}, 2_072_719),
        (2, {}, 1_348_481),
        (4, {"encoders": ("reg",)}, 1_346_177),
        (4, {"encoders": ("inf",)}, 1_478_273),
        (4, {"encoders": ("tcs",)}, 1_478_273),
        (4, {"encoders": ("inf", "reg")}, 1_642_497),
        (4, {"encoders": ("tcs", "reg")}, 1_642_497),
        (4, {"encoders": ("inf", "tcs")}, 1_774_593),
        (4, {"channels": 32, "external": True}, 256_111),
        (4, {"channels": 64, "external": True}, 619_983),
    ],
)
def test_fine_tuning_network(paper, factor, changes, count):
    network = UrbanSTC(paper[factor], UrbanSTCSettings(**changes))
    assert count_parameters(network) == count


def test_the_upsampler_of_the_text_is_larger(paper):
    """One conv C -> 16 C against two C -> 4 C: 2,361,344 against 2 x 590,336."""
    network = UrbanSTC(paper[4], UrbanSTCSettings(single_step=True))
    assert count_parameters(network) == 1_938_817 + 2_361_344 - 2 * 590_336


@pytest.mark.parametrize(
    "channels, reg, tcs, inf",
    [(128, 33_536, 165_632, 1_480_321), (64, 8_576, 41_856, 371_521),
     (32, 2_240, 10_688, 93_601)],
)  # fmt: skip
def test_pretext_networks(channels, reg, tcs, inf):
    """The channel sweep of Figure 8."""
    assert count_parameters(RegionalHead(Encoder(channels, 1), channels)) == reg
    assert count_parameters(TemporalHead(Encoder(channels, 3), channels, True)) == tcs
    assert count_parameters(InferenceNet(Encoder(channels, 3), channels, 4, Split(4))) == inf


def test_inference_network_at_two():
    assert count_parameters(InferenceNet(Encoder(128, 3), 128, 2, Split(2))) == 888_961


def test_external_factors_of_taxibj():
    """Embeddings 142, Linear 12 -> 128 1,664, Linear 128 -> 1024 132,096."""
    factors = ExternalFactors(TAXIBJ, 32, 32)
    first, last = factors.mlp[0], factors.mlp[3]
    parts = [count_parameters(part) for part in (factors.embeddings, first, last)]
    assert parts == [142, 1_664, 132_096] and count_parameters(factors) == sum(parts)
