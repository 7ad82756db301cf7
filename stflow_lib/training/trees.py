"""Gradient-boosted trees on tables of features, their number chosen on the validation part.

The booster is scikit-learn's HistGradientBoostingRegressor (Pedregosa et al. 2011, after
LightGBM, Ke et al. 2017). It takes NaN for what is missing and is the same with every seed.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float

NODE = {"value": np.float64, "feature_idx": np.int64, "num_threshold": np.float64,
        "missing_go_to_left": np.uint8, "left": np.int64, "right": np.int64,
        "is_leaf": np.uint8}  # fmt: skip
NO_BITS = np.zeros((0, 8), np.uint32)  # of categories
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

    @classmethod
    def stored(cls, arrays: dict[str, Any]) -> "Booster":
        """The booster of `arrays()`, also of tensors; ValueError for arrays that are no trees."""
        return cls(SumOfTrees.of({k: _numbers(v) for k, v in arrays.items()}))

    def arrays(self) -> dict[str, Any]:
        """All trees: the number they are added to, how many features they read, and their nodes.

        Nodes of all trees stand one below the other, `sizes` says how many each tree has.
        """
        model, trees = self.model, [tree.nodes for (tree,) in self.model._predictors]
        nodes = np.concatenate(trees)
        columns = {name: nodes[name].astype(kind) for name, kind in NODE.items()}
        base = float(np.asarray(model._baseline_prediction).item())
        return {"base": base, "width": model.n_features_in_,
                "sizes": np.array([len(tree) for tree in trees]), **columns}  # fmt: skip

    @property
    def trees(self) -> int:
        """How many trees are added up."""
        return self.model.n_iter_

    @property
    def leaves(self) -> int:
        """Leaves of all trees: the numbers that were fitted, as `parameters` counts them."""
        return sum(tree.get_n_leaf_nodes() for (tree,) in self.model._predictors)


@dataclass(frozen=True)
class SumOfTrees:
    """Trees made of arrays; it predicts what the model does that they come from, to the bit."""

    _baseline_prediction: float
    n_features_in_: int
    _predictors: list

    @classmethod
    def of(cls, arrays: dict[str, Any]) -> "SumOfTrees":
        """Of `Booster.arrays`; ValueError where a node's children or feature do not exist."""
        # Slow to import, and nothing else here needs it.
        from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
        from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

        nodes = np.zeros(len(arrays["value"]), PREDICTOR_RECORD_DTYPE)
        for name in NODE:
            nodes[name] = arrays[name]
        if arrays["sizes"].sum() != len(nodes):
            raise ValueError(f"{len(nodes)} nodes, trees of {arrays['sizes'].tolist()}")
        trees = np.split(nodes, np.cumsum(arrays["sizes"])[:-1])
        for tree in trees:
            _check_tree(tree, arrays["width"])
        found = [(TreePredictor(np.ascontiguousarray(t), NO_BITS, NO_BITS),) for t in trees]
        return cls(arrays["base"], arrays["width"], found)

    @property
    def n_iter_(self) -> int:
        """How many trees there are."""
        return len(self._predictors)

    def predict(self, x: Features) -> Values:
        """Predictions of rows; ValueError for rows of another width."""
        from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

        if x.shape[1] != self.n_features_in_:
            raise ValueError(f"rows of {x.shape[1]} features, trees read {self.n_features_in_}")
        x = np.ascontiguousarray(x, np.float64)
        total = np.full(len(x), self._baseline_prediction)
        plain = np.zeros(x.shape[1], np.uint32)  # no feature is a category
        for (tree,) in self._predictors:
            total += tree.predict(x, NO_BITS, plain, _openmp_effective_n_threads())
        return total


def _check_tree(nodes: np.ndarray, width: int) -> None:
    """ValueError unless every walk from the first node ends in a leaf."""
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    below = np.stack([nodes[side][inner] for side in ("left", "right")])
    feature = nodes["feature_idx"][inner]
    sound = (below > inner).all() and (below < len(nodes)).all()
    if not (len(nodes) and sound and (feature >= 0).all() and (feature < width).all()):
        raise ValueError("nodes that are no tree")


def _numbers(value: Any) -> Any:
    return value.numpy(force=True) if hasattr(value, "numpy") else value


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


def quantile_trees(size: Boosting, level: float, learn: Rows, judge: Rows) -> Booster:
    """Trees asked for a quantile of y, until `judge` sees no gain in the quantile loss."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # slow to import

    model = HistGradientBoostingRegressor(
        loss="quantile", quantile=level, learning_rate=size.rate, max_iter=size.trees,
        max_leaf_nodes=size.leaves, min_samples_leaf=size.smallest, early_stopping=True,
        n_iter_no_change=size.patience, tol=0.0, random_state=0,
    )  # fmt: skip
    return Booster(model.fit(_filled(learn.x), learn.y, learn.weights, X_val=judge.x,
                             y_val=judge.y, sample_weight_val=judge.weights))  # fmt: skip


def _filled(x: Features) -> Features:
    """0 in columns that hold nothing at all: scikit-learn finds no bins for them."""
    return np.where(np.isnan(x).all(0), np.zeros_like(x[:1]), x)
