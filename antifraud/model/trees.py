"""Exact Shapley values of oblivious trees, from a small file that a bundle holds beside the model.

What a coalition of features is worth is the tree's value when only they are known: at a split of an unknown feature
both sides count, each by its share of the training rows (the path-dependent TreeSHAP of Lundberg et al. 2020). An
oblivious tree of depth d has d splits, so its 2^d coalitions of splits are enumerated: no sampling, no approximation.

Where no training row went, both sides count alike. CatBoost's own values differ in one thing: they count leaves without
training rows as 0, which they are unless there are monotone constraints (`tests/unit/model/test_trees.py`).
"""

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from antifraud.errors import ReleaseError, SchemaError

TREES_FILE: Final = "trees.json"
FORMAT: Final = 1
DEEPEST: Final = 10
"""A coalition table of a tree has ``depth * 2^depth`` cells; deeper trees need another method."""
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tree:
    """One oblivious tree.

    A row goes right at split i iff its `feature[i]`, in single precision, is above `border[i]`; a null goes right iff
    `null_right[i]`. Its leaf has bit i set iff it went right at split i; the last split is the root. `value` is the
    leaves' part of the margin, `weight` the training rows that fell into them.
    """

    feature: tuple[int, ...]
    border: tuple[float, ...]
    null_right: tuple[bool, ...]
    value: tuple[float, ...]
    weight: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """What each feature adds to a margin: ``margin = base + by_feature.sum()``.

    `base` is the margin when nothing is known, `by_feature` has shape ``(features,)``; all are log odds.
    """

    base: float
    by_feature: Doubles
    margin: float


class Trees:
    """The trees of a model, ready to be asked for contributions."""

    def __init__(self, trees: Sequence[Tree], feature_count: int, scale: float = 1.0, bias: float = 0.0) -> None:
        """A margin is ``scale * sum of the trees' values + bias``.

        Raises:
            ReleaseError: A tree is too deep, does not fit together, or asks for a feature that there is not.
        """
        for tree in trees:
            _require_whole(tree, feature_count)
        by_depth = itertools.groupby(sorted(trees, key=_depth), key=_depth)
        self._trees, self._scale, self._bias = tuple(trees), scale, bias
        self._stacks = [_Stack.of(list(group)) for _, group in by_depth]
        self.feature_count = feature_count

    def contributions(self, vector: Doubles) -> Contributions:
        """Exact Shapley values of a vector (features,); null is NaN.

        >>> stump = Tree(feature=(1,), border=(5.0,), null_right=(False,), value=(-1.0, 2.0), weight=(30.0, 10.0))
        >>> found = Trees([stump], feature_count=2).contributions(np.array([0.0, 7.0]))
        >>> found.base, found.by_feature.tolist(), found.margin
        (-0.25, [0.0, 2.25], 2.0)

        Raises:
            SchemaError: `vector` has another shape.
        """
        if vector.shape != (self.feature_count,):
            raise SchemaError(f"the vector has shape {vector.shape}, the trees expect ({self.feature_count},)")
        base = margin = self._bias
        by_feature = np.zeros(self.feature_count)
        for stack in self._stacks:
            worth = stack.worth(vector.astype(np.float32))
            base += self._scale * float(worth[:, 0].sum())
            margin += self._scale * float(worth[:, -1].sum())
            by_feature += self._scale * stack.shapley(worth, self.feature_count)
        return Contributions(base, by_feature, margin)

    def to_json(self) -> str:
        """Text of `trees.json`; numbers keep every bit."""
        trees = [[tree.feature, tree.border, tree.null_right, tree.value, tree.weight] for tree in self._trees]
        head = {"format": FORMAT, "features": self.feature_count, "scale": self._scale, "bias": self._bias}
        return json.dumps({**head, "trees": trees}, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read `trees.json`.

        Raises:
            ReleaseError: The text does not describe trees.
        """
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise ReleaseError(f"{TREES_FILE} has format {content['format']}, this code reads {FORMAT}: upgrade it")
            trees = [Tree(*(tuple(column) for column in tree)) for tree in content["trees"]]
            return cls(trees, int(content["features"]), float(content["scale"]), float(content["bias"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ReleaseError(f"{TREES_FILE} does not describe trees ({error}): promote the release again") from error


def _depth(tree: Tree) -> int:
    return len(tree.feature)


def _require_whole(tree: Tree, feature_count: int) -> None:
    depth = _depth(tree)
    if depth > DEEPEST:
        raise ReleaseError(f"a tree is {depth} deep, exact explanations reach {DEEPEST}: train shallower trees")
    fits = len(tree.border) == len(tree.null_right) == depth and len(tree.value) == len(tree.weight) == 1 << depth
    numbers = all(map(math.isfinite, (*tree.border, *tree.value, *tree.weight))) and min(tree.weight) >= 0
    if not (fits and numbers and all(0 <= feature < feature_count for feature in tree.feature)):
        raise ReleaseError(f"a tree of {TREES_FILE} does not fit together: promote the release again")


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    """t trees of one depth d as arrays: splits (t, d), leaves (t, 2^d).

    `shares[i]` (t, nodes, 2) is the part of a node's training rows that goes left and right at split i; `games`
    (t, d, 2^d) turns what coalitions are worth into what features add, repeated features into one.
    """

    feature: npt.NDArray[np.intp]
    border: npt.NDArray[np.float32]
    null_right: npt.NDArray[np.bool_]
    value: Doubles
    shares: tuple[Doubles, ...]
    games: Doubles

    @classmethod
    def of(cls, trees: Sequence[Tree]) -> Self:
        depth = _depth(trees[0])
        return cls(
            feature=np.array([tree.feature for tree in trees], np.intp),
            border=np.array([tree.border for tree in trees], np.float32),
            null_right=np.array([tree.null_right for tree in trees], np.bool_),
            value=np.array([tree.value for tree in trees], np.float64),
            shares=_shares(np.array([tree.weight for tree in trees], np.float64), depth),
            games=np.stack([_game(tuple(map(tree.feature.index, tree.feature))) for tree in trees]),
        )

    def worth(self, vector: npt.NDArray[np.float32]) -> Doubles:
        """Value of every coalition of splits (t, 2^d): bit i says whether the side taken at split i is known."""
        found = vector[self.feature]
        right = np.where(np.isnan(found), self.null_right, found > self.border).astype(np.intp)
        worth, tree = self.value[:, :, None], np.arange(len(self.value))
        for split, share in enumerate(self.shares):
            sides = worth.reshape(len(tree), -1, 2, worth.shape[2])
            unknown, known = (sides * share[..., None]).sum(axis=2), sides[tree, :, right[:, split]]
            worth = np.concatenate([unknown, known], axis=2)
        return worth[:, 0]

    def shapley(self, worth: Doubles, feature_count: int) -> Doubles:
        """Shapley values (features,), summed over the trees."""
        added = np.matmul(self.games, worth[:, :, None])
        total: Doubles = np.bincount(self.feature.ravel(), added.ravel(), feature_count).astype(np.float64)
        return total


def _shares(weight: Doubles, depth: int) -> tuple[Doubles, ...]:
    shares = []
    for _ in range(depth):
        sides = weight.reshape(len(weight), -1, 2)
        weight = sides.sum(axis=2)
        shares.append(np.divide(sides, weight[..., None], out=np.full(sides.shape, 0.5), where=weight[..., None] > 0))
    return tuple(shares)


@cache
def _game(same: tuple[int, ...]) -> Doubles:
    """Matrix (d, 2^d) from the worth of coalitions of splits to Shapley values, in the first split of each feature.

    ``same[i]`` is the first split that asks for the same feature as split i: splits of one feature are known together.

    Source: Shapley (1953).

    >>> _game((0, 0)).tolist()
    [[-1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    """
    splits = {player: sum(1 << i for i, first in enumerate(same) if first == player) for player in set(same)}
    game = np.zeros((len(same), 1 << len(same)))
    for player, own in splits.items():
        others = [mask for other, mask in splits.items() if other != player]
        for size in range(len(others) + 1):
            chance = 1 / (len(splits) * math.comb(len(others), size))
            for coalition in itertools.combinations(others, size):
                game[player, sum(coalition) | own] += chance
                game[player, sum(coalition)] -= chance
    return game
