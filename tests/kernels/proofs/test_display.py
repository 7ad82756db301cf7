"""What pages show of kernels: bytes counted by hand, code that is the
library's, proofs that fail."""

import pytest
import torch

from stflow_lib.kernels.backend import TRITON
from stflow_lib.kernels.proofs import display, properties
from stflow_lib.kernels.proofs.cases import CASES


def test_bytes_are_those_counted_by_hand():
    """Views counted as copies, or an enlarged view as if it were stored."""
    x, row = torch.ones(4, 8), torch.ones(8)
    with display.MemoryTraffic() as traffic:
        _ = x.T.reshape(2, 16)[0].expand(3, 16)
    copied = 2 * 4 * 32  # by the reshape of a transposed matrix; the rest are views
    assert traffic.bytes == copied
    with display.MemoryTraffic() as traffic:
        _ = x + row.expand(4, 8)
    assert traffic.bytes == 4 * (32 + 8 + 32)


def test_forms_in_order_and_no_backward_without_a_gradient():
    moved = display.traffic_by_form(CASES["nearest_and_farthest"], (20, 8, 2))
    assert [*moved] == ["naive", "torch", "kernel, by design"]
    assert all(forward > 0 and back == 0 for forward, back in moved.values())
    forward, back = display.traffic_by_form(CASES["conserve"], (1, 2, 2, 2))[
        "kernel, by design"
    ]
    assert (forward, back) == (4 * (16 + 4 + 16), 4 * (16 + 4 + 16 + 16 + 4))


def test_code_is_without_its_docstring_and_with_its_decorators():
    """A page that shows old or foreign code."""
    naive = display.naive_code(CASES["pattern_density"])
    assert naive.startswith("def pattern_density_naive(") and '"""' not in naive
    assert naive.endswith("return steps.square().sum(2).div(-2).exp().mean(1).log()")
    kernel = display.kernel_code(CASES["rank_contrast"], "_add", "_edge")
    assert kernel.count("@triton.jit") == 2 and "log-sum-exp of two parts" not in kernel


def test_a_line_for_each_proof_that_held(monkeypatch):
    monkeypatch.setattr(display, "interpreted", lambda name, sizes: f"Triton form of {name}")
    lines = list(display.run_proofs("conserve", (1, 2, 3, 2)))
    assert [line.split(":")[0] for line in lines][:3] == ["naive twin", "torch form", "promise"]


def test_a_wrong_form_is_an_error_on_the_page(monkeypatch):
    """A page that prints "held" whatever happens."""

    def wrong(*_):
        raise AssertionError("wrong")

    monkeypatch.setattr(properties, "equals_naive", wrong)
    with pytest.raises(AssertionError, match="wrong"):
        list(display.run_proofs("masked_error", (1, 2, 3)))


@pytest.mark.skipif(not TRITON, reason="triton is not installed")
def test_the_new_process_tells_what_failed():
    """A size that no kernel takes must not pass for a proof."""
    with pytest.raises(AssertionError, match=r"conserve, Triton form: .*positional"):
        display.interpreted("conserve", (1, 2))
