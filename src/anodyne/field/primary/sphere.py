"""The field in a spherically symmetric conductor, in closed form: the yardstick of every solver.

No radial component exists and the layers' conductivities do not matter (Heller & van Hulsteyn 1992,
Biophys J 63:129); the formula follows by reciprocity from the magnetic field of a current dipole
in a sphere (Sarvas 1987, Phys Med Biol 32:11, eq. 25).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.field.primary.sphere_kernels import field_of_dipoles


def sphere_e_field(
    points: ArrayLike, positions: ArrayLike, moments_rate: ArrayLike, centre: ArrayLike = (0, 0, 0)
) -> NDArray[np.float64]:
    """E-field that magnetic dipoles outside a layered sphere induce inside it, (n, 3) array, V/m.

    Parameters
    ----------
    points : (n, 3) array inside the sphere, m
    positions : (k, 3) array of dipoles outside the sphere, m
    moments_rate : (k, 3) array, rate of change of the dipole moments, A m^2/s
    centre : centre of the sphere, m

    Raises
    ------
    ValueError : a dipole nearer to the centre than a point
    """
    middle = np.asarray(centre, dtype=float)
    inside = np.ascontiguousarray(np.asarray(points, dtype=float).reshape(-1, 3) - middle)
    outside = np.ascontiguousarray(np.asarray(positions, dtype=float).reshape(-1, 3) - middle)
    rates = np.ascontiguousarray(np.asarray(moments_rate, dtype=float).reshape(-1, 3))
    if len(inside) and np.linalg.norm(inside, axis=1).max() >= np.linalg.norm(outside, axis=1).min():
        raise ValueError(
            "a coil dipole lies nearer to the sphere's centre than a field point; E has no closed form there"
        )
    return np.asarray(field_of_dipoles(inside, outside, rates))
