"""ST-net on the target alone, and pre-trained on the source, then fine-tuned."""

from stflow_lib.gridflow.training.transfer import finetuned, target_only

TARGET_ONLY = target_only("ST-net")
FINETUNED = finetuned("Finetuned")
