"""Two coils at the same winding height above a sphere: which is stronger, which is more focal?"""

# begin
import numpy as np

from anodyne.coil import Pose, find_coil
from anodyne.field import FieldModel
from anodyne.head import Tissue, layered_sphere
from anodyne.units import A_per_us, cm3, mm

ball = layered_sphere([78 * mm, 86 * mm, 92 * mm], [Tissue.GREY_MATTER, Tissue.BONE, Tissue.SCALP], 9 * mm)
model = FieldModel(ball)  # assembled once, solved for each coil
touching = Pose.from_point_and_handle([0, 0, 92 * mm], into_head=[0, 0, -1], handle_towards=[0, 1, 0])
brain = ball.tissue == Tissue.GREY_MATTER
focality = {}
for name in ("magstim-70mm", "magstim-90mm"):
    coil = find_coil(name)
    field = model.solve(coil, touching.lifted(10 * mm - coil.winding_depth), 1 * A_per_us)
    strength = field.magnitude[brain]
    focality[name] = ball.volumes[brain][strength > strength.max() / 2].sum()
    print(f"{coil.label}: up to {strength.max():.2f} V/m, half of it in {focality[name] / cm3:.0f} cm³")
# end

assert focality["magstim-70mm"] < focality["magstim-90mm"] / 2
radial = np.einsum("ni,ni->n", field.e_field, ball.barycentres) / np.linalg.norm(ball.barycentres, axis=1)
assert np.abs(radial[brain]).mean() < 0.1 * strength.mean()  # none in a sphere but for the elements' error
