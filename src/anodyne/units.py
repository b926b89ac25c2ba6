"""Multipliers that turn a number in a named unit into SI: ``70 * mm`` is 0.07 m.

Everything inside Anodyne is an SI float; divide by a multiplier only at a door
(file, command line, axis label): ``depth / mm``.

>>> from anodyne.units import mm, us, A_per_us
>>> round(70 * mm, 6)
0.07
>>> round(1.5 * A_per_us)
1500000
"""

from math import pi

m = 1.0
cm = 1e-2
mm = 1e-3
um = 1e-6
cm2 = cm**2
mm2 = mm**2
litre = 1e-3
cm3 = cm**3
mm3 = mm**3

second = 1.0
ms = 1e-3
us = 1e-6
minute = 60.0
hour = 3600.0
day = 86400.0

kA = 1e3
kV = 1e3
uF = 1e-6
uH = 1e-6
mH = 1e-3
mT = 1e-3
A_per_us = 1e6
V_per_m = 1.0
S_per_m = 1.0

percent = 1e-2
degree = pi / 180
MiB = 2**20
GiB = 2**30

CELSIUS_ZERO = 273.15
"""0 °C in K: what a temperature in °C lacks."""
