"""What the tests of fields share."""

import pytest


@pytest.fixture(scope="session")
def card() -> str:
    """A graphics card, as PyTorch calls it; tests skip without one."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed, so no GPU can be asked")
    for name in ("cuda", "xpu"):
        if getattr(torch, name).is_available():
            return name
    pytest.skip("no GPU that PyTorch knows on this machine")
