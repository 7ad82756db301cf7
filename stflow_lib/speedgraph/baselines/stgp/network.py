"""STGP's network: two encoders that see only what is shown, a decoder that fills in the rest.

Hu et al., "Prompt-Based Spatio-Temporal Graph Transfer Learning" (CIKM 2024). Cells are hours of
sensors. Everything works for any number of sensors; prompts are the only parts of a stage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.speedgraph.networks.graph_operators import (
    NodeSeries,
    Square,
    Support,
    transitions,
    without_loops,
)
from stflow_lib.speedgraph.networks.graph_wavenet import diffusion_terms
from stflow_lib.speedgraph.networks.patch_encoder import Layers

DILATIONS = (1, 2, 4) * 2
BINS = 101  # of road weights, hundredths
DEGREES = 50  # counts of neighbours that are told apart
KEPT = 0.2  # a prompt's score below it counts as 0

NodeIndex = Int[Tensor, " shown_node"]
HourIndex = Int[Tensor, " shown_hour"]
WeekHours = Int[Tensor, "b lag"]  # of the week, of each patch


@dataclass(frozen=True)
class STGPSize:
    """Widths of the release."""

    width: int = 128
    heads: int = 4
    layers: int = 4
    hidden: int = 256  # of the feed-forward parts, and of the head
    channels: int = 32  # of the decoder
    skip: int = 128
    prompts: int = 25  # in a bank
    dropout: float = 0.3


class GraphInputs(NamedTuple):
    """What the network wants to know of a city's graph."""

    walks: tuple[Square, Square]  # along and against the ways
    bins: Int[Tensor, "node node"]
    senders: Int[Tensor, " node"]  # how many lead here
    receivers: Int[Tensor, " node"]


def graph_inputs(weights: Square) -> GraphInputs:
    """Isolated sensors are no matter: where the release divides by 0 a row stays 0."""
    near = without_loops(weights)
    degrees = [(near > 0).sum(axis).clamp_max(DEGREES - 1) for axis in (0, 1)]
    return GraphInputs(transitions(weights), (near * 100).long().clamp(0, BINS - 1), *degrees)


class Prompts(nn.Module):
    """x + sum_k s_k p_k with s_k = sigmoid(x . p_k) where it is at least 0.2."""

    def __init__(self, size: STGPSize):
        super().__init__()
        self.bank = nn.Parameter(torch.randn(size.prompts, size.width) * 0.02)

    def forward(self, x: NodeSeries) -> NodeSeries:
        """Prompted tokens."""
        score = (x @ self.bank.T).sigmoid()
        return x + torch.where(score >= KEPT, score, 0.0) @ self.bank


class Hours(nn.Module):
    """Hour of the day and day of the week."""

    def __init__(self, width: int):
        super().__init__()
        self.hour, self.day = nn.Embedding(24, width), nn.Embedding(7, width)

    def forward(self, when: WeekHours) -> Float[Tensor, "b 1 lag width"]:
        """The same for all sensors."""
        return (self.hour(when % 24) + self.day(when // 24 % 7))[:, None]


class GraphLayer(nn.Module):
    """A Transformer layer over sensors; [R, N, C], bias [H, N, N] on its scores."""

    def __init__(self, size: STGPSize):
        super().__init__()
        width, self.heads = size.width, size.heads
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide = nn.Sequential(
            nn.Linear(width, size.hidden), nn.ReLU(), nn.Dropout(size.dropout),
            nn.Linear(size.hidden, width),
        )  # fmt: skip
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in "aw"])
        self.drop = nn.Dropout(size.dropout)

    def forward(
        self, x: Float[Tensor, "row node width"], bias: Float[Tensor, "head node node"]
    ) -> Float[Tensor, "row node width"]:
        """Sensors that have heard one another."""
        q, k, v = self.into(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        heard = F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None])
        x = self.norms[0](x + self.drop(self.out(heard.transpose(1, 2).flatten(2))))
        return self.norms[1](x + self.drop(self.wide(x)))


class Encoder(nn.Module):
    """Shown cells -> tokens, by time and by space, joined by a gate; the others are two tokens.

    1,110,164 parameters at the sizes of the release, 32 rows of 128 less than it has.
    """

    def __init__(self, size: STGPSize):
        super().__init__()
        width = size.width
        self.hours = Hours(width)
        self.time = Layers(width, size.heads, size.layers, size.hidden, size.dropout)
        self.senders, self.receivers = (nn.Embedding(DEGREES, width) for _ in "sr")
        self.bias = nn.Embedding(BINS, size.heads)
        self.space = nn.ModuleList([GraphLayer(size) for _ in range(size.layers)])
        self.by_time, self.by_space = (nn.Linear(width, width, bias=b) for b in (True, False))
        self.hidden = nn.Parameter(torch.randn(2, width) * 0.02)  # hours, sensors

    def forward(
        self,
        x: NodeSeries,
        when: WeekHours,
        graph: GraphInputs,
        nodes: NodeIndex,
        hours: HourIndex,
        prompts: nn.ModuleList,
    ) -> NodeSeries:
        """x [B, N, P, C] -> the same shape; `prompts`: those of time and of space."""
        shown = x[:, nodes][:, :, hours]
        early = self.along(prompts[0](shown + self.hours(when)[:, :, hours]))
        near = self.across(prompts[1](shown), graph, nodes)
        gate = (self.by_time(early) + self.by_space(near)).sigmoid()
        blank_hour, blank_node = self.blanks(x, nodes, hours)
        full = blank_hour[None, None, :, None] * self.hidden[0]
        full = (full + blank_node[None, :, None, None] * self.hidden[1]).repeat(len(x), 1, 1, 1)
        full[:, nodes[:, None], hours] = (gate * early + (1 - gate) * near).to(full.dtype)
        return full

    def blanks(
        self, x: NodeSeries, nodes: NodeIndex, hours: HourIndex
    ) -> tuple[Float[Tensor, " lag"], Float[Tensor, " node"]]:
        """1 for each hour, and each sensor, that is not shown."""
        found = []
        for count, kept in ((x.shape[2], hours), (x.shape[1], nodes)):
            blank = torch.ones(count, device=x.device)
            blank[kept] = 0
            found.append(blank)
        return found[0], found[1]

    def along(self, x: NodeSeries) -> NodeSeries:
        """Over the hours of each sensor."""
        return self.time(x.flatten(0, 1)).unflatten(0, x.shape[:2])

    def across(self, x: NodeSeries, graph: GraphInputs, nodes: NodeIndex) -> NodeSeries:
        """Over the sensors in each hour."""
        degree = self.senders(graph.senders[nodes]) + self.receivers(graph.receivers[nodes])
        rows = (x + degree[:, None]).transpose(1, 2)
        flat, bias = rows.flatten(0, 1), self.bias(graph.bins[nodes][:, nodes]).permute(2, 0, 1)
        for layer in self.space:
            flat = layer(flat, bias)
        return flat.unflatten(0, rows.shape[:2]).transpose(1, 2)


class GatedLayer(nn.Module):
    """Two steps of time and two walks over roads side by side; a gate says how much of each."""

    def __init__(self, dilation: int, size: STGPSize):
        super().__init__()
        c, self.dilation = size.channels, dilation
        self.time, self.gate = (nn.Conv2d(c, c, (1, 2), dilation=(1, dilation)) for _ in "tg")
        self.space = nn.Linear(5 * c, c)
        self.skip = nn.Linear(c, size.skip)
        self.norm = nn.LayerNorm(c)

    def forward(
        self, x: NodeSeries, walks: Sequence[Support]
    ) -> tuple[Float[Tensor, "b node later channel"], Float[Tensor, "b node later skip"]]:
        """The layer's series, and what the head hears."""
        wide, late = x.permute(0, 3, 1, 2), x[:, :, self.dilation :]
        gate = self.gate(wide).sigmoid().permute(0, 2, 3, 1)
        time = self.time(wide).permute(0, 2, 3, 1)
        space = self.space(torch.cat([late, *diffusion_terms(late, walks)], 3))
        out = self.norm(late + gate * time + (1 - gate) * space)
        return out, self.skip(out)


class Decoder(nn.Module):
    """Tokens of all cells [B, N, P, C] -> what the head hears; 89,696 parameters."""

    def __init__(self, size: STGPSize):
        super().__init__()
        self.hours = Hours(size.width)
        self.start = nn.Linear(size.width, size.channels)
        self.layers = nn.ModuleList([GatedLayer(d, size) for d in DILATIONS])

    def forward(self, x: NodeSeries, graph: GraphInputs) -> Float[Tensor, "b node lag skip"]:
        """The sum over layers."""
        count, heard = x.shape[2], 0.0
        x = F.pad(self.start(x), (0, 0, sum(DILATIONS), 0))
        for layer in self.layers:
            x, own = layer(x, graph.walks)
            heard = heard + own[:, :, -count:]
        return heard


class STGP(nn.Module):
    """x [B, N, day, 2] -> scaled speeds [B, N, Q]: the hour after the last is hidden.

    With `change` all speeds are told, and answered, as changes since the window's last one.
    """

    def __init__(self, patch: int, ahead: int, size: STGPSize, change: bool = False):
        super().__init__()
        self.patch, self.ahead, self.change = patch, ahead, change
        self.embed = nn.Linear(patch, size.width)
        self.encoder, self.decoder = Encoder(size), Decoder(size)
        self.head = nn.Sequential(
            nn.ReLU(), nn.Linear(size.skip, size.hidden), nn.ReLU(), nn.Dropout(size.dropout),
            nn.Linear(size.hidden, patch),
        )  # fmt: skip
        self.domain = nn.ModuleList([Prompts(size) for _ in "ts"])
        self.task = nn.ModuleList([Prompts(size) for _ in "sh"])  # shown cells, hidden cells

    def operators(self, weights: Square) -> GraphInputs:
        """What `forward` wants to know of a city's graph."""
        return graph_inputs(weights)

    def forward(self, x: NodeSeries, graph: GraphInputs) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds, the first of the hidden hour."""
        nodes = torch.arange(x.shape[1], device=x.device)
        hours = torch.arange(x.shape[2] // self.patch, device=x.device)
        speed, when = self.hours_of(x)
        speed = torch.cat([speed, torch.zeros_like(speed[:, :, :1])], 2)
        when = torch.cat([when, when[:, -1:] + 1], 1)
        return self.reconstruct(speed, when, graph, nodes, hours)[:, :, -1, : self.ahead]

    def hours_of(
        self, x: NodeSeries
    ) -> tuple[Float[Tensor, "b node patch step"], Int[Tensor, "b patch"]]:
        """Speeds, or changes, and the hour of the week of each patch."""
        speed = x[..., 0] - x[:, :, -1:, 0] if self.change else x[..., 0]
        when = x[:, 0, :: self.patch, 1].long()
        return speed.unflatten(2, (-1, self.patch)), when

    def reconstruct(
        self,
        speed: NodeSeries,
        when: WeekHours,
        graph: GraphInputs,
        nodes: NodeIndex,
        hours: HourIndex,
    ) -> NodeSeries:
        """All cells [B, N, P, S], guessed from those of shown sensors in shown hours."""
        tokens = self.encoder(self.embed(speed), when, graph, nodes, hours, self.domain)
        tokens = tokens + self.decoder.hours(when)
        hour, node = self.encoder.blanks(speed, nodes, hours)
        hidden = (hour[None, :] + node[:, None] > 0)[None, :, :, None]
        prompted = torch.where(hidden, self.task[1](tokens), self.task[0](tokens))
        return self.head(self.decoder(prompted, graph))
