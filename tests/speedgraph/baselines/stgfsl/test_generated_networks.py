"""Generated convolutions against weights laid out for one node."""

import pytest
import torch
import torch.nn.functional as F

from stflow_lib.speedgraph.baselines.stgfsl.generated_networks import Generated, generated


def test_generated_is_a_convolution_of_its_own_for_each_node():
    """The order of channels, taps or knowledge lost in the short form."""
    torch.manual_seed(0)
    layer = Generated(3, 5, 2, 4, dilation=2).double()
    x, m = torch.randn(2, 6, 7, 3).double(), torch.randn(2, 6, 4).double()
    out = layer(x, m)
    assert out.shape == (2, 6, 5, 5)
    for b, n in ((0, 0), (1, 4)):
        rows = layer.rows(m[b, n]).view(3, 4)
        weight = layer.taps(rows).view(3, 5, 2).permute(1, 0, 2)
        want = F.conv1d(x[b, n].T[None], weight, layer.bias(m[b, n]), dilation=2)
        torch.testing.assert_close(out[b, n], want[0].T)


def test_unknown_size():
    with pytest.raises(TypeError, match="dict: no generated network"):
        generated({}, 2, 6, 12, 16)
