"""UrbanSTC in one go: the pretext losses beside the error, no pre-training (Table 8)."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import network_method, squared_error
from stflow_lib.finegrained.urbanstc.method import UrbanSTC, UrbanSTCSettings, pretext_tasks


@dataclass(frozen=True)
class EndToEndSettings(UrbanSTCSettings):
    """UrbanSTC's settings; the pretexts' own schedules are not used."""

    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)  # weights of Inf, TCS and Reg losses


class EndToEnd(nn.Module):
    """UrbanSTC with the three pretext heads on its encoders; forward as UrbanSTC's."""

    def __init__(self, task: Task, settings: EndToEndSettings):
        super().__init__()
        self.network = UrbanSTC(task, settings)
        built = pretext_tasks(self.network, task, settings)
        self.heads = nn.ModuleList(pretext.network for pretext in built.values())
        self.losses = [pretext.loss for pretext in built.values()]
        self.balance = settings.balance

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """UrbanSTC's fine map; the heads take no part."""
        return self.network(coarse, external)


def joint_error(model: EndToEnd, task: Task, batch: Int[Tensor, " b"]) -> Float[Tensor, ""]:
    """End-to-end: squared error (Eq. 16) plus the weighted pretext losses of the same maps."""
    pretexts = zip(model.balance, model.losses, strict=True)
    return squared_error(model, task, batch) + sum(w * loss(batch) for w, loss in pretexts)


METHOD = network_method("end-to-end", EndToEndSettings, EndToEnd, joint_error)
