"""What every calculation asks of its arguments. A number that would be wrong is refused, not warned about."""

import numpy as np
from numpy.typing import ArrayLike

from xraybench.core.errors import BadValue
from xraybench.core.types import BoolArray, FloatArray


def finite(values: ArrayLike, what: str) -> FloatArray:
    """The values as float64; float32 widens exactly, so that a threshold set on one compares rightly with the other.

    Raises:
        BadValue: A value is NaN or infinite: a scan without a score must be settled before it is counted.
    """
    array = np.asarray(values, dtype=np.float64)
    if bad := int(np.count_nonzero(~np.isfinite(array))):
        raise BadValue(f"{what}: {bad} of {array.size} are NaN or infinite. Every item needs a finite number.")
    return array


def vector(values: ArrayLike, what: str) -> FloatArray:
    """Finite values of shape (n,)."""
    array = finite(values, what)
    if array.ndim != 1:
        raise BadValue(f"{what}: shape {array.shape}, one number an item is right.")
    return array


def shares(values: ArrayLike, what: str) -> FloatArray:
    """Finite values of shape (n,), all in [0, 1]."""
    array = vector(values, what)
    if array.size and (array.min() < 0 or array.max() > 1):
        raise BadValue(f"{what}: {array.min():g} to {array.max():g} lies outside [0, 1].")
    return array


def truths(is_threat: ArrayLike, n_items: int) -> BoolArray:
    """The truth of `n_items` items as booleans of shape (n_items,)."""
    array = np.asarray(is_threat, dtype=np.bool_)
    if array.shape != (n_items,):
        raise BadValue(f"is_threat: shape {array.shape}, but there are {n_items} scores.")
    return array


def level(value: float) -> float:
    """A confidence level, strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise BadValue(f"level: {value:g} is not between 0 and 1; 0.95 is usual.")
    return value
