"""Training until learning ends: the rate is halved on a plateau, and three in vain are the end."""

from dataclasses import dataclass

GAIN = 0.002  # share by which a validation score must be better to count as a gain
IN_VAIN = 3  # halvings without a gain after which nothing more is expected


@dataclass
class Plateau:
    """How long a validation score has not been better, and how often the rate was halved."""

    reference: float = float("inf")  # the score of the last gain
    waited: int = 0  # validations since that gain, or since the last halving
    halvings: int = 0  # of the rate, so far
    in_vain: int = 0  # of them, since the last gain

    def watch(self, score: float, patience: int) -> None:
        """One more validation; after `patience` of them without a gain the rate is halved."""
        if score < self.reference * (1 - GAIN):
            self.reference, self.waited, self.in_vain = score, 0, 0
            return
        self.waited += 1
        if self.waited >= patience:
            self.waited, self.halvings, self.in_vain = 0, self.halvings + 1, self.in_vain + 1

    @property
    def settled(self) -> bool:
        """Whether smaller and smaller steps have brought nothing."""
        return self.in_vain >= IN_VAIN
