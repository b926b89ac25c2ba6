"""A mesh cut into eighths is the same body."""

import numpy as np
from numpy.testing import assert_allclose

from anodyne.head import layered_sphere, mesh_quality, refined_mesh
from anodyne.units import mm


def test_refined_mesh_is_the_same_body_in_eighths():
    mesh = layered_sphere([60 * mm, 80 * mm], [2, 5], 30 * mm)
    fine = refined_mesh(mesh)
    assert len(fine.tetrahedra) == 8 * len(mesh.tetrahedra)
    for tag in (2, 5):
        assert_allclose(fine.volumes[fine.tissue == tag].sum(), mesh.volumes[mesh.tissue == tag].sum(), rtol=1e-12)
    assert fine.volumes.min() > 0.99 * mesh.volumes.min() / 8
    for coarse_faces, fine_faces in (
        (mesh.boundary_triangles(), fine.boundary_triangles()),
        (mesh.interface_triangles(2, 5), fine.interface_triangles(2, 5)),
    ):
        assert len(fine_faces) == 4 * len(coarse_faces)


def test_refinement_conforms_and_does_not_degenerate():
    mesh = layered_sphere([60 * mm, 80 * mm], [2, 5], 30 * mm)
    once, twice = refined_mesh(mesh), refined_mesh(refined_mesh(mesh))
    assert (np.diff(np.unique(once.tetrahedra)) == 1).all()  # every node is used
    interior = (once.neighbours >= 0).sum()
    assert interior == 4 * len(once.tetrahedra) - len(once.boundary_triangles())
    smallest = [mesh_quality(m).smallest_dihedral.min() for m in (mesh, once, twice)]
    assert smallest[2] > 0.5 * smallest[0], smallest
