"""Where the arithmetic of a network sits, layer by layer, and a process that returns memory."""

import ctypes
import sys

import matplotlib.pyplot as plt
import pandas as pd
from torch import Tensor, nn

from stflow_lib.book.plots.style import BLUE


def multiplications(network: nn.Module, coarse: Tensor, external: Tensor) -> pd.Series:
    """Millions of multiplications per map of each convolution, by its name, in the order run."""
    counts: dict[str, float] = {}

    def counted(name: str):
        def hook(layer, _, output) -> None:
            k, channels = layer.kernel_size[0], layer.in_channels * layer.out_channels
            counts[name] = k * k * channels * output.shape[2] * output.shape[3] / 1e6

        return hook

    hooks = [m.register_forward_hook(counted(n)) for n, m in network.named_modules()
             if isinstance(m, nn.Conv2d)]  # fmt: skip
    network(coarse, external)
    for hook in hooks:
        hook.remove()
    return pd.Series(counts, name="million multiplications per map")


def layers_figure(work: pd.Series) -> plt.Figure:
    """Millions of multiplications of one forward pass, layer by layer, the first on top."""
    fig, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
    axis.barh(work.index[::-1], work[::-1], color=BLUE)
    axis.set(title="Multiplications of one forward pass, layer by layer",
             xlabel="million multiplications per map", ylabel="layer")  # fmt: skip
    axis.spines[["top", "right"]].set_visible(False)
    return fig


def return_memory() -> None:
    """glibc's defaults: large blocks from the system, freed ones returned to it."""
    if sys.platform == "linux":
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(-4, 65536)  # M_MMAP_MAX
        mallopt(-1, 128 * 1024)  # M_TRIM_THRESHOLD
