"""DeepSD: SRCNNs stacked, each doubling the resolution (Vandal et al., KDD 2017)."""

from stflow_lib.finegrained.srcnn import SRCNN, Settings
from stflow_lib.finegrained.supervised import network_method


def doublings(factor: int) -> int:
    """log2(M); ValueError where M is not 2, 4, 8, ..."""
    if factor < 2 or factor & (factor - 1):
        raise ValueError(f"upscaling factor {factor} is not a power of two")
    return factor.bit_length() - 1


class DeepSD(SRCNN):
    """log2(M) SRCNN stages of 2 x, one split at the end (spec 5.5); SRCNN itself at M = 2.

    Trained end to end and without elevation; the original trains stage after stage.
    """

    @staticmethod
    def steps(factor: int) -> list[int]:
        return [2] * doublings(factor)


METHOD = network_method("DeepSD", Settings, DeepSD)
