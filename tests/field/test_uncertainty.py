"""What uncertain conductivities do: laws of the expansion, of the basis, and of the intervals."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import qmc

from anodyne.certainty import Certainty
from anodyne.coil import Pose, find_coil
from anodyne.errors import PlacementRefused
from anodyne.field import (
    ConductivityRange,
    ConductivityStudy,
    FieldModel,
    FittedSphere,
    HighPercentile,
    MeanComponent,
    MeanMagnitude,
    percentile,
    published_ranges,
)
from anodyne.field.uncertainty.polynomials import PolynomialChaos, jacobi_values
from anodyne.head import Conductivities, TetrahedralMesh, Tissue, layered_sphere
from anodyne.units import A_per_us, mm

RADII = [62 * mm, 70 * mm, 74 * mm, 80 * mm, 86 * mm]
TISSUES = [1, 2, 3, 4, 5]
ABOVE = Pose.from_point_and_handle([10 * mm, 0, 112 * mm], [0, 0, -1], [0.3, 1, 0])
DI_DT = 1 * A_per_us


@pytest.fixture(scope="module")
def ball():
    return layered_sphere(RADII, TISSUES, 16 * mm)


@pytest.fixture(scope="module")
def egg(ball):
    """No sphere: its field depends on what it is made of."""
    return TetrahedralMesh(nodes=ball.nodes * [0.75, 1, 1.2], tetrahedra=ball.tetrahedra, tissue=ball.tissue)


@pytest.fixture(scope="module")
def coil():
    return find_coil("magstim-70mm")


def quantities(mesh):
    grey = np.flatnonzero(mesh.tissue == Tissue.GREY_MATTER)
    nearest = grey[np.linalg.norm(mesh.barycentres[grey] - [0, 0, 80 * mm], axis=1).argsort()[:60]]
    side = grey[np.linalg.norm(mesh.barycentres[grey] - [50 * mm, 0, 20 * mm], axis=1).argsort()[:60]]
    return (
        MeanMagnitude(name="top", tetrahedra=nearest),
        MeanMagnitude(name="side", tetrahedra=side),
        MeanComponent(name="up", tetrahedra=side, direction=np.array([0.0, 0, 1])),
        HighPercentile(name="peak", tetrahedra=grey, fraction=0.99),
    )


@pytest.fixture(scope="module")
def model(egg):
    return FieldModel(egg)


@pytest.fixture(scope="module")
def found(model, egg, coil):
    return ConductivityStudy(model).run(coil, ABOVE, DI_DT, quantities(egg))


def widened(known, by):
    return replace(
        known, low=known.mean - by * (known.mean - known.low), high=known.mean + by * (known.high - known.mean)
    )


# the expansion ------------------------------------------------------------------------------------------------------


def draws(shapes, count=4000):
    rng = np.random.default_rng(3)
    return np.stack([rng.beta(p, q, count) for p, q in shapes], axis=1)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 5), (0.5, 0.5)])
def test_polynomials_are_orthonormal_under_their_distribution(shape):
    nodes, weights = np.polynomial.legendre.leggauss(400)
    angle = np.pi * (nodes + 1) / 4  # x = sin^2 takes the ends' singularities away
    x = np.sin(angle) ** 2
    density = np.sin(angle) ** (2 * shape[0] - 1) * np.cos(angle) ** (2 * shape[1] - 1)
    values = jacobi_values(x, 5, *shape)
    assert_allclose((values * (weights * density / (weights @ density))) @ values.T, np.eye(6), atol=1e-10)


def test_indices_of_a_linear_and_quadratic_function():
    """y = 2 a + b^2 + 3 a c: every share follows from the moments of the inputs."""
    shapes = [(3, 3), (2, 4), (1, 1)]
    points = draws(shapes)
    a, b, c = points.T
    chaos = PolynomialChaos.fitted(shapes, points, (2 * a + b**2 + 3 * a * c)[:, None], 2)

    def moment(shape, n):
        p, q = shape
        return np.prod([(p + k) / (p + q + k) for k in range(n)])

    mean_a, mean_c = moment(shapes[0], 1), moment(shapes[2], 1)
    var_a, var_c = (moment(shape, 2) - moment(shape, 1) ** 2 for shape in (shapes[0], shapes[2]))
    var_bb = moment(shapes[1], 4) - moment(shapes[1], 2) ** 2
    of_a, of_c, together = (2 + 3 * mean_c) ** 2 * var_a, 9 * mean_a**2 * var_c, 9 * var_a * var_c
    variance = of_a + var_bb + of_c + together
    assert_allclose(chaos.mean, 2 * mean_a + moment(shapes[1], 2) + 3 * mean_a * mean_c, rtol=1e-10)
    assert_allclose(chaos.variance, variance, rtol=1e-10)
    assert_allclose(chaos.first_order()[:, 0], np.array([of_a, var_bb, of_c]) / variance, rtol=1e-10)
    assert_allclose(chaos.total()[:, 0], np.array([of_a + together, var_bb, of_c + together]) / variance, rtol=1e-10)
    assert chaos.unexplained[0] < 1e-20
    assert_allclose(chaos.at(points[:5])[:, 0], (2 * a + b**2 + 3 * a * c)[:5], rtol=1e-10)


def test_indices_of_the_ishigami_function():
    """Closed forms of Ishigami & Homma (1990) with a = 7, b = 0.1; the polynomial is of order 10."""
    points = draws([(1, 1)] * 3)
    x, y, z = np.pi * (2 * points.T - 1)
    chaos = PolynomialChaos.fitted(
        [(1, 1)] * 3, points, (np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x))[:, None], 10
    )
    variance = 49 / 8 + 0.1 * np.pi**4 / 5 + 0.01 * np.pi**8 / 18 + 0.5
    first = np.array([0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2, 49 / 8, 0]) / variance
    both = 0.01 * np.pi**8 * (1 / 18 - 1 / 50) / variance
    assert_allclose(chaos.first_order()[:, 0], first, atol=1e-3)
    assert_allclose(chaos.total()[:, 0], first + np.array([both, 0, both]), atol=1e-3)


def test_a_constant_has_no_contributors():
    chaos = PolynomialChaos.fitted([(3, 3)], draws([(3, 3)], 50), np.full((50, 1), 4.0), 2)
    assert_allclose(chaos.total(), 0, atol=1e-6)
    assert chaos.unexplained[0] == 0


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="3 points cannot fix the 6 terms"):
        PolynomialChaos.fitted([(1, 1)] * 2, np.zeros((3, 2)), np.zeros((3, 1)), 2)


# the ranges ---------------------------------------------------------------------------------------------------------


def test_every_default_lies_within_its_published_range():
    defaults = Conductivities().values
    for tag, known in published_ranges().items():
        assert known.low < defaults[tag] < known.high, known
        assert known.source


def test_moments_and_quantiles_agree():
    known = ConductivityRange(tissue=1, low=0.1, high=0.5, p=2, q=4, source="a test", certainty=Certainty.ASSUMED)
    many = known.quantile(np.linspace(0.5e-5, 1 - 0.5e-5, 100_000))
    assert_allclose(many.mean(), known.mean, rtol=1e-4)
    assert_allclose(many.std(), known.standard_deviation, rtol=1e-3)


@pytest.mark.parametrize(
    "change", [{"low": 0.0}, {"low": 0.7}, {"high": float("inf")}, {"p": 0.0}, {"q": float("nan")}]
)
def test_senseless_ranges_are_refused(change):
    with pytest.raises(ValueError, match="white matter"):
        ConductivityRange(
            **{"tissue": 1, "low": 0.1, "high": 0.5, "source": "a test", "certainty": Certainty.ASSUMED, **change}
        )


# the study ----------------------------------------------------------------------------------------------------------


def test_intervals_collapse_in_a_sphere(ball, coil):
    """E in a layered sphere does not depend on its conductivities (Heller & van Hulsteyn 1992)."""
    own_gauge = FieldModel(ball, primary=FittedSphere())
    result = ConductivityStudy(own_gauge).run(coil, ABOVE, DI_DT, quantities(ball))
    peak = result.of("peak").nominal
    for one in result.quantities:
        assert one.high - one.low < 0.01 * peak, one.name
        assert_allclose(one.median, one.nominal, atol=0.01 * peak)
    usual_gauge = ConductivityStudy(FieldModel(ball)).run(coil, ABOVE, DI_DT, quantities(ball))
    assert usual_gauge.of("top").high - usual_gauge.of("top").low < 0.1 * peak  # of elements 16 mm long


def test_nominal_values_are_the_models_own(found, model, egg, coil):
    field = model.solve(coil, ABOVE, DI_DT)
    for one, quantity in zip(found.quantities, quantities(egg), strict=True):
        rows = quantity.tetrahedra
        assert_allclose(one.nominal, quantity.of(field.e_field[rows], egg.volumes[rows]), rtol=1e-4)


def test_basis_agrees_with_direct_solves_within_its_stated_error(found, model, egg, coil):
    study = ConductivityStudy(model)
    wanted = quantities(egg)
    search = study._search(study._primary(coil, ABOVE, DI_DT), wanted)
    for factors in study.factors(study._draws(found.solves - 1, seed=0)):
        search.check(factors)
    assert search.good
    unseen = study.factors(study._draws(6, seed=77))
    answers = search.answers().to(unseen)
    own = Conductivities().of(egg.tissue)
    for factors, predicted in zip(unseen, answers, strict=True):
        direct = FieldModel(egg, own * factors[egg.tissue - 1]).solve(coil, ABOVE, DI_DT)
        for one, quantity, value in zip(found.quantities, wanted, predicted, strict=True):
            rows = quantity.tetrahedra
            scale = quantity.scale(direct.e_field[rows], egg.volumes[rows])
            assert abs(value - quantity.of(direct.e_field[rows], egg.volumes[rows])) <= max(one.error, 2e-3) * scale


def test_result_is_in_order(found, egg):
    assert found.converged
    assert found.solves <= 50
    assert found.error == max(one.error for one in found.quantities) <= 0.005
    assert found.fixed == ()
    grey = egg.tissue == Tissue.GREY_MATTER
    assert np.isfinite(found.spread[grey]).all()
    assert np.isnan(found.spread[~grey]).all()
    for one in found.quantities:
        assert one.low < one.median < one.high
        assert one.low < one.mean < one.high
        assert sum(one.first_order.values()) <= 1 + 1e-9 <= sum(one.total.values()) + 2e-9
        assert all(one.total[tag] >= one.first_order[tag] - 1e-12 for tag in one.total)
        assert one.contributors[0] == max(one.total, key=one.total.get)
    with pytest.raises(KeyError):
        found.of("nowhere")


def test_wider_ranges_make_wider_intervals(found, model, egg, coil):
    narrow = [widened(known, 0.5) for known in published_ranges().values()]
    result = ConductivityStudy(model, narrow).run(coil, ABOVE, DI_DT, quantities(egg))
    for one, other in zip(result.quantities, found.quantities, strict=True):
        assert one.high - one.low < 0.8 * (other.high - other.low), one.name


def test_only_ratios_of_conductivities_matter(found, egg, coil):
    twice = [replace(known, low=2 * known.low, high=2 * known.high) for known in published_ranges().values()]
    model = FieldModel(egg, 2 * Conductivities().of(egg.tissue))
    result = ConductivityStudy(model, twice).run(coil, ABOVE, DI_DT, quantities(egg))
    assert_allclose([one.high for one in result.quantities], [one.high for one in found.quantities], rtol=1e-4)


@pytest.fixture(scope="module")
def lopsided(model, egg, coil):
    """A study of ranges whose middles, widths and shapes are all different, and its answers by hand."""
    shapes = {1: (2, 6), 2: (5, 1.5), 3: (1, 4), 4: (4, 1), 5: (1.5, 5)}
    ranges = [
        replace(published_ranges()[tag], low=(0.9 - 0.1 * tag) * published_ranges()[tag].low, p=p, q=q)
        for tag, (p, q) in shapes.items()
    ]
    study = ConductivityStudy(model, ranges)
    search = study._search(study._primary(coil, ABOVE, DI_DT), quantities(egg))
    for factors in study.factors(study._draws(20, seed=0)):
        search.check(factors)
    return study.run(coil, ABOVE, DI_DT, quantities(egg)), ranges, search


def places_drawn(ranges, count, seed):
    """Probabilities (count, 2, tissues) for two independent sets of conductivities."""
    points = qmc.Sobol(2 * len(ranges), seed=seed).random(count)
    return points.reshape(count, 2, len(ranges))


def factors_at(ranges, probabilities):
    """Conductivities by the ranges' own quantiles, relative to the defaults."""
    defaults = Conductivities().values
    columns = [
        known.quantile(column) / defaults[known.tissue] for known, column in zip(ranges, probabilities.T, strict=True)
    ]
    return np.stack(columns, axis=1)


def test_summary_is_that_of_the_answers_to_many_conductivities(lopsided):
    """Of a thousand sets of conductivities drawn here: percentiles, rank, mean and standard deviation."""
    found, ranges, search = lopsided
    values = search.answers().to(factors_at(ranges, places_drawn(ranges, 1024, seed=5)[:, 0]))
    for one, own in zip(found.quantities, values.T, strict=True):
        width = np.quantile(own, 0.95) - np.quantile(own, 0.05)
        for told, share in ((one.low, 0.05), (one.median, 0.5), (one.high, 0.95)):
            assert told == pytest.approx(np.quantile(own, share), abs=0.04 * width), one.name
        assert one.mean == pytest.approx(own.mean(), abs=0.02 * width)
        assert one.standard_deviation == pytest.approx(own.std(), rel=0.05)
        assert one.rank == pytest.approx((own < one.nominal).mean(), abs=0.03)
    assert max(abs(one.rank - 0.5) for one in found.quantities) > 0.2  # else its sense would not be seen


def test_shares_are_those_of_one_tissue_at_a_time(lopsided):
    """Both indices by Jansen's sums (1999, Comput Phys Commun 117:35): a conductivity alone is kept, or drawn anew."""
    found, ranges, search = lopsided
    places = places_drawn(ranges, 512, seed=6)
    answers = search.answers()
    first, other = (answers.to(factors_at(ranges, places[:, n])) for n in (0, 1))
    variance = np.concatenate([first, other]).var(axis=0)
    for column, known in enumerate(ranges):
        mixed = places[:, 0].copy()
        mixed[:, column] = places[:, 1, column]
        values = answers.to(factors_at(ranges, mixed))
        alone = 1 - ((other - values) ** 2).mean(axis=0) / (2 * variance)
        total = ((first - values) ** 2).mean(axis=0) / (2 * variance)
        for k, one in enumerate(found.quantities):
            assert one.first_order[known.tissue] == pytest.approx(alone[k], abs=0.06), (one.name, known.tissue)
            assert one.total[known.tissue] == pytest.approx(total[k], abs=0.06), (one.name, known.tissue)


def test_map_is_the_relative_standard_deviation(lopsided, egg):
    found, ranges, search = lopsided
    grey = np.flatnonzero(egg.tissue == Tissue.GREY_MATTER)[::17]
    factors = factors_at(ranges, places_drawn(ranges, 256, seed=7)[:, 0])
    coefficients = search._basis.coefficients(factors)
    rows = np.searchsorted(search._looks.tetrahedra, grey)
    fields = [search._e_field(search._looks, search._basis.combined(one))[rows] for one in coefficients]
    magnitude = np.linalg.norm(fields, axis=-1)
    relative = magnitude.std(axis=0) / magnitude.mean(axis=0)
    assert_allclose(np.median(found.spread[grey] / relative), 1, atol=0.1)
    assert_allclose(found.spread[grey], relative, rtol=0.4, atol=0.003)


def test_magnitudes_are_scaled_and_components_shifted_to_another_solvers_value(found):
    top, up = found.of("top"), found.of("up")
    scaled = top.moved_to(1.25 * top.nominal)
    for name in ("nominal", "low", "median", "high", "mean", "standard_deviation"):
        assert getattr(scaled, name) == pytest.approx(1.25 * getattr(top, name))
    assert (scaled.rank, scaled.total) == (top.rank, top.total)
    shifted = up.moved_to(-up.nominal)
    for name in ("nominal", "low", "median", "high", "mean"):
        assert getattr(shifted, name) == pytest.approx(getattr(up, name) - 2 * up.nominal)
    assert shifted.standard_deviation == up.standard_deviation


def test_isotropic_tensors_are_as_scalars(found, egg, coil):
    tensors = Conductivities().of(egg.tissue)[:, None, None] * np.eye(3)
    result = ConductivityStudy(FieldModel(egg, tensors)).run(coil, ABOVE, DI_DT, quantities(egg))
    assert_allclose([one.low for one in result.quantities], [one.low for one in found.quantities], rtol=1e-4)


def test_tissues_without_a_range_stay_as_they_are(egg, model, coil):
    only = [published_ranges()[2]]
    result = ConductivityStudy(model, only).run(coil, ABOVE, DI_DT, quantities(egg))
    assert result.fixed == (1, 3, 4, 5)
    assert [known.tissue for known in result.ranges] == [2]
    for one in result.quantities:
        assert_allclose([one.first_order[2], one.total[2]], 1, rtol=1e-9)


def test_nodes_outside_every_tetrahedron_do_not_matter(found, egg, coil):
    extra = np.concatenate([[[0, 0, 1.0]], egg.nodes, [[0, 1.0, 0]]])
    mesh = TetrahedralMesh(nodes=extra, tetrahedra=egg.tetrahedra + 1, tissue=egg.tissue)
    result = ConductivityStudy(FieldModel(mesh)).run(coil, ABOVE, DI_DT, quantities(mesh))
    assert_allclose([one.median for one in result.quantities], [one.median for one in found.quantities], rtol=1e-4)


def test_studies_that_make_no_sense_are_refused(egg, model, coil):
    with pytest.raises(ValueError, match="no conductivity range"):
        ConductivityStudy(model, [])
    twice = [published_ranges()[2]] * 2
    with pytest.raises(ValueError, match="two ranges"):
        ConductivityStudy(model, twice)
    top = quantities(egg)[0]
    with pytest.raises(ValueError, match="different names"):
        ConductivityStudy(model).run(coil, ABOVE, DI_DT, [top, top])
    with pytest.raises(ValueError, match="no tetrahedra"):
        MeanMagnitude(name="nothing", tetrahedra=np.array([], int))
    inside = Pose.from_point_and_handle([0, 0, 20 * mm], [0, 0, -1], [0, 1, 0])
    with pytest.raises(PlacementRefused, match="inside the head"):
        ConductivityStudy(model).run(coil, inside, DI_DT, [top])


def test_high_percentile_is_that_of_regions(egg):
    rng = np.random.default_rng(8)
    rows = np.flatnonzero(egg.tissue == Tissue.GREY_MATTER)
    e_field = rng.normal(size=(3, len(rows), 3))
    volumes = egg.volumes[rows]
    wanted = [percentile(np.linalg.norm(one, axis=1), volumes, 0.98) for one in e_field]
    peak = HighPercentile(name="peak", tetrahedra=rows, fraction=0.98)
    assert_allclose(peak.of(e_field, volumes), wanted, rtol=1e-12)
    kept = peak.needed(e_field[0], volumes)
    assert kept.sum() < 0.2 * len(rows)
    narrowed = peak.narrowed(kept, volumes)
    assert_allclose(narrowed.of(e_field[0][kept], volumes[kept]), wanted[0], rtol=1e-12)


@pytest.mark.parametrize("fraction", [0, 0.25, 0.5, 0.6, 0.75, 0.9, 1])
def test_high_percentile_of_equal_volumes_is_that_of_regions(fraction):
    """Where a share of the volume ends exactly between two tetrahedra, both take the lower one."""
    e_field, volumes = np.outer([1.0, 2, 3, 4], [0, 0, 1]), np.full(4, 0.1)
    peak = HighPercentile(name="peak", tetrahedra=np.arange(4), fraction=fraction)
    assert peak.of(e_field, volumes) == percentile([1.0, 2, 3, 4], volumes, fraction)
