"""The kernels of `node_prompt`: a product of any strides, shares that add up,
the modes taken."""

import pytest
import torch

pytest.importorskip("triton")

from stflow_lib.kernels.ops.node_prompt import node_prompt_naive
from stflow_lib.kernels.triton_ops import node_prompt


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(
    ("rows", "inner", "columns"), [(65, 33, 17), (16, 32, 64), (1, 1, 1), (3, 0, 2)]
)
def test_products_of_any_size_and_strides(rows, inner, columns):
    """A tile more, an inner step more, a transposed matrix: each has masks or
    strides of its own."""
    a, b = draw(rows, inner), draw(inner, columns)
    want = 0.5 * (a @ b)
    torch.testing.assert_close(node_prompt._product(a, b, 0.5), want)
    turned = a.T.contiguous().T, b.T.contiguous().T
    torch.testing.assert_close(node_prompt._product(*turned, 0.5), want)


def test_shares_are_a_softmax_over_patterns():
    """They add up to one for each window, and are kept for the way back."""
    z, bank = draw(2, 3, 4, 5), draw(7, 4, 5)
    prompt, share = node_prompt.picked(z, bank)
    score = z.flatten(2).flatten(0, 1) @ bank.flatten(1).T / 20**0.5
    torch.testing.assert_close(share, score.softmax(1))
    torch.testing.assert_close(prompt, node_prompt_naive(z, bank, "pattern_softmax"))


def test_every_pattern_of_a_code_bank_has_the_same_gradient():
    """The release adds its matrices: one gradient, written once for each of them."""
    z, bank, g = draw(1, 2, 3, 4), draw(3, 4, 4), draw(1, 2, 3, 4) + 1
    _, d_bank = node_prompt.prompts_backward(g, z, bank, False)
    want = z.flatten(0, 2).T @ g.flatten(0, 2) / 2
    for pattern in d_bank:
        torch.testing.assert_close(pattern, want)


def test_modes_and_sizes_that_are_left_to_torch():
    """Attention over steps is torch's; a program holds the shares of one window."""
    z, bank = torch.empty(1, 1, 2, 3), torch.empty(4, 2, 3)
    assert "attention" in node_prompt.unsupported(z, bank, "token_softmax")
    assert node_prompt.unsupported(z, bank, "gram") is None and node_prompt.UNWISE
    many = torch.empty(16385, 2, 3, device="meta")
    assert "16385 patterns" in node_prompt.unsupported(z, many, "pattern_softmax")
