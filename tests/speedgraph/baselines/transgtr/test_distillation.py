"""The student knows place and day, and its teacher does not move."""

import torch

from stflow_lib.speedgraph.baselines.transgtr.distillation import (
    Student,
    Teacher,
    distillation_loss,
)
from stflow_lib.speedgraph.networks.patch_encoder import PatchEncoderSize, patchify
from stflow_lib.speedgraph.problem.long_windows import (
    long_sources,
    visible_window,
)

SIZE = PatchEncoderSize(8, 2, 1, 8, norms=True, dropout=0.0)


def test_student_knows_place_and_day():
    net = Student(6, SIZE)
    when = torch.arange(160, 168)[None]
    want = net.places.weight[48:56] + net.days.weight[6]
    torch.testing.assert_close(net.marks(when, 48)[0], want)


def test_a_lesson_leaves_the_teacher_alone(task):
    teacher, student = Teacher(6, SIZE), Student(6, SIZE)
    city = long_sources(task, 4)[0]
    distillation_loss(
        teacher, student, patchify(visible_window(task, 3), 6), 2, 3, city, city.train
    ).backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert student.days.weight.grad.any()
