"""A coil from its winding: one turn of wire, checked on its axis against the textbook."""

# begin
import numpy as np

from anodyne.coil import CurrentElements, WireCoil
from anodyne.units import mm

radius, depth, pieces = 45 * mm, 5 * mm, 400
angle = (np.arange(pieces) + 0.5) * 2 * np.pi / pieces
turn = CurrentElements(
    positions=np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.full(pieces, -depth)]),
    vectors=2 * np.pi * radius / pieces * np.column_stack([-np.sin(angle), np.cos(angle), np.zeros(pieces)]),
)
coil = WireCoil(name="one-turn", label="One turn", source="this page", elements=turn, winding_depth=depth)
field = coil.magnetic_field([[0, 0, 20 * mm]])[0]  # T per ampere
print(f"B on the axis, 20 mm below the casing: {field[2] * 1e6:.3f} µT/A")
# end

height = 20 * mm + depth
textbook = 4e-7 * np.pi * radius**2 / (2 * (radius**2 + height**2) ** 1.5)
assert np.allclose(field, [0, 0, textbook], rtol=1e-6, atol=1e-6 * textbook)
