"""Arrays carried to another library, on a graphics card say, and brought back."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_cupy_array, is_numpy_array, is_torch_array, to_device
from numpy.typing import NDArray

from anodyne.errors import NotAvailable


def find_device(name: str) -> tuple[Any, Any]:
    """The array namespace and device of a name such as "cuda", "cuda:1", "mps" or "cpu", by PyTorch.

    Raises
    ------
    NotAvailable : PyTorch is not installed, or knows no such device here
    """
    try:
        import torch
        from array_api_compat import torch as namespace
    except ImportError as error:
        raise NotAvailable(
            f"device '{name}' needs PyTorch, which is not installed; install it with: pip install 'anodyne[gpu]'"
        ) from error
    try:
        device = torch.device(name)
        namespace.zeros(1, dtype=namespace.float64, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise NotAvailable(
            f"PyTorch {torch.__version__} has no device '{name}' with double precision on this machine; "
            "leave --device out to compute on the processor"
        ) from error
    return namespace, device


def carried(array: NDArray[Any], namespace: Any, device: Any = None) -> Any:
    """A copy of a numpy array in another library, on one of its devices."""
    return namespace.asarray(np.array(array, order="C"), device=device)


def beside(array: NDArray[Any], other: Any) -> Any:
    """A copy of a numpy array in the library and on the device of another array."""
    return carried(array, array_namespace(other), other.device)


def to_numpy(array: Any) -> NDArray[Any]:
    """An array of any library, on any device, as numpy's."""
    if is_torch_array(array) or is_cupy_array(array):
        return np.asarray(to_device(array, "cpu"))
    return np.asarray(array) if is_numpy_array(array) else np.from_dlpack(array, device="cpu")
