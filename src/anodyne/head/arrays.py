"""Arrays as a value holds them: of one type and shape, finite where they should be, and read-only."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int32]

NO_DATA: Mapping[str, ArrayLike] = MappingProxyType({})
"""No arrays by name: what a file holds beside its mesh or surface unless told otherwise."""


def frozen_floats(values: ArrayLike, shape: Sequence[int | None], name: str) -> FloatArray:
    """A read-only float64 copy of `values`, every number in it finite.

    Parameters
    ----------
    shape : the length along each axis, None where any length will do
    name : what the array holds, for the message

    Raises
    ------
    ValueError : another shape, or a number that is NaN or infinite

    >>> frozen_floats([[0, 0, 70e-3]], (None, 3), "points").flags.writeable
    False
    """
    source = np.asarray(values, dtype=np.float64)
    _check_shape(source, shape, name)
    finite = np.isfinite(source)
    if not finite.all():
        place = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"{name}{list(place)} is {source[place]}; every number must be finite")
    return _read_only(source, np.float64)


def frozen_indices(values: ArrayLike, shape: Sequence[int | None], name: str) -> IndexArray:
    """A read-only int32 copy of the integers `values`.

    Raises
    ------
    ValueError : another shape, numbers that are not integers, or integers beyond 32 bits
    """
    source = np.asarray(values)
    if source.size == 0:
        source = source.astype(np.int32)
    _check_shape(source, shape, name)
    if source.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers, not {source.dtype}")
    limits = np.iinfo(np.int32)
    if source.size and (source.min() < limits.min or source.max() > limits.max):
        raise ValueError(f"{name} goes beyond 32-bit integers: {source.min()} to {source.max()}")
    return _read_only(source, np.int32)


def _check_shape(array: NDArray[Any], shape: Sequence[int | None], name: str) -> None:
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if not fits:
        wanted = ", ".join("n" if want is None else str(want) for want in shape)
        raise ValueError(f"{name} must have shape ({wanted}), not {array.shape}")


def _read_only(source: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    if source.dtype == dtype and source.flags.c_contiguous and source.base is None and not source.flags.writeable:
        return source  # nobody can change it: no copy needed
    copy = np.array(source, dtype=dtype, order="C", copy=True)
    copy.setflags(write=False)
    return copy
