"""Uncertain conductivities on the embedded head: what a study costs, and how far its answers can be trusted."""

from collections.abc import Iterator
from time import process_time

import numpy as np

from anodyne.coil import Coil, Pose, find_coil
from anodyne.field import (
    ConductivityStudy,
    FieldModel,
    FieldQuantity,
    HighPercentile,
    MeanMagnitude,
    published_ranges,
)
from anodyne.field.uncertainty.polynomials import PolynomialChaos
from anodyne.head import TARGETS, Conductivities, Head, Tissue, find_target, place_target, template_head, tissue_name
from anodyne.units import A_per_us, mm, percent
from benchmarks.report import Row

DI_DT = 60 * A_per_us
UNSEEN = 8
POLYNOMIAL_SOLVES = 42
"""What a study of a polynomial alone would have left of 50 solves for its fit, eight being kept for its check."""

HANDLES = {"along the cortex": (1.0, -0.6, 0.0), "across the cortex": (1.0, 1.0, 0.0)}
"""Where the handle's prolongation points, for two poses that drive the target's field either way."""


def rows() -> Iterator[Row]:
    """Every number of this topic."""
    head = template_head()
    coil = find_coil("magstim-70mm")
    target = find_target("left-m1-hand")
    site = place_target(head, target)
    quantities: list[FieldQuantity] = [
        *(MeanMagnitude(name=name, tetrahedra=place_target(head, one).region) for name, one in TARGETS.items()),
        HighPercentile(name="peak", tetrahedra=np.flatnonzero(head.mesh.tissue == Tissue.GREY_MATTER)),
    ]
    model = FieldModel(head.mesh)
    study = ConductivityStudy(model)
    size = f"{len(head.mesh.tetrahedra) / 1e6:.2f} million tetrahedra, {len(quantities)} quantities"
    for words, handle in HANDLES.items():
        pose = Pose.facing(site.scalp_point, site.scalp_normal, site.scalp_point + np.array(handle), distance=5 * mm)
        begin = process_time()
        found = study.run(coil, pose, DI_DT, quantities)
        spent = process_time() - begin
        yield Row(name=f"field {words}", value=found.seconds, unit="s", note=size)
        yield Row(name="  processor time", value=spent, unit="s")
        yield Row(name="  solves, checks included", value=found.solves, unit="", target="≤ 50")
        yield Row(name="  stated error, worst quantity", value=found.error / percent, unit="%")
        one = found.of(target.name)
        shares = ", ".join(f"{tissue_name(tag)} {one.total[tag]:.0%}" for tag in one.contributors[:2])
        note = f"5th to 95th percentile at {target.name}; {shares}"
        yield Row(name="  interval's width over its median", value=(one.high - one.low) / one.median / percent,
                  unit="%", note=note)  # fmt: skip
        yield Row(name="  largest width of any quantity", unit="%",
                  value=max((q.high - q.low) / q.median for q in found.quantities) / percent)  # fmt: skip
    yield from _trust(study, head, (coil, pose), quantities, found.solves)


def _trust(
    study: ConductivityStudy, head: Head, where: tuple[Coil, Pose], quantities: list[FieldQuantity], solves: int
) -> Iterator[Row]:
    """The basis, and polynomials fitted to as many solves as may be spent, against direct solves elsewhere."""
    coil, pose = where
    search = study._search(study._primary(coil, pose, DI_DT), quantities)
    for factors in study.factors(study._draws(solves - 1, seed=0)):
        search.check(factors)
    answers = search.answers()
    places = study._draws(UNSEEN, seed=5)
    own = Conductivities().of(head.mesh.tissue)
    tissue = {known.tissue: column for column, known in enumerate(study.ranges)}
    exact = np.empty((UNSEEN, len(quantities)))
    for row, factors in zip(exact, study.factors(places), strict=True):
        scaled = own * factors[[tissue[tag] for tag in head.mesh.tissue.tolist()]]
        field = FieldModel(head.mesh, scaled).solve(coil, pose, DI_DT)
        row[:] = [one.of(field.e_field[one.tetrahedra], head.mesh.volumes[one.tetrahedra]) for one in quantities]
    yield _error(f"  basis of {solves} solves", answers.to(study.factors(places)), exact)
    learnt = study._draws(POLYNOMIAL_SOLVES, seed=0)
    shapes = [(known.p, known.q) for known in published_ranges().values() if known.tissue in tissue]
    fitted = PolynomialChaos.fitted(shapes, learnt, answers.to(study.factors(learnt)), 2)
    yield _error(f"  polynomial of order 2 of {POLYNOMIAL_SOLVES} solves", fitted.at(places), exact)


def _error(name: str, found: np.ndarray, exact: np.ndarray) -> Row:
    error = np.abs(found / exact - 1)
    note = f"{UNSEEN} unseen draws; root mean square {np.sqrt((error**2).mean()) / percent:.2g} %"
    return Row(name=name + ", worst error", value=float(error.max()) / percent, unit="%", note=note)
