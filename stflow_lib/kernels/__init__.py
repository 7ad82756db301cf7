"""Operations shared by the wings: each with a naive twin written as in its paper."""

from stflow_lib.kernels import _jaxtyping  # noqa: F401  (before any annotation is read)
from stflow_lib.kernels.backend import BackendError, backend, prepare
from stflow_lib.kernels.ops.conserve import conserve, conserve_naive
from stflow_lib.kernels.ops.masked_error import masked_error, masked_error_naive
from stflow_lib.kernels.ops.nearest_and_farthest import (
    nearest_and_farthest,
    nearest_and_farthest_naive,
)
from stflow_lib.kernels.ops.node_prompt import node_prompt, node_prompt_naive
from stflow_lib.kernels.ops.pattern_density import (
    density_weights,
    pattern_density,
    pattern_density_naive,
)
from stflow_lib.kernels.ops.rank_contrast import rank_contrast, rank_contrast_naive
from stflow_lib.kernels.ops.skewed_direction import skewed_direction, skewed_direction_naive

__all__ = [
    "BackendError",
    "backend",
    "conserve",
    "conserve_naive",
    "density_weights",
    "masked_error",
    "masked_error_naive",
    "nearest_and_farthest",
    "nearest_and_farthest_naive",
    "node_prompt",
    "node_prompt_naive",
    "pattern_density",
    "pattern_density_naive",
    "rank_contrast",
    "rank_contrast_naive",
    "skewed_direction",
    "skewed_direction_naive",
]

prepare()
