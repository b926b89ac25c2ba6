"""Laws that any cut of a body into tetrahedra obeys."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from anodyne.head import TetrahedralMesh

TWO_NODES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1.0]])


def two(**changes):
    given = {
        "nodes": TWO_NODES,
        "tetrahedra": np.array([[0, 1, 2, 3], [1, 2, 3, 4]]),
        "tissue": np.array([1, 2]),
    }
    return TetrahedralMesh(**{**given, **changes})


def mirrored(mesh):
    return replace(mesh, tetrahedra=mesh.tetrahedra[:, [0, 1, 3, 2]])


def test_volumes_add_up_whichever_way_the_elements_are_written(brick):
    assert (brick.signed_volumes > 0).any()
    assert (brick.signed_volumes < 0).any()
    assert_allclose(brick.volumes.sum(), 0.2**3)
    assert_allclose(mirrored(brick).signed_volumes, -brick.signed_volumes)
    assert_allclose(brick.node_volumes.sum(), 0.2**3)


def test_the_order_and_orientation_of_elements_is_kept(brick):
    assert_array_equal(replace(brick).tetrahedra, brick.tetrahedra)


def test_a_right_handed_element_has_positive_volume():
    assert_allclose(two().signed_volumes, [1 / 6, 1 / 3])


def test_barycentres_are_means_of_corners(brick):
    assert_allclose(brick.barycentres, brick.nodes[brick.tetrahedra].mean(axis=1), atol=1e-16)


def test_gradients_differentiate_linear_functions_exactly(brick):
    slope = np.array([3.0, -2.0, 0.5])
    values = brick.nodes @ slope + 7
    found = np.einsum("tni,tn->ti", brick.gradients(), values[brick.tetrahedra])
    assert_allclose(found, np.broadcast_to(slope, found.shape), atol=1e-11)


def test_gradients_add_up_to_nothing(brick):
    assert_allclose(brick.gradients().sum(axis=1), 0, atol=1e-11)


def test_gradients_do_not_depend_on_orientation(brick):
    assert_allclose(mirrored(brick).gradients(), brick.gradients()[:, [0, 1, 3, 2]], rtol=1e-10, atol=1e-10)


def test_gradients_scale_inversely_with_size(brick):
    larger = replace(brick, nodes=brick.nodes * 10)
    assert_allclose(larger.gradients() * 10, brick.gradients(), rtol=1e-10, atol=1e-10)


def test_an_element_without_volume_has_no_gradient():
    flat = two(tetrahedra=np.array([[0, 1, 2, 3], [0, 1, 2, 0]]))
    assert_array_equal(flat.flat_tetrahedra(), [1])
    with pytest.raises(ValueError, match="no volume, the first is number 1"):
        flat.gradients()


def test_neighbours_are_mutual_and_share_three_nodes(brick):
    t, face = np.nonzero(brick.neighbours >= 0)
    other = brick.neighbours[t, face]
    assert (brick.neighbours[other] == t[:, None]).sum(axis=1).tolist() == [1] * len(t)
    for one, two_, opposite in zip(t, other, face, strict=True):
        shared = np.delete(brick.tetrahedra[one], opposite)
        assert np.isin(shared, brick.tetrahedra[two_]).all()


def test_the_boundary_is_closed_and_faces_out(brick):
    corners = brick.nodes[brick.boundary_triangles()]
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    assert_allclose(areas.sum(axis=0), 0, atol=1e-15)
    assert_allclose(np.linalg.norm(areas, axis=1).sum(), 6 * 0.2**2)
    outward = np.einsum("ij,ij->i", areas, corners.mean(axis=1) - 0.1)
    assert (outward > 0).all()


def test_an_interface_bounds_what_it_surrounds(brick):
    core = brick.interface(2, 5)
    assert_allclose(core.enclosed_volume, brick.volumes[brick.tissue == 2].sum())
    assert_allclose(brick.interface(5, 2).enclosed_volume, -core.enclosed_volume)
    assert len(core.points) == len(np.unique(core.triangles))


def test_an_outer_surface_bounds_all_its_tissues_cavities_included(brick):
    assert_allclose(brick.outer_surface([2, 5]).enclosed_volume, 0.2**3)
    shell = brick.outer_surface([5])
    assert_allclose(shell.enclosed_volume, brick.volumes[brick.tissue == 5].sum())


def test_surfaces_that_are_not_there(brick):
    with pytest.raises(ValueError, match="do not touch"):
        brick.interface(2, 3)
    with pytest.raises(ValueError, match="no tetrahedron has a tissue tag among"):
        brick.outer_surface([9])


def test_points_inside_are_found_and_their_weights_give_them_back(brick, rng):
    points = rng.uniform(0, 0.2, (5000, 3))
    holder, weights = brick.locate(points)
    assert (holder >= 0).all()
    assert weights.min() >= -1e-9
    assert_allclose(weights.sum(axis=1), 1)
    assert_allclose(np.einsum("ni,nij->nj", weights, brick.nodes[brick.tetrahedra[holder]]), points, atol=1e-15)


def test_each_barycentre_is_in_its_own_element(brick):
    holder, weights = brick.locate(brick.barycentres)
    assert_array_equal(holder, np.arange(len(brick.tetrahedra)))
    assert_allclose(weights, 0.25)


def test_nodes_are_found_on_the_boundary_too(brick):
    holder, weights = brick.locate(brick.nodes)
    assert (holder >= 0).all()
    assert_allclose(weights.max(axis=1), 1)


def test_points_outside_are_nowhere(brick):
    points = np.array([[-1e-6, 0.1, 0.1], [0.1, 0.1, 0.2 + 1e-6], [1e200, 0, 0], [-1e6, 5.0, 5.0]])
    holder, weights = brick.locate(points)
    assert_array_equal(holder, -1)
    assert_array_equal(weights, 0)


def test_no_points_are_found_nowhere(brick):
    holder, weights = brick.locate(np.empty((0, 3)))
    assert holder.shape == (0,)
    assert weights.shape == (0, 4)


def test_a_point_must_be_a_point(brick):
    with pytest.raises(ValueError, match=r"points must have shape \(n, 3\)"):
        brick.locate([0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="finite"):
        brick.locate([[0.0, np.nan, 0.0]])


def test_the_fingerprint_knows_every_number(brick):
    assert replace(brick).fingerprint == brick.fingerprint
    moved = brick.nodes.copy()
    moved[5, 1] = np.nextafter(moved[5, 1], 1)
    assert replace(brick, nodes=moved).fingerprint != brick.fingerprint
    assert replace(brick, tissue=brick.tissue + 1).fingerprint != brick.fingerprint
    assert mirrored(brick).fingerprint != brick.fingerprint


def test_the_fingerprint_is_the_same_on_every_machine():
    assert two().fingerprint == "4f9558253a04585deae8fbe0f37b0becaf8aa0c88f3d16521177275e54282ede"


def test_arrays_are_copies_that_nobody_can_change():
    nodes = TWO_NODES.copy()
    mesh = two(nodes=nodes)
    nodes[0] = 9
    assert mesh.nodes[0, 0] == 0
    for array in (mesh.nodes, mesh.tetrahedra, mesh.tissue, mesh.barycentres, mesh.volumes, mesh.neighbours):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_mesh_survives_the_way_to_another_process(brick):
    assert pickle.loads(pickle.dumps(brick)).fingerprint == brick.fingerprint


def test_a_mesh_says_what_it_is():
    assert repr(two()) == "TetrahedralMesh(5 nodes, 2 tetrahedra, tissues 1, 2)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes": TWO_NODES[:, :2]}, r"nodes must have shape \(n, 3\), not \(5, 2\)"),
        ({"nodes": np.where(TWO_NODES == 1, np.nan, TWO_NODES)}, r"nodes\[1, 0\] is nan"),
        ({"tetrahedra": np.array([[0, 1, 2, 5], [1, 2, 3, 4]])}, "name nodes 0 to 5, but there are 5"),
        ({"tetrahedra": np.array([[0, 1, 2, -1], [1, 2, 3, 4]])}, "name nodes -1 to 4"),
        ({"tetrahedra": np.array([[0, 1, 2, 2**40], [1, 2, 3, 4]])}, "beyond 32-bit"),
        ({"tetrahedra": np.array([[0.0, 1, 2, 3], [1, 2, 3, 4]])}, "must be integers"),
        ({"tetrahedra": np.empty((0, 4), int), "tissue": np.empty(0, int)}, "at least one tetrahedron"),
        ({"tissue": np.array([1])}, r"tissue must have shape \(2\), not \(1,\)"),
        ({"tissue": np.array([1, 0])}, "1 or more, not 0"),
        (
            {"triangles": np.array([[0, 1, 9]]), "triangle_tissue": np.array([1001])},
            "triangles name nodes 0 to 9",
        ),
        ({"triangles": np.array([[0, 1, 2]])}, "triangle_tissue must have shape"),
        ({"triangles": np.array([[0, 1, 2]]), "triangle_tissue": np.array([-1])}, "not negative"),
    ],
)
def test_what_is_no_mesh_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        two(**changes)
