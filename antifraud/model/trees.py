r"""Exact Shapley values of oblivious trees, from a small file that a bundle holds beside the model.

A coalition of features is worth the value that the tree gives when only these features are known. At a split of an
unknown feature both sides count, each by its share of the training rows. This is the path-dependent TreeSHAP of
Lundberg et al. (2020), From local explanations to global understanding with explainable AI for trees, Methods,
algorithm 1. An oblivious tree of depth d asks one question at all nodes of a level. So its 2^d coalitions of splits
are enumerated: no sampling, no approximation.

A tree of two splits that 40 training rows went through. The last split is the root:

```
                       amount > 100                   split 1
                   no /            \ yes
             hour > 20              hour > 20         split 0
            no /   \ yes           no /   \ yes
leaf          0     1                2     3
value       -2.0  -1.0              1.0   4.0
rows         20    10                6     4
```

A vector with amount 150 and hour 12 goes right at split 1 and left at split 0, into leaf 2 (binary 10). Its coalitions:

```
known           worth
nothing         (20 * -2.0 + 10 * -1.0 + 6 * 1.0 + 4 * 4.0) / 40 = -0.7
hour            (30 * -2.0 + 10 * 1.0) / 40                      = -1.25
amount          (6 * 1.0 + 4 * 4.0) / 10                         =  2.2
amount, hour    leaf 2                                           =  1.0
```

The amount adds 2.9 when it becomes known first and 2.25 when it becomes known second: 2.575 on average. The hour adds
-0.55 or -1.2: -0.875 on average. Together with the base of -0.7 they are the tree's value:

>>> splits = {"feature": (1, 0), "border": (20.0, 100.0), "null_right": (False, False)}
>>> tree = Tree(**splits, value=(-2.0, -1.0, 1.0, 4.0), weight=(20.0, 10.0, 6.0, 4.0))
>>> found = Trees([tree], feature_count=2).contributions(np.array([150.0, 12.0]))
>>> round(found.base, 3), found.by_feature.round(3).tolist(), found.margin
(-0.7, [2.575, -0.875], 1.0)

Where no training row went, both sides count alike. CatBoost's own values count leaves without training rows as 0. Such
leaves are 0 anyway unless the model has monotone constraints (`tests/unit/model/test_trees.py`).
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
    """One oblivious tree of depth d.

    The leaf of a row has bit i set iff the row went right at split i. The last split is the root.

    Attributes:
        feature: Position in the vector of the feature that split i asks for, shape ``(d,)``.
        border: A row goes right at split i iff its feature, in single precision, is above `border[i]`.
        null_right: Whether a null goes right at split i.
        value: Part of the margin (log odds) that each leaf adds, shape ``(2^d,)``.
        weight: Training rows in each leaf, shape ``(2^d,)``.
    """

    feature: tuple[int, ...]
    border: tuple[float, ...]
    null_right: tuple[bool, ...]
    value: tuple[float, ...]
    weight: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """Parts of a margin in log odds: ``margin = base + by_feature.sum()``.

    Attributes:
        base: The margin when nothing is known.
        by_feature: Shapley value of each feature, shape ``(features,)``.
        margin: The margin of the vector.
    """

    base: float
    by_feature: Doubles
    margin: float


class Trees:
    """The trees of a model, ready to be asked for contributions."""

    def __init__(self, trees: Sequence[Tree], feature_count: int, scale: float = 1.0, bias: float = 0.0) -> None:
        """Take the trees of a model that has `feature_count` features.

        A margin is ``scale * sum of the trees' values + bias``.

        Raises:
            ReleaseError: A tree is too deep, does not fit together, or asks for a feature beyond `feature_count`.
        """
        for tree in trees:
            _require_whole(tree, feature_count)
        by_depth = itertools.groupby(sorted(trees, key=_depth), key=_depth)
        self._trees, self._scale, self._bias = tuple(trees), scale, bias
        self._stacks = [_Stack.of(list(group)) for _, group in by_depth]
        self.feature_count = feature_count

    def contributions(self, vector: Doubles) -> Contributions:
        """Return the exact Shapley values of a vector, shape ``(features,)``; null is NaN.

        Raises:
            SchemaError: `vector` has another shape.

        >>> stump = Tree(feature=(1,), border=(5.0,), null_right=(False,), value=(-1.0, 2.0), weight=(30.0, 10.0))
        >>> found = Trees([stump], feature_count=2).contributions(np.array([0.0, 7.0]))
        >>> found.base, found.by_feature.tolist(), found.margin
        (-0.25, [0.0, 2.25], 2.0)
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
        """Return the text of `trees.json`; numbers keep every bit."""
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
    """Several trees of one depth d as arrays, so that NumPy takes a step for all t of them at once.

    Attributes:
        feature: Feature that each split asks for, ``(t, d)``; `border` and `null_right` likewise.
        value: Values of the leaves, ``(t, 2^d)``.
        shares: For each split the part of a node's training rows that goes left and right, ``(t, nodes, 2)``.
        games: Matrices that turn the worth of coalitions into Shapley values, ``(t, d, 2^d)`` (`_game`).
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
        """Return the worth of every coalition of splits, ``(t, 2^d)``; bit i says whether split i is known.

        >>> splits = {"feature": (1, 0), "border": (20.0, 100.0), "null_right": (False, False)}
        >>> tree = Tree(**splits, value=(-2.0, -1.0, 1.0, 4.0), weight=(20.0, 10.0, 6.0, 4.0))
        >>> _Stack.of([tree]).worth(np.array([150.0, 12.0], np.float32)).round(3).tolist()
        [[-0.7, -1.25, 2.2, 1.0]]
        """
        found = vector[self.feature]
        right = np.where(np.isnan(found), self.null_right, found > self.border).astype(np.intp)
        # worth is (t, nodes, coalitions). From the leaves to the root, each split joins neighbouring nodes and doubles
        # the coalitions: first without the split, then with it. So bit i of a coalition is split i.
        worth, tree = self.value[:, :, None], np.arange(len(self.value))
        for split, share in enumerate(self.shares):
            sides = worth.reshape(len(tree), -1, 2, worth.shape[2])
            unknown, known = (sides * share[..., None]).sum(axis=2), sides[tree, :, right[:, split]]
            worth = np.concatenate([unknown, known], axis=2)
        return worth[:, 0]

    def shapley(self, worth: Doubles, feature_count: int) -> Doubles:
        """Return Shapley values ``(features,)`` from the worth of coalitions, summed over the trees."""
        added = np.matmul(self.games, worth[:, :, None])
        total: Doubles = np.bincount(self.feature.ravel(), added.ravel(), feature_count).astype(np.float64)
        return total


def _shares(weight: Doubles, depth: int) -> tuple[Doubles, ...]:
    """Return the share of training rows on both sides of each node, split by split; half each where no row went.

    >>> [share.tolist() for share in _shares(np.array([[20.0, 10.0, 0.0, 0.0]]), 2)]
    [[[[0.6666666666666666, 0.3333333333333333], [0.5, 0.5]]], [[[1.0, 0.0]]]]
    """
    shares = []
    for _ in range(depth):
        sides = weight.reshape(len(weight), -1, 2)
        weight = sides.sum(axis=2)
        shares.append(np.divide(sides, weight[..., None], out=np.full(sides.shape, 0.5), where=weight[..., None] > 0))
    return tuple(shares)


@cache
def _game(same: tuple[int, ...]) -> Doubles:
    """Return the matrix ``(d, 2^d)`` that turns the worth of coalitions of splits into Shapley values.

    ``same[i]`` is the first split that asks for the same feature as split i. Splits of one feature become known
    together, so they are one player, whose value stands in the row of its first split.

    Source: Shapley (1953), A value for n-person games, Contributions to the Theory of Games II, 307-317.

    >>> _game((0, 1)).tolist()
    [[-0.5, 0.5, -0.5, 0.5], [-0.5, -0.5, 0.5, 0.5]]
    >>> _game((0, 0)).tolist()
    [[-1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    """
    splits = {player: sum(1 << i for i, first in enumerate(same) if first == player) for player in set(same)}
    game = np.zeros((len(same), 1 << len(same)))
    for player, own in splits.items():
        others = [mask for other, mask in splits.items() if other != player]
        for size in range(len(others) + 1):
            # Share of the players' orders in which exactly one given coalition of this size comes before the player.
            chance = 1 / (len(splits) * math.comb(len(others), size))
            for coalition in itertools.combinations(others, size):
                game[player, sum(coalition) | own] += chance
                game[player, sum(coalition)] -= chance
    return game
