"""How far the field depends on conductivities that nobody has measured in this head.

Each tissue's conductivity is drawn from its published range, independently. A few full solves make a
basis (`anodyne.field.uncertainty.reduced_basis`) that then answers for thousands of draws; every solve is first
predicted from those before it, so that each checks the basis before it joins. Intervals are
percentiles over the draws, and the share of each tissue in the variance comes from a polynomial fitted
to them (`anodyne.field.uncertainty.polynomials`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb
from time import perf_counter
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, qmc

from anodyne.coil import Coil, Pose
from anodyne.field.conductor import refuse_placement
from anodyne.field.elements.assembly import corner_mean, gradient
from anodyne.field.elements.first_order import FieldModel
from anodyne.field.elements.multigrid import Multigrid, conjugate_gradients
from anodyne.field.uncertainty.polynomials import PolynomialChaos
from anodyne.field.uncertainty.quantities import FieldQuantity
from anodyne.field.uncertainty.ranges import ConductivityRange, published_ranges
from anodyne.field.uncertainty.reduced_basis import ReducedBasis, TissueSum
from anodyne.head import TetrahedralMesh
from anodyne.progress import SILENT, Progress

Floats = NDArray[np.float64]

MOST_SOLVES = 50
CHECKS = 6
"""So many solves in a row must agree with what the basis predicted of them before the basis counts as good."""

TOLERANCE = 5e-3
"""Largest error of such a prediction, relative to the quantity, in any quantity."""

SOLVER_TOLERANCE = 1e-6
"""Relative residual of the solves; between 1e-8 and this E changes by 3 parts in a million."""

DRAWS = 2048
DRAW_BLOCK = 32
MAP_DRAWS = 64
HIGHEST_ORDER = 4
DRAWS_PER_TERM = 8
"""Draws for every term of a polynomial, which bounds its order where there are many tissues."""

SMALLEST = float(np.finfo(float).tiny)

LOW, HIGH = 0.05, 0.95
"""Probabilities at which an interval begins and ends."""


@dataclass(frozen=True, kw_only=True)
class UncertainQuantity:
    """What is known of one quantity when the conductivities are known only within their ranges.

    Attributes
    ----------
    name : of the quantity
    nominal : at the model's own conductivities, V/m
    rank : share of the draws that give less than that
    median, low, high : over the draws, V/m: 50th, 5th and 95th percentile
    mean, standard_deviation : over the draws, V/m
    first_order : tissue tag -> share of the variance that this conductivity makes by itself (Sobol index)
    total : tissue tag -> share of the variance that it takes part in
    unexplained : share of the variance that the polynomial behind the indices misses
    error : largest difference between prediction and solve over the last checks, relative to the quantity
    may_vanish : whether it is a component of E, which has a sign, rather than a magnitude
    """

    name: str
    nominal: float
    rank: float
    median: float
    low: float
    high: float
    mean: float
    standard_deviation: float
    first_order: Mapping[int, float]
    total: Mapping[int, float]
    unexplained: float
    error: float
    may_vanish: bool = False

    @property
    def contributors(self) -> tuple[int, ...]:
        """Tissue tags, the largest total share first."""
        return tuple(sorted(self.total, key=lambda tag: -self.total[tag]))

    def moved_to(self, nominal: float) -> "UncertainQuantity":
        """The same about another value at the model's own conductivities, V/m, as another solver finds it.

        What elements too coarse make of a magnitude is a factor, so all of it is scaled. A component that may vanish
        has no such factor: what is missing of it goes by the field's magnitude, so it is shifted.
        """
        if self.may_vanish or self.nominal == 0:
            factor, shift = 1.0, nominal - self.nominal
        else:
            factor, shift = nominal / self.nominal, 0.0
        moved = {name: factor * getattr(self, name) + shift for name in ("median", "low", "high", "mean")}
        return replace(self, nominal=nominal, standard_deviation=factor * self.standard_deviation, **moved)


@dataclass(frozen=True, kw_only=True, eq=False)
class ConductivityUncertainty:
    """What uncertain conductivities make of some quantities.

    Attributes
    ----------
    quantities : in the order they were asked for
    ranges : of the tissues that were varied
    nominal : tissue tag -> the model's own conductivity, S/m, of every tissue in the mesh
    solves : full solves, the checks included
    checks : how many of the last solves `error` is taken over
    error : the largest of the quantities' errors
    converged : whether it is within the tolerance
    draws : how many sets of conductivities the percentiles are taken over
    spread : (n_tetrahedra,) array, standard deviation of \\|E\\| relative to its mean where a quantity looks, else NaN
    seconds : in all
    """

    quantities: tuple[UncertainQuantity, ...]
    ranges: tuple[ConductivityRange, ...]
    nominal: Mapping[int, float]
    solves: int
    checks: int
    error: float
    converged: bool
    draws: int
    spread: Floats
    seconds: float

    @property
    def fixed(self) -> tuple[int, ...]:
        """Tissue tags that were not varied, since no range of them is known."""
        varied = {known.tissue for known in self.ranges}
        return tuple(tag for tag in self.nominal if tag not in varied)

    def of(self, name: str) -> UncertainQuantity:
        """The quantity of a name.

        Raises
        ------
        KeyError : there is none
        """
        for quantity in self.quantities:
            if quantity.name == name:
                return quantity
        raise KeyError(name)


class ConductivityStudy:
    """A model whose conductivities are uncertain, ready to be asked about any coil and pose.

    Parameters
    ----------
    model : first-order elements, at the conductivities that count as its own
    ranges : of the tissues to vary, `published_ranges` if None; the others keep the model's conductivity

    Attributes
    ----------
    mesh : the model's
    nominal : tissue tag -> the model's own conductivity, S/m, of every tissue in the mesh
    ranges : of the tissues in the mesh that have one, in the order of their tags

    Raises
    ------
    ValueError : no tissue of the mesh has a range, or one has two
    """

    def __init__(self, model: FieldModel, ranges: Iterable[ConductivityRange] | None = None) -> None:
        self._model, self.mesh = model, model.mesh
        given = tuple(published_ranges().values() if ranges is None else ranges)
        known = {one.tissue: one for one in given}
        if len(known) < len(given):
            raise ValueError(f"a tissue has two ranges among those of tissues {[one.tissue for one in given]}")
        tags = [int(tag) for tag in np.unique(model.mesh.tissue)]
        self.nominal = MappingProxyType({tag: _own_conductivity(model, tag) for tag in tags})
        self.ranges = tuple(known[tag] for tag in tags if tag in known)
        if not self.ranges:
            raise ValueError(f"no conductivity range is given for any of the mesh's tissues {tags}")
        fixed = tuple(tag for tag in tags if tag not in known)
        self._groups = (*((one.tissue,) for one in self.ranges), *((fixed,) if fixed else ()))

    def run(
        self, coil: Coil, pose: Pose, di_dt: float, quantities: Sequence[FieldQuantity], progress: Progress = SILENT
    ) -> ConductivityUncertainty:
        """What the ranges make of some quantities of the field of a coil at a pose.

        Parameters
        ----------
        di_dt : rate of change of the coil current, A/s
        quantities : at least one, of different names

        Raises
        ------
        ValueError : no quantities, or two of one name
        PlacementRefused : a part of the winding lies inside the conductor, or all of it metres away
        NotConverged : a solve did not reach its tolerance
        """
        names = [quantity.name for quantity in quantities]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"a study needs quantities of different names, not {names}")
        begin = perf_counter()
        refuse_placement(self._model.mesh, coil, pose)
        with progress.stage("conductivity uncertainty, solves", MOST_SOLVES) as advance:
            search = self._search(self._primary(coil, pose, di_dt), quantities)
            advance(1)
            for factors in self.factors(self._draws(MOST_SOLVES - 1, seed=0)):
                search.check(factors)
                advance(1)
                if search.good:
                    break
            advance(MOST_SOLVES - search.solves)
        places = self._draws(DRAWS, seed=1)
        factors = self.factors(places)
        with progress.stage("conductivity uncertainty, draws", DRAWS) as advance:
            answers, values = search.answers(), []
            for first in range(0, DRAWS, DRAW_BLOCK):
                values.append(answers.to(factors[first : first + DRAW_BLOCK]))
                advance(len(values[-1]))
            spread = search.spread(factors[:MAP_DRAWS])
        summed = self._summed_up(search, quantities, places, np.concatenate(values))
        return replace(summed, spread=spread, seconds=perf_counter() - begin)

    def factors(self, places: Floats) -> Floats:
        """What each group's own conductivity is multiplied by, (n, n_groups), at places in the ranges (n, d), 0 to 1.

        A place is the fraction of the way from a range's low end to its high one.
        """
        result = np.ones((len(places), len(self._groups)))
        for column, known in enumerate(self.ranges):
            conductivity = known.low + (known.high - known.low) * places[:, column]
            result[:, column] = conductivity / self.nominal[known.tissue]
        return result

    def _draws(self, count: int, seed: int) -> Floats:
        """Places in the ranges that fill their distributions evenly: Sobol's sequence, shifted, by the quantiles."""
        sequence = qmc.Sobol(len(self.ranges), scramble=False).random_base2(int(np.ceil(np.log2(count))))[:count]
        return self._places((sequence + np.random.default_rng(seed).random(len(self.ranges))) % 1)

    def _places(self, probabilities: ArrayLike) -> Floats:
        """Places in the ranges, (n, d), that lie below each with probabilities (n, d) or (n,)."""
        given = np.asarray(probabilities, dtype=float)
        columns = np.broadcast_to(given.T, (len(self.ranges), len(given)))
        places = [beta.ppf(column, known.p, known.q) for known, column in zip(self.ranges, columns, strict=True)]
        return np.stack(places, axis=1)

    def _search(self, primary: Floats, quantities: Sequence[FieldQuantity]) -> "_Search":
        whole = TissueSum(self._model, self._groups, primary)
        return _Search(self._model, whole, self.factors(self._places([0.5]))[0], primary, quantities)

    def _primary(self, coil: Coil, pose: Pose, di_dt: float) -> Floats:
        mesh = self._model.mesh
        nodal = self._model.primary.at(mesh.nodes, coil, pose, di_dt)
        return np.asarray(corner_mean(mesh.tetrahedra, np.ascontiguousarray(nodal, dtype=float)))

    def _summed_up(
        self, search: "_Search", wanted: Sequence[FieldQuantity], places: Floats, values: Floats
    ) -> ConductivityUncertainty:
        shapes = [(known.p, known.q) for known in self.ranges]
        chaos = PolynomialChaos.fitted(shapes, places, values, _order(len(shapes)))
        first, total = chaos.first_order(), chaos.total()
        low, median, high = np.quantile(values, (LOW, 0.5, HIGH), axis=0)
        errors = search.latest_errors.max(axis=0)
        tags = [known.tissue for known in self.ranges]
        quantities = tuple(
            UncertainQuantity(
                name=quantity.name,
                nominal=float(search.nominal[k]),
                rank=float((values[:, k] < search.nominal[k]).mean()),
                median=float(median[k]),
                low=float(low[k]),
                high=float(high[k]),
                mean=float(values[:, k].mean()),
                standard_deviation=float(values[:, k].std()),
                first_order=MappingProxyType(dict(zip(tags, first[:, k].tolist(), strict=True))),
                total=MappingProxyType(dict(zip(tags, total[:, k].tolist(), strict=True))),
                unexplained=float(chaos.unexplained[k]),
                error=float(errors[k]),
                may_vanish=quantity.may_vanish,
            )
            for k, quantity in enumerate(wanted)
        )
        return ConductivityUncertainty(
            quantities=quantities,
            ranges=self.ranges,
            nominal=self.nominal,
            solves=search.solves,
            checks=len(search.latest_errors),
            error=float(errors.max()),
            converged=search.good,
            draws=len(values),
            spread=np.empty(0),
            seconds=0.0,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Looks:
    """Tetrahedra, and where among them each of some quantities looks."""

    quantities: Sequence[FieldQuantity]
    tetrahedra: NDArray[np.intp]
    volumes: Sequence[Floats]
    rows: Sequence[NDArray[np.intp]]

    @classmethod
    def of(cls, quantities: Sequence[FieldQuantity], mesh: TetrahedralMesh) -> "_Looks":
        union = np.unique(np.concatenate([one.tetrahedra for one in quantities]))
        return cls(
            quantities=quantities,
            tetrahedra=union,
            volumes=[mesh.volumes[one.tetrahedra] for one in quantities],
            rows=[np.searchsorted(union, one.tetrahedra) for one in quantities],
        )

    def values(self, e_field: Floats) -> Floats:
        """The quantities of fields (n, n_tetrahedra, 3), (n, k) array, V/m."""
        parts = zip(self.quantities, self.rows, self.volumes, strict=True)
        return np.stack([one.of(e_field[:, rows], volumes) for one, rows, volumes in parts], axis=1)

    def scales(self, e_field: Floats) -> Floats:
        """What errors of the quantities are measured against, of one field (n_tetrahedra, 3), (k,) array, V/m."""
        parts = zip(self.quantities, self.rows, self.volumes, strict=True)
        return np.array([one.scale(e_field[rows], volumes) for one, rows, volumes in parts])

    def needed(self, e_field: Floats) -> list[NDArray[np.bool_]]:
        """Which tetrahedra of each quantity may matter, by one field (n_tetrahedra, 3)."""
        parts = zip(self.quantities, self.rows, self.volumes, strict=True)
        return [one.needed(e_field[rows], volumes) for one, rows, volumes in parts]


class _Search:
    """Solves, each predicted first, that become a basis."""

    def __init__(
        self, model: FieldModel, whole: TissueSum, middle: Floats, primary: Floats, quantities: Sequence[FieldQuantity]
    ) -> None:
        self._model, self._whole = model, whole
        self._primary = primary
        self._preconditioner = Multigrid(whole.matrix(middle))
        self._basis = ReducedBasis(whole)
        self._errors: list[Floats] = []
        self._looks = _Looks.of(quantities, model.mesh)
        self.solves = 0
        potential = self._solved(np.ones(whole.loads.shape[1]), np.zeros(len(whole.loads)))
        e_field = self._e_field(self._looks, potential)
        self.nominal = self._looks.values(e_field[None])[0]
        self._needed = self._looks.needed(e_field)
        self._basis.extend(potential)

    @property
    def latest_errors(self) -> Floats:
        """Of the last checks, (at most CHECKS, k) array, relative to the quantities."""
        return np.array(self._errors[-CHECKS:])

    @property
    def good(self) -> bool:
        """Whether enough checks in a row were within the tolerance."""
        latest = self.latest_errors
        return len(latest) == CHECKS and bool(latest.max() <= TOLERANCE)

    def check(self, factors: Floats) -> None:
        """Predict the quantities at new conductivities, solve there, keep the difference, and take the solution in."""
        guess = self._basis.combined(self._basis.coefficients(factors[None])[0])
        potential = self._solved(factors, guess)
        foreseen, found = (self._e_field(self._looks, one) for one in (guess, potential))
        predicted, exact = self._looks.values(np.stack([foreseen, found]))
        self._errors.append(np.abs(predicted - exact) / np.maximum(self._looks.scales(found), SMALLEST))
        self._needed = [old | new for old, new in zip(self._needed, self._looks.needed(found), strict=True)]
        self._basis.extend(potential)

    def answers(self) -> "_Answers":
        """The basis made ready for many draws."""
        narrowed = [
            one.narrowed(kept, volumes)
            for one, kept, volumes in zip(self._looks.quantities, self._needed, self._looks.volumes, strict=True)
        ]
        looks = _Looks.of(narrowed, self._model.mesh)
        still = self._primary[looks.tetrahedra]
        slopes = [still - self._e_field(looks, vector) for vector in self._basis.vectors]
        return _Answers(
            looks=looks, basis=self._basis, primary=still, slopes=np.array(slopes).reshape(-1, *still.shape)
        )

    def spread(self, factors: Floats) -> Floats:
        """Standard deviation of \\|E\\| over its mean over draws, (n_tetrahedra,) array, NaN where none looks."""
        count, total, squares = len(factors), 0.0, 0.0
        for coefficients in self._basis.coefficients(factors):
            magnitude = np.linalg.norm(self._e_field(self._looks, self._basis.combined(coefficients)), axis=1)
            total, squares = total + magnitude, squares + magnitude**2
        mean = total / count
        result = np.full(len(self._model.mesh.tetrahedra), np.nan)
        result[self._looks.tetrahedra] = np.sqrt(np.maximum(squares / count - mean**2, 0)) / np.maximum(mean, SMALLEST)
        return result

    def _solved(self, factors: Floats, guess: Floats) -> Floats:
        self.solves += 1
        matrix, load = self._whole.matrix(factors), self._whole.load(factors)
        rest = load - matrix @ guess
        rest -= rest.mean()
        size, missing = np.linalg.norm(load - load.mean()), np.linalg.norm(rest)
        if missing <= SOLVER_TOLERANCE * size:
            return guess
        tolerance = SOLVER_TOLERANCE * float(size / missing)
        found = conjugate_gradients(matrix, rest[:, None], self._preconditioner, tolerance).x[:, 0]
        return np.asarray(guess + found - found.mean())

    def _e_field(self, looks: _Looks, potential: Floats) -> Floats:
        """E in the tetrahedra of some looks, (n, 3) array, V/m."""
        mesh = self._model.mesh
        nodal = np.zeros(len(mesh.nodes))
        nodal[self._model.used] = potential
        chosen = np.ascontiguousarray(mesh.tetrahedra[looks.tetrahedra])
        return np.asarray(self._primary[looks.tetrahedra] - gradient(mesh.nodes, chosen, nodal))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Answers:
    """Some quantities for any conductivities, from a basis and the field that each of its vectors makes.

    slopes : (size, n_tetrahedra, 3) array, minus the field of every vector, V/m
    """

    looks: _Looks
    basis: ReducedBasis
    primary: Floats
    slopes: Floats

    def to(self, factors: Floats) -> Floats:
        """The quantities at conductivities (n, n_groups), (n, k) array, V/m."""
        coefficients = self.basis.coefficients(factors)
        return self.looks.values(self.primary - np.tensordot(coefficients, self.slopes, axes=1))


def _own_conductivity(model: FieldModel, tag: int) -> float:
    """Mean conductivity of a tissue in a model, of tensors a third of the trace, by volume, S/m."""
    chosen = model.mesh.tissue == tag
    own = model.conductivity[chosen]
    scalar = own if own.ndim == 1 else np.trace(own, axis1=1, axis2=2) / 3
    volumes = model.mesh.volumes[chosen]
    return float(scalar @ volumes / volumes.sum())


def _order(inputs: int) -> int:
    """The highest total degree whose terms the draws fix with plenty to spare."""
    order = HIGHEST_ORDER
    while order > 2 and comb(inputs + order, order) * DRAWS_PER_TERM > DRAWS:
        order -= 1
    return order
