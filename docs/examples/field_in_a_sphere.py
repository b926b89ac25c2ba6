"""The solver against the closed form of a sphere, where the layers' conductivities do not matter."""

# begin
import numpy as np

from anodyne.coil import DipoleCoil, MagneticDipoles, Pose
from anodyne.field import solve, sphere_e_field
from anodyne.head import Tissue, layered_sphere
from anodyne.units import A_per_us, mm

ball = layered_sphere([80 * mm, 86 * mm, 95 * mm], [Tissue.GREY_MATTER, Tissue.BONE, Tissue.SCALP], 8 * mm)
dipole = MagneticDipoles(positions=[[0, 0, -10 * mm]], moments=[[0, 0, 1e-2]])
coil = DipoleCoil(name="dipole", label="One dipole", source="this page", dipoles=dipole)
pose = Pose.from_point_and_handle([0, 0, 100 * mm], into_head=[0, 0, -1], handle_towards=[0, 1, 0])
numerical = solve(ball, coil, pose, 1 * A_per_us).e_field

rate = 1 * A_per_us * (dipole.moments @ pose.rotation.T)
exact = sphere_e_field(ball.barycentres, pose.to_head(dipole.positions), rate)
error = np.linalg.norm(numerical - exact) / np.linalg.norm(exact)
print(f"relative error in the whole sphere: {error:.1%}")
# end

assert error < 0.05
