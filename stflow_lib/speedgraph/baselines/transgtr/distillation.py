"""TransGTR's features of sensors: a teacher that reads a week teaches a student that reads days.

Jin et al., "Transferable Graph Structure Learning for Graph-based Traffic Forecasting Across
Cities" (KDD 2023): both fill in hidden hours; the student also gives the teacher's tokens.
"""

from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.speedgraph.networks.patch_encoder import (
    Marks,
    PatchEncoder,
    PatchEncoderSize,
    Patches,
    patchify,
)
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.long_windows import long_sources, visible_window
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.masked_pretraining import pretrained, sample_windows
from stflow_lib.training.loop import History, Training

DAY = 24  # patches


class Teacher(PatchEncoder):
    """Hours told apart by their place in the window; 667,404 parameters in the release."""

    def marks(self, when: Int[Tensor, "row patch"], first: int = 0) -> Marks:
        """Places from `first` on, the same for all rows."""
        return self.places(torch.arange(first, first + when.shape[1], device=when.device))[None]


class Student(Teacher):
    """Hours told apart by place and day of the week; 7 rows more."""

    def __init__(self, patch: int, size: PatchEncoderSize):
        super().__init__(patch, size)
        self.days = nn.Embedding(7, size.width)
        nn.init.uniform_(self.days.weight, -0.02, 0.02)

    def marks(self, when: Int[Tensor, "row patch"], first: int = 0) -> Marks:
        """Place and day."""
        return super().marks(when, first) + self.days(when // DAY % 7)


def distil(
    task: Task,
    size: PatchEncoderSize,
    days: tuple[int, int],
    plans: tuple[Training, Training],
    sensors: int,
    seed: int,
    folder: Path | None,
) -> tuple[Student, dict[str, History]]:
    """Teacher on the sources, then student on sources and target, both for good.

    `days` of a window and `plans` are those of teacher and student; DataError where a source is
    shorter than the teacher's window.
    """
    patch = 60 // task.minutes
    teacher, student = (
        Teacher(patch, size).to(task.device),
        Student(patch, size).to(task.device),
    )
    week = long_sources(task, days[0])
    error = partial(hidden_error, teacher, plans[0].batch, sensors)
    stages = {"teacher": pretrained(teacher, error, week, plans[0], seed, folder, "teacher")}
    seen = patchify(visible_window(task, days[1]), patch)
    error = partial(distillation_loss, teacher, student, seen, plans[1].batch, sensors)
    stages["student"] = pretrained(student, error, week, plans[1], seed, folder, "student")
    return student.requires_grad_(False).eval(), stages


def hidden_error(
    network: Teacher, windows: int, sensors: int, city: CitySpeed, steps: Int[Tensor, " s"]
) -> Float[Tensor, ""]:
    """Mean absolute error of hidden hours."""
    x, _ = sample_windows(city, steps, windows, sensors)
    return _filled_error(network, *patchify(x, network.embed.in_features))


def _filled_error(network: Teacher, hours: Patches, when: Tensor) -> Float[Tensor, ""]:
    guess, hidden = network.reconstruct(hours, network.marks(when))
    return (guess - hours[:, hidden]).abs().mean()


def distillation_loss(
    teacher: Teacher,
    student: Student,
    seen: tuple[Patches, Int[Tensor, "row patch"]],
    windows: int,
    sensors: int,
    city: CitySpeed,
    steps: Int[Tensor, " s"],
) -> Float[Tensor, ""]:
    """The teacher's tokens on a source and on the target, and the target's hidden hours.

    On a source the teacher reads its whole window and the student a part of it; on the target
    both read what there is. Both know the same places.
    """
    x, _ = sample_windows(city, steps, windows, sensors)
    hours, when = patchify(x, student.embed.in_features)
    count = min(seen[0].shape[1], hours.shape[1])
    first = int(torch.randint(hours.shape[1] - count + 1, ()))
    part = slice(first, first + count)
    some = torch.randperm(len(seen[0]))[: len(hours)].to(x.device)
    own, days = (rows[some] for rows in seen)
    with torch.no_grad():
        teacher.eval()
        wanted = teacher(hours, teacher.marks(when))[:, part]
        wanted_own = teacher(own, teacher.marks(days))
    given = student(hours[:, part], student.marks(when[:, part], first))
    alike = F.mse_loss(given, wanted) + F.mse_loss(
        student(own, student.marks(days)), wanted_own
    )
    return alike + _filled_error(student, own, days)
