"""UrbanSTC's three pretext tasks: what an encoder can learn from coarse maps alone."""

from stflow_lib.finegrained.pretexts.coarser_maps import (
    InferenceNet,
    SuperResolution,
    super_resolution,
)
from stflow_lib.finegrained.pretexts.encoder import Encoder, Pretext
from stflow_lib.finegrained.pretexts.regional_contrast import (
    Regional,
    RegionalHead,
    positives,
    regional,
    regional_loss,
)
from stflow_lib.finegrained.pretexts.temporal_contrast import (
    Temporal,
    TemporalHead,
    temporal,
    triplet_loss,
    triplets,
)

__all__ = [
    "Encoder",
    "InferenceNet",
    "Pretext",
    "Regional",
    "RegionalHead",
    "SuperResolution",
    "Temporal",
    "TemporalHead",
    "positives",
    "regional",
    "regional_loss",
    "super_resolution",
    "temporal",
    "triplet_loss",
    "triplets",
]
