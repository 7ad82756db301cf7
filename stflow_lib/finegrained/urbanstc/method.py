"""UrbanSTC: three pre-trained encoders, one decoder, the split (Qu et al., TKDE 2022)."""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import ExternalFactors, Upsample, init_normal
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training import losses
from stflow_lib.finegrained.training.supervised import (
    NetworkSettings,
    Objective,
    fit_network,
    restored,
)
from stflow_lib.finegrained.urbanstc.pretext import Encoder, Pretext
from stflow_lib.finegrained.urbanstc.regional_contrast import RegionalSettings, regional_pretext
from stflow_lib.finegrained.urbanstc.super_resolution import (
    SuperResolutionSettings,
    super_resolution_pretext,
)
from stflow_lib.finegrained.urbanstc.temporal_contrast import TemporalSettings, temporal_pretext
from stflow_lib.training.loop import History, Training
from stflow_lib.training.method import Method, Predictor

KERNEL_SIZES = {"inf": 3, "tcs": 3, "reg": 1}  # the encoders in the order of the released code


@dataclass(frozen=True)
class UrbanSTCSettings(NetworkSettings):
    """UrbanSTC as its released code runs it; `AS_PRINTED` below holds the paper's text instead.

    `channels` is C of the encoders and of the decoder.
    """

    encoders: tuple[str, ...] = ("inf", "tcs", "reg")  # which pretexts take part
    pretrain: bool = True  # False: the same network from random weights (control)
    external: bool = False  # add weather and calendar to the encoder's input (+E)
    single_step: bool = False  # upsample in one conv C -> C M^2, as the paper's text says
    freeze_epochs: int = 5  # epochs of fine-tuning in which the encoders stay frozen
    loss: str = "squared"  # of fine-tuning: "squared" (paper) or "log" (L1 + log1p)
    regional: RegionalSettings = field(default_factory=RegionalSettings)
    inference: SuperResolutionSettings = field(default_factory=SuperResolutionSettings)
    temporal: TemporalSettings = field(default_factory=TemporalSettings)


_TEXT_PLAN = Training(epochs=200, learning_rate=1e-3, halve_every=50)
AS_PRINTED = UrbanSTCSettings(  # where the paper's text differs from its code
    single_step=True,
    freeze_epochs=0,
    regional=RegionalSettings(criterion="flow", loss="ratio", training=_TEXT_PLAN),
    inference=SuperResolutionSettings(training=_TEXT_PLAN),
    temporal=TemporalSettings(normalise=False, training=_TEXT_PLAN),
)


class UrbanSTC(nn.Module):
    """coarse [B, 1, H, W], external [B, E] -> fine [B, 1, HM, WM], vehicles (section 4.4).

    External factors are added to what the encoders see, never to what is split.
    """

    def __init__(self, task: Task, settings: UrbanSTCSettings):
        super().__init__()
        unknown = set(settings.encoders) - set(KERNEL_SIZES)
        if unknown or not settings.encoders:
            raise ValueError(
                f"UrbanSTC: encoders {settings.encoders}: want some of {[*KERNEL_SIZES]}"
            )
        width, names = settings.channels, [n for n in KERNEL_SIZES if n in settings.encoders]
        rows, cols = task.coarse.shape[2:]
        self.encoders = nn.ModuleDict(
            {name: Encoder(width, KERNEL_SIZES[name]) for name in names}
        )
        self.external = (
            ExternalFactors(task.external_names, rows, cols) if settings.external else None
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(len(names) * width, width, 3, padding=1),
            nn.ReLU(True),
            nn.Dropout(0.5),
            Upsample(width, task.factor, single=settings.single_step),
            nn.Conv2d(width, 1, 3, padding=1),
        )
        self.split = settings.split(task.factor)
        init_normal(self.decoder)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """Three encoders (Eqs. 11, 12 and 13), concatenated (Eq. 14), decoded, split (Eq. 15)."""
        seen = coarse if self.external is None else coarse + self.external(external)
        features = torch.cat([encoder(seen) for encoder in self.encoders.values()], 1)
        return self.split(self.decoder(features), coarse)


def pretext_tasks(
    network: UrbanSTC, task: Task, settings: UrbanSTCSettings
) -> dict[str, Pretext]:
    """Each encoder in its own pretext, coarse maps only; Inf is M2-normalised by any constraint."""
    channels, split = settings.channels, replace(settings, constraint="m2").split(task.factor)
    build = {
        "inf": lambda e: super_resolution_pretext(settings.inference, e, channels, task, split),
        "tcs": lambda e: temporal_pretext(settings.temporal, e, channels, task),
        "reg": lambda e: regional_pretext(settings.regional, e, channels, task),
    }
    return {name: build[name](encoder) for name, encoder in network.encoders.items()}


def fit(task: Task, settings: UrbanSTCSettings, seed: int, folder: Path | None) -> Predictor:
    """UrbanSTC by the loss of its settings."""
    torch.manual_seed(seed)
    objective = losses.named(settings.loss)
    return fit_pretrained(UrbanSTC(task, settings), objective, task, settings, seed, folder)


def pretrain(
    network: UrbanSTC, task: Task, settings: UrbanSTCSettings, seed: int, folder: Path | None
) -> dict[str, History]:
    """Train each encoder on its own pretext, in place."""
    tasks = pretext_tasks(network, task, settings)
    return {name: pretext.pretrain(task, seed, folder) for name, pretext in tasks.items()}


def fit_pretrained(
    network: UrbanSTC,
    objective: Objective,
    task: Task,
    settings: UrbanSTCSettings,
    seed: int,
    folder: Path | None,
) -> Predictor:
    """Pre-training of the encoders, then fine-tuning of all, encoders frozen at first.

    The paper's objective is Eq. 16.
    """
    histories = pretrain(network, task, settings, seed, folder) if settings.pretrain else {}
    encoders = {id(p) for p in network.encoders.parameters()}
    frozen = settings.freeze_epochs if settings.pretrain else 0

    def trainable(epoch: int) -> list[nn.Parameter]:
        return [p for p in network.parameters() if epoch >= frozen or id(p) not in encoders]

    done = fit_network(
        network, task, settings.training, seed, folder, objective, trainable=trainable
    )
    for name, history in histories.items():
        done.curves |= {f"{name}_{curve}": values for curve, values in history.curves.items()}
        done.notes[f"{name}_seconds"] = round(history.seconds, 2)
        done.stages[name] = history.end
    return done


AGAIN = partial(restored, UrbanSTC)
METHOD = Method("UrbanSTC", UrbanSTCSettings, fit, AGAIN)
LOG_LOSS = Method("UrbanSTC+log", partial(UrbanSTCSettings, loss="log"), fit, AGAIN)
