"""Batch normalisation whose running statistics belong to a city, its weights to all of them.

Cities differ in speeds and in graphs, and in joint training each has passes of its own. One set
of running statistics would be a mixture that no pass was ever trained with.
"""

from collections.abc import Callable, Iterable
from copy import deepcopy

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class CityBatchNorm(nn.Module):
    """[B, C, N, T] -> the same; in training by the batch, else by the statistics of `city`.

    With one city it is `nn.BatchNorm2d`, bit for bit. A city that had no batch yet has the
    statistics of those that had one, pooled, and starts from them.
    """

    def __init__(self, norm: nn.BatchNorm2d, cities: Iterable[str]):
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        self.momentum, self.eps = norm.momentum, norm.eps
        self.rows = {name: row for row, name in enumerate(cities)}
        self.city = next(iter(self.rows))
        for name, start in {"means": norm.running_mean, "variances": norm.running_var}.items():
            self.register_buffer(name, start.repeat(len(self.rows), 1))
        self.register_buffer("batches", torch.zeros(len(self.rows), dtype=torch.int64))

    def forward(
        self, x: Float[Tensor, "b channel node lag"]
    ) -> Float[Tensor, "b channel node lag"]:
        """Normalised features."""
        mean, variance = (part.clone() for part in self.statistics())
        out = F.batch_norm(x, mean, variance, self.weight, self.bias, self.training,
                           self.momentum, self.eps)  # fmt: skip
        if self.training:
            self._keep(mean, variance)
        return out

    def statistics(self) -> tuple[Float[Tensor, " channel"], Float[Tensor, " channel"]]:
        """Running (mean, variance) of the present city, or of all before its first batch."""
        row = self.rows[self.city]
        known = self.batches > 0
        if known[row] or not known.any():
            return self.means[row], self.variances[row]
        means = self.means[known]
        return means.mean(0), self.variances[known].mean(0) + means.var(0, correction=0)

    def plain(self, name: str) -> nn.BatchNorm2d:
        """The normalisation of one city, whose weights are shared with this one."""
        self.city = name
        norm = nn.BatchNorm2d(len(self.weight), self.eps, self.momentum)
        norm.weight, norm.bias = self.weight, self.bias
        mean, variance = self.statistics()
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        return norm.to(mean.device)

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor) -> None:
        row = self.rows[self.city]
        self.means[row], self.variances[row] = mean, variance
        self.batches[row] += 1


def separate_statistics(network: nn.Module, cities: Iterable[str]) -> nn.Module:
    """The network with a `CityBatchNorm` of these cities for every `nn.BatchNorm2d`."""
    names = [*cities]
    for module in [*network.modules()]:
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, CityBatchNorm(child, names))
    return network


def of_city(network: nn.Module, name: str) -> nn.Module:
    """A copy that knows one city alone, as it is saved: plain batch normalisation with that
    city's statistics, and no count of batches."""
    copy = deepcopy(network)
    for module in [*copy.modules()]:
        for part, child in module.named_children():
            if isinstance(child, CityBatchNorm):
                setattr(module, part, child.plain(name))
    if hasattr(copy, "counts"):
        del copy.counts
    return copy


def at_city(network: Callable, name: str) -> Callable:
    """The network, its statistics turned to a city."""
    for module in network.modules() if isinstance(network, nn.Module) else ():
        if isinstance(module, CityBatchNorm):
            module.city = name
    return network
