"""DeepSD: SRCNNs stacked, each doubling the resolution (Vandal et al., KDD 2017)."""

from stflow_lib.finegrained.baselines.srcnn import SRCNN, SRCNNSettings
from stflow_lib.finegrained.networks.layers import doublings
from stflow_lib.finegrained.training.supervised import network_method


class DeepSD(SRCNN):
    """log2(M) SRCNN stages of 2 x, one split at the end; SRCNN itself at M = 2.

    Trained end to end and without elevation; the original trains stage after stage.
    """

    @staticmethod
    def steps(factor: int) -> list[int]:
        """As many doublings as M takes."""
        return [2] * doublings(factor)


METHOD = network_method("DeepSD", SRCNNSettings, DeepSD)
