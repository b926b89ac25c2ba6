"""Arrays carried to another library, on a graphics card say, and brought back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_cupy_array, is_numpy_array, is_torch_array, to_device
from numpy.typing import NDArray

from anodyne.errors import NotAvailable

MEMORY_WORDS = ("out of memory", "out_of_device_memory", "alloc_failed")
"""What the libraries' errors say, in lower case, where a device's memory is full."""


def find_device(name: str) -> tuple[Any, Any]:
    """The array namespace and device of a name such as "cuda", "cuda:1", "xpu" or "cpu", by PyTorch.

    Raises
    ------
    NotAvailable : PyTorch is not installed, knows no such device here, or finds its memory full
    """
    try:
        import torch
        from array_api_compat import torch as namespace
    except (ImportError, OSError) as error:
        raise NotAvailable(
            f"device '{name}' needs PyTorch, which does not load here ({_first_line(error)}); "
            "install it with: pip install 'anodyne[gpu]'"
        ) from error
    try:
        with within_memory(name, "even a product of two small matrices"):
            device = torch.device(name)
            ones = namespace.ones((2, 2), dtype=namespace.float64, device=device)
            float(namespace.matmul(ones, ones)[0, 0])
    except (RuntimeError, AssertionError, TypeError, ImportError) as error:
        raise NotAvailable(
            f"PyTorch {torch.__version__} has no device '{name}' with double precision on this machine "
            f"({_first_line(error)}); leave --device out to compute on the processor"
        ) from error
    return namespace, device


@contextmanager
def within_memory(device: Any, work: str) -> Iterator[None]:
    """Work on a device, named in words, whose memory may not do for it.

    Raises
    ------
    NotAvailable : in place of the array library's own error
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if type(error).__name__ != "OutOfMemoryError" and not any(say in str(error).lower() for say in MEMORY_WORDS):
            raise
        where = "the device" if device is None else f"device '{device}'"
        raise NotAvailable(
            f"{where} has too little memory for {work}; close what else computes there, take fewer of several "
            "placements at once, or leave --device out to compute on the processor"
        ) from error


def refuse_rounding(other: Any) -> None:
    """Raise `NotAvailable` where another array's library rounds single precision in products of matrices.

    NVIDIA's TF32 keeps 10 bits of each factor, which puts the field off by 1e-4 to 5e-4 of its largest.
    """
    xp = array_namespace(other)
    fine = beside(np.full((64, 64), 1 + 2**-12, np.float32), other)
    product = xp.matmul(fine, beside(np.eye(64, dtype=np.float32), other))
    if not float(xp.max(xp.abs(product - fine))) <= 1e-6:
        raise NotAvailable(
            "matrices in single precision are multiplied in less on this device (TF32 or bfloat16), too coarse for "
            'the field; call torch.set_float32_matmul_precision("highest") and leave TORCH_ALLOW_TF32_CUBLAS_OVERRIDE '
            "unset"
        )


def carried(array: NDArray[Any], namespace: Any, device: Any = None) -> Any:
    """A copy of a numpy array in another library, given by any of its namespaces, on one of its devices."""
    return array_namespace(namespace.empty(0)).asarray(np.array(array, order="C"), device=device)


def beside(array: NDArray[Any], other: Any) -> Any:
    """A copy of a numpy array in the library and on the device of another array."""
    return carried(array, array_namespace(other), other.device)


def to_numpy(array: Any) -> NDArray[Any]:
    """An array of any library, on any device, as numpy's."""
    if is_torch_array(array) or is_cupy_array(array):
        return np.asarray(to_device(array, "cpu"))
    return np.asarray(array) if is_numpy_array(array) else np.from_dlpack(array, device="cpu")


def rows_of(array: Any, index: Any) -> Any:
    """Rows of an array by their numbers, (n,), none negative."""
    if is_torch_array(array):
        return array.index_select(0, index)  # one kernel; `take` asks after negative numbers in three more
    return array_namespace(array).take(array, index, axis=0)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
