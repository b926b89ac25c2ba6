"""A target of your own on the embedded head, moved onto the cortex and measured."""

# begin
from anodyne.head import Space, place_target, point_target, template_head
from anodyne.units import mm

head = template_head()
target = point_target([-38 * mm, 44 * mm, 26 * mm], Space.MNI)
site = place_target(head, target)
print(f"{site.depth / mm:.1f} mm beneath the scalp, normal {site.normal.round(2)}")
# end

assert 5 * mm < site.depth < 40 * mm
