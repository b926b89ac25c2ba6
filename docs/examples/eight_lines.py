"""From import to a field in eight lines, on the embedded head."""

# begin
from anodyne.coil import Pose, find_coil
from anodyne.field import solve
from anodyne.head import find_target, place_target, template_head
from anodyne.units import A_per_us, mm

head = template_head()
hand = place_target(head, find_target("left-m1-hand"))
above = hand.scalp_point + 4 * mm * hand.scalp_normal
pose = Pose.from_point_and_handle(above, -hand.scalp_normal, handle_towards=[1, 1, 0])
field = solve(head.mesh, find_coil("magstim-70mm"), pose, di_dt=1 * A_per_us)
print(field)
# end

assert field.residual < 1e-6
