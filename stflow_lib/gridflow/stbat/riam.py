"""RIAM: which regions are alike, and how rare each kind is (STBaT section 4.1)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.kernels import density_weights, pattern_density

LEAST_DEVIATION = 1e-3  # of a prediction, so that its logarithm is finite
ROUNDING = 1e6  # cosines are rounded to 1e-6: regions with equal POI are exact ties


@dataclass(frozen=True)
class RIAMSettings:
    """Size and loss of the pattern autoencoder, with the ablations of Figure 3a."""

    width: int = 32  # D, numbers in a region's embedding phi
    beta: float = 0.01  # weight of the distribution term, summed over J as printed
    bandwidth: float = 0.85  # h of the density
    sigma_floor: float = 1e-2  # of measured deviations; they divide the squared errors
    kl: str = "printed"  # KL(predicted, measured); "reverse": KL(measured, predicted)
    use_poi: bool = True  # False: no classifier loss (w/o POI)
    use_distribution: bool = True  # False: no distribution loss (w/o FDP)

    def __post_init__(self):
        if self.kl not in ("printed", "reverse"):
            raise ValueError(f"kl {self.kl!r}: want printed or reverse")


class RIAM(nn.Module):
    """The regional pattern autoencoder, and what is read off its embeddings (Eqs. 1 to 7, 14).

    POI shares -> embedding phi -> POI shares and the distribution of the region's features.
    shares [R, K] whose rows sum to 1 or 0; z has J = `features` numbers.
    """

    def __init__(self, categories: int, features: int, settings: RIAMSettings = RIAMSettings()):
        super().__init__()
        self.settings, width = settings, settings.width
        self.encoder = _two_layers(categories, 16, width)
        self.classifier = _two_layers(width, 32, categories)
        self.mean = _two_layers(width, 32, features)
        self.deviation = _two_layers(width, 32, features)

    def forward(
        self, shares: Float[Tensor, "region category"]
    ) -> Float[Tensor, "region width"]:
        """The encoder: phi, [R, D] (Eq. 1)."""
        return self.encoder(shares)

    def distribution(
        self, phi: Float[Tensor, "region width"]
    ) -> tuple[Float[Tensor, "region features"], Float[Tensor, "region features"]]:
        """Predicted mean and deviation of z (Eq. 4); how the latter stays > 0 is left open."""
        return self.mean(phi), F.softplus(self.deviation(phi)) + LEAST_DEVIATION

    def decode(
        self, phi: Float[Tensor, "region width"]
    ) -> tuple[
        Float[Tensor, "region category"],
        Float[Tensor, "region features"],
        Float[Tensor, "region features"],
    ]:
        """The decoder (Eq. 2): logarithm of the classifier's shares (Eq. 3), then Eq. 4."""
        return self.classifier(phi).log_softmax(1), *self.distribution(phi)

    def loss(
        self,
        shares: Float[Tensor, "region category"],
        mean: Float[Tensor, "region features"],
        deviation: Float[Tensor, "region features"],
    ) -> dict[str, Float[Tensor, ""]]:
        """L_emb and its parts, means over regions: {"loss", "poi", "divergence"} (Eq. 5).

        mean, deviation [R, J]: measured, no gradient reaches them. "poi" is the cross-entropy
        minus the entropy of the shares, which is its floor; "loss" has it with the floor.
        """
        entropy = -torch.xlogy(shares, shares).sum(1)
        logs, *predicted = self.decode(self(shares))
        crossed = -(shares * logs).sum(1)
        divergence = self._divergence(predicted, mean.detach(), deviation.detach())
        loss = crossed.mean() * self.settings.use_poi
        loss = loss + self.settings.beta * divergence.mean() * self.settings.use_distribution
        parts = {"poi": (crossed - entropy).mean(), "divergence": divergence.mean()}
        return {"loss": loss} | {name: part.detach() for name, part in parts.items()}

    def _divergence(
        self,
        predicted: list[Float[Tensor, "region features"]],
        mean: Float[Tensor, "region features"],
        deviation: Float[Tensor, "region features"],
    ) -> Float[Tensor, " region"]:
        """L_KLD of Eq. 5."""
        pair = predicted, (mean, deviation.clamp_min(self.settings.sigma_floor))
        one, other = pair if self.settings.kl == "printed" else pair[::-1]
        return normal_divergence(*one, *other).sum(1)

    @torch.no_grad()
    def balance(
        self, shares: Float[Tensor, "region category"]
    ) -> tuple[Float[Tensor, " region"], Float[Tensor, "region region"], dict[str, float]]:
        """omega [R] (Eq. 14), delta [R, R] (Eq. 7), both without gradient, and what to log.

        omega comes from the density of the embeddings (Eq. 6). The log: least, largest and
        standard deviation of omega, the effective number of neighbours (mean of R rho: 1 if
        all are strangers, R if all alike).
        """
        phi = self(shares).double()
        density = pattern_density(phi, self.settings.bandwidth)
        omega = density_weights(density)
        log = {
            "omega_min": omega.min().item(),
            "omega_max": omega.max().item(),
            "omega_std": omega.std(correction=0).item(),
            "neighbours": density.exp().mean().item() * len(phi),
        }
        return omega.to(shares.dtype), region_similarity(phi), log


def region_similarity(phi: Float[Tensor, "region width"]) -> Float[Tensor, "region region"]:
    """Cosine of all pairs, rounded to 1e-6 so that equal patterns tie (Eq. 7)."""
    unit = F.normalize(phi.detach().double(), dim=1)
    return (unit @ unit.T).mul(ROUNDING).round().div(ROUNDING)


def normal_divergence(
    mean: Float[Tensor, "*any"],
    deviation: Float[Tensor, "*any"],
    other_mean: Float[Tensor, "*any"],
    other_deviation: Float[Tensor, "*any"],
) -> Float[Tensor, "*any"]:
    """KL( N(mean, deviation^2) || N(other_mean, other_deviation^2) ) of each element, >= 0.

    A summand of L_KLD in Eq. 5.
    """
    ratio = deviation / other_deviation
    shift = (mean - other_mean) / other_deviation
    return (ratio.square() + shift.square() - 1) / 2 - ratio.log()


def _two_layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
