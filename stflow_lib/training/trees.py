"""Gradient-boosted trees on tables of features, their number chosen on the validation part.

The booster is scikit-learn's HistGradientBoostingRegressor (Pedregosa et al. 2011, after
LightGBM, Ke et al. 2017). It takes NaN for what is missing and is the same with every seed.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float

Features = Float[np.ndarray, "row feature"]
Values = Float[np.ndarray, " row"]


@dataclass(frozen=True)
class Rows:
    """What a booster learns from or is judged by: x may hold NaN, y not; weights None: all 1."""

    x: Features
    y: Values
    weights: Values | None = None


@dataclass(frozen=True)
class Booster:
    """A fitted sum of trees."""

    model: Any  # HistGradientBoostingRegressor
    curve: list[float] = field(default_factory=list)  # loss on what judged, from no tree on

    def __call__(self, x: Features) -> Values:
        """Predictions of rows; float64."""
        return self.model.predict(x)

    @property
    def trees(self) -> int:
        """How many trees are added up."""
        return self.model.n_iter_

    @property
    def leaves(self) -> int:
        """Leaves of all trees: the numbers that were fitted, as `parameters` counts them."""
        return sum(tree.get_n_leaf_nodes() for (tree,) in self.model._predictors)


@dataclass(frozen=True)
class Boosting:
    """Size of a booster."""

    trees: int = 1000  # at most
    patience: int = 30  # trees without a better validation loss before stopping
    rate: float = 0.1  # share of each tree's answer that is added
    leaves: int = 31  # of a tree, at most
    smallest: int = 100  # rows in a leaf, at least
    loss: str = "squared_error"  # or "absolute_error"

    def chosen(self, learn: Rows, judge: Rows) -> Booster:
        """Trees fitted to `learn` until `judge` sees no gain, cut where its loss is least.

        The loss is the weighted mean of |error|, or of half its square.
        """
        model = self._model(early_stopping=True, n_iter_no_change=self.patience, tol=0.0)
        model.fit(
            _filled(learn.x), learn.y, learn.weights,
            X_val=judge.x, y_val=judge.y, sample_weight_val=judge.weights,
        )  # fmt: skip
        curve = [-float(score) for score in model.validation_score_]
        del model._predictors[max(int(np.argmin(curve)), 1) :]
        return Booster(model, curve)

    def fitted(self, rows: Rows, trees: int) -> Booster:
        """So many trees fitted to rows."""
        model = replace(self, trees=trees)._model(early_stopping=False)
        return Booster(model.fit(_filled(rows.x), rows.y, rows.weights))

    def _model(self, **stopping):
        # Slow to import, and nothing else here needs it.
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(
            loss=self.loss, learning_rate=self.rate, max_iter=self.trees,
            max_leaf_nodes=self.leaves, min_samples_leaf=self.smallest,
            random_state=0,  # of the rows from which the bins are read
            **stopping,
        )  # fmt: skip


def _filled(x: Features) -> Features:
    """0 in columns that hold nothing at all: scikit-learn finds no bins for them."""
    return np.where(np.isnan(x).all(0), np.zeros_like(x[:1]), x)
