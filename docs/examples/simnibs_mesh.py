"""A field on a mesh from a file, written back for Gmsh and SimNIBS with the elements in their order."""

# begin
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from anodyne.coil import Pose, find_coil, read_pose, write_pose
from anodyne.field import solve
from anodyne.head import Tissue, layered_sphere, read_mesh, write_mesh
from anodyne.units import A_per_us, mm

folder = Path(mkdtemp())
write_mesh(folder / "ball.msh", layered_sphere([80 * mm, 92 * mm], [Tissue.GREY_MATTER, Tissue.SCALP], 15 * mm))
write_pose(folder / "pose.txt", Pose.from_point_and_handle([0, 0, 96 * mm], [0, 0, -1], [0, 1, 0]))

mesh = read_mesh(folder / "ball.msh")
field = solve(mesh, find_coil("magstim-70mm"), read_pose(folder / "pose.txt"), 1 * A_per_us)
write_mesh(folder / "field.msh", mesh, element_data={"E": field.e_field, "magnE": field.magnitude})
# end

again = read_mesh(folder / "field.msh")
assert np.array_equal(again.tetrahedra, mesh.tetrahedra)
assert np.array_equal(again.tissue, mesh.tissue)
