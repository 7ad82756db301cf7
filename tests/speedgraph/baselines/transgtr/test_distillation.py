"""The student knows place and day, and its teacher does not move."""

import torch

from stflow_lib.speedgraph.baselines.transgtr.distillation import (
    Student,
    Teacher,
    distillation_loss,
)
from stflow_lib.speedgraph.baselines.transgtr.method import (
    TransGTRSettings,
)
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks.patch_encoder import PatchEncoderSize, patchify
from stflow_lib.speedgraph.problem.long_windows import (
    long_sources,
    visible_window,
)
from stflow_lib.training.loop import Training

SHORT = Training(epochs=2, epoch_steps=2, batch=2, halve_every=0)


SMALL = TransGTRSettings(
    encoder=PatchEncoderSize(8, 2, 1, 8, norms=True, dropout=0.0), teacher_days=3, sensors=3,
    teacher=SHORT, student=SHORT, slices=2, pair=4, told=5,
    wave=gwn.GWNSize(4, 6, 5, 0.0, "none"), matched=3, source=SHORT, target=SHORT,
)  # fmt: skip


def test_student_knows_place_and_day():
    net = Student(6, SMALL.encoder)
    when = torch.arange(160, 168)[None]
    want = net.places.weight[48:56] + net.days.weight[6]
    torch.testing.assert_close(net.marks(when, 48)[0], want)


def test_a_lesson_leaves_the_teacher_alone(task):
    teacher, student = Teacher(6, SMALL.encoder), Student(6, SMALL.encoder)
    city = long_sources(task, 4)[0]
    distillation_loss(
        teacher, student, patchify(visible_window(task, 3), 6), 2, 3, city, city.train
    ).backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert student.days.weight.grad.any()
