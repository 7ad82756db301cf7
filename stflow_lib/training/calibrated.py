"""A fitted predictor with what held-out data calibrated: what the verbs of all wings share.

The card, plain values and tensors, lies among the notes of the predictor, so that `saved` keeps
both in one file without code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from stflow_lib.data.errors import DataError
from stflow_lib.training import saved
from stflow_lib.training.method import Predictor

Model = TypeVar("Model", bound="Calibrated")


@dataclass(frozen=True)
class Calibrated:
    """A predictor and its card; a wing's class says what it makes of them."""

    NOTE: ClassVar[str] = "forecast"  # where the card lies
    WHAT: ClassVar[str] = "a forecaster"

    predictor: Predictor

    @property
    def card(self) -> dict[str, Any]:
        """What the intervals and the answers need besides the predictor."""
        return self.predictor.notes[self.NOTE]

    @classmethod
    def of(cls: type[Model], predictor: Predictor, card: Mapping[str, Any]) -> Model:
        """The predictor, told its card."""
        return cls(replace(predictor, notes={**predictor.notes, cls.NOTE: dict(card)}))

    @classmethod
    def load(cls: type[Model], path: Path | str) -> Model:
        """The model of a file: the same bits; DataError for a file that holds something else."""
        predictor = saved.load(path)
        if cls.NOTE not in predictor.notes:
            raise DataError(f"{path}: a predictor without intervals, not {cls.WHAT}")
        return cls(predictor)


def save(model: Calibrated, path: Path | str) -> None:
    """Write a model as one file of tensors and plain values, without code."""
    saved.save(model.predictor, path)


def demand_form(own: Mapping[str, Any], form: Mapping[str, Any], name: str) -> None:
    """DataError, naming the city, where a part of its `own` form is not that of the model."""
    for part, value in own.items():
        if value != form[part]:
            raise DataError(f"{name}: {part} {value}, the model was made for {form['city']} with "
                            f"{form[part]}")  # fmt: skip
