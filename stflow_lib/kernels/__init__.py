"""Operations shared by the wings: each with a naive twin written as in its paper."""

from stflow_lib.kernels.conserve import conserve, conserve_naive
from stflow_lib.kernels.neighbours import nearest_and_farthest, nearest_and_farthest_naive

__all__ = [
    "conserve",
    "conserve_naive",
    "nearest_and_farthest",
    "nearest_and_farthest_naive",
]
