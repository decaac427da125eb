"""The classical baseline: its arrays against scikit-learn, its features against what can be said by hand."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from xraybench.models._net import resize as resize_by_torch
from xraybench.models.classical import Forest, edges_of, features_of, resize
from xraybench.train.baseline import forest_of


def test_the_forest_says_what_scikit_learn_says() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 12)).astype(np.float32)
    labels = np.stack([features[:, 0] > 0, features[:, 1] * features[:, 2] > 0], axis=1).astype(np.float32)
    arrays = forest_of(features, labels, n_trees=20, seed=3, n_jobs=1)
    from xraybench.core.chance import seed_of

    judge = ExtraTreesRegressor(
        n_estimators=20, min_samples_leaf=2, max_features=0.2, random_state=seed_of(3, "forest") % 2**32
    ).fit(features, labels)
    asked = rng.normal(size=(50, 12)).astype(np.float32)
    np.testing.assert_allclose(Forest(**arrays).shares(asked), judge.predict(asked), atol=1e-6)


def test_a_tree_of_one_split_can_be_followed_by_hand() -> None:
    stump = Forest(
        roots=np.array([0]),
        left=np.array([1, 1, 2]),
        right=np.array([2, 1, 2]),
        feature=np.array([0, 0, 0]),
        threshold=np.array([5.0, 0.0, 0.0]),
        value=np.array([[0.5], [0.1], [0.9]], dtype=np.float32),
    )
    shares = stump.shares(np.array([[5.0], [5.1]], dtype=np.float32))
    np.testing.assert_allclose(shares, [[0.1], [0.9]])


def test_it_resizes_as_the_networks_do() -> None:
    import torch

    planes = np.random.default_rng(0).random((2, 2, 131, 70), dtype=np.float32)
    np.testing.assert_allclose(resize(planes, 96), resize_by_torch(torch.from_numpy(planes), 96).numpy(), atol=1e-5)


@pytest.mark.parametrize("turn", [lambda p: p[:, ::-1], lambda p: p[:, :, ::-1], lambda p: p.transpose(0, 2, 1)])
def test_a_turned_item_measures_nearly_the_same(turn: object) -> None:
    rng = np.random.default_rng(1)
    density = np.zeros((1, 96, 96), np.float32)
    density[0, 30:40, 20:70] = 0.8
    density += rng.uniform(0, 0.02, density.shape).astype(np.float32)
    material = (1.2 + 0.4 * (density > 0.5)).astype(np.float32)
    edges = edges_of(density, material)
    straight = features_of(density, material, *edges)
    turned = features_of(turn(density), turn(material), *edges)  # type: ignore[operator]
    np.testing.assert_allclose(turned, straight, atol=0.03)


def test_air_alone_measures_finite() -> None:
    air = np.zeros((2, 96, 96), np.float32)
    features = features_of(air, air, *edges_of(air, air))
    assert np.isfinite(features).all()
    assert np.array_equal(features[0], features[1])
