"""The mesher: exact on the lattice, sound and true to its surfaces on nested balls."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.head import Layer, mesh_layers, mesh_quality
from anodyne.head.lattice import SMALLEST_ANGLE, body_centred_lattice
from anodyne.head.quality import smallest_dihedral
from anodyne.progress import Progress
from anodyne.units import degree, mm

RADII = {5: 60 * mm, 4: 54 * mm, 3: 48 * mm, 2: 45 * mm, 1: 38 * mm}


def ball(radius, centre=(0, 0, 0)):
    return lambda points: np.linalg.norm(points - np.array(centre), axis=1) - radius


def nested():
    parents = [0, 5, 4, 3, 2]
    return [Layer(tissue=t, within=p, distance=ball(r)) for (t, r), p in zip(RADII.items(), parents, strict=True)]


def built(layers, spacing, **options):
    return mesh_layers(layers, np.full(3, -63 * mm), np.full(3, 63 * mm), spacing, **options)


@pytest.fixture(scope="module")
def balls():
    return built(nested(), 5 * mm)


def test_lattice_fills_its_box_with_congruent_tetrahedra():
    nodes, tetrahedra = body_centred_lattice(np.zeros(3), np.array([1.0, 0.5, 0.5]), 0.25)
    assert_allclose(smallest_dihedral(nodes, tetrahedra), 60 * degree)
    a, b, c, d = (nodes[tetrahedra[:, k]] for k in range(4))
    assert_allclose(np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) / 6, 0.25**3 / 12)


def test_mesh_of_nested_balls_is_sound(balls):
    quality = mesh_quality(balls.mesh)
    assert quality.sound
    assert quality.smallest_dihedral.min() >= SMALLEST_ANGLE
    assert quality.radius_ratio.min() > 0.1
    assert quality.pieces == dict.fromkeys(RADII, 1)


def test_interfaces_lie_on_the_spheres(balls):
    assert balls.on_surface.min() > 0.99
    surface = balls.mesh.outer_surface([1, 2])
    assert_allclose(np.linalg.norm(surface.points, axis=1), RADII[2], atol=0.2 * mm)


def test_volumes_converge_to_those_of_the_balls_with_the_square_of_the_spacing():
    error = []
    for spacing in (8 * mm, 4 * mm):
        mesh = built([Layer(tissue=1, within=0, distance=ball(60 * mm))], spacing).mesh
        error.append(1 - mesh.volumes.sum() / (4 / 3 * np.pi * (60 * mm) ** 3))
    order = np.log2(error[0] / error[1])
    assert error[1] < 2e-3
    assert order == pytest.approx(2, abs=0.4)


def test_layers_that_touch_still_mesh():
    off_centre = Layer(tissue=2, within=1, distance=ball(30 * mm, (20 * mm, 0, 0)))
    mesh = built([Layer(tissue=1, within=0, distance=ball(50 * mm)), off_centre], 5 * mm).mesh
    quality = mesh_quality(mesh)
    assert quality.sound
    assert quality.smallest_dihedral.min() > 8 * degree


def test_small_islands_join_what_is_around_them():
    def two_balls(points):
        return np.minimum(ball(20 * mm)(points), ball(8 * mm, (35 * mm, 0, 0))(points))

    layers = [Layer(tissue=1, within=0, distance=ball(55 * mm)), Layer(tissue=2, within=1, distance=two_balls)]
    assert mesh_quality(built(layers, 5 * mm).mesh).pieces == {1: 1, 2: 1}
    assert mesh_quality(built(layers, 5 * mm, pieces_kept={2: 2}).mesh).pieces == {1: 1, 2: 2}


def test_same_input_gives_the_same_mesh(balls):
    assert built(nested(), 5 * mm).mesh.fingerprint == balls.mesh.fingerprint


def test_stages_are_announced():
    class Listener(Progress):
        heard: list[str] = []  # noqa: RUF012

        def stage(self, label, total=None):
            self.heard.append(label)
            return super().stage(label, total)

    built([Layer(tissue=1, within=0, distance=ball(50 * mm))], 12 * mm, progress=Listener())
    assert len(Listener.heard) == 2


@pytest.mark.parametrize(
    ("layers", "spacing", "message"),
    [
        ([], 5 * mm, "a mesh needs a layer"),
        ([Layer(tissue=1, within=0, distance=ball(0.05))], 0.0, "positive spacing"),
        ([Layer(tissue=1, within=7, distance=ball(0.05))], 5 * mm, "named before it"),
        ([Layer(tissue=1, within=0, distance=ball(1.0))], 30 * mm, "reaches the border"),
    ],
)
def test_impossible_layers_are_refused(layers, spacing, message):
    with pytest.raises(ValueError, match=message):
        built(layers, spacing)
