"""The solvers by name: what each is for, and how to make one for a head."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, cast

from numpy.typing import ArrayLike

from anodyne.coil import Coil, Pose
from anodyne.errors import NotAvailable
from anodyne.field.carrying import find_device
from anodyne.field.charges.model import ChargeModel
from anodyne.field.electric import ElectricField
from anodyne.field.elements.first_order import FieldModel
from anodyne.field.elements.second_order import SecondOrderModel
from anodyne.field.primary.fields import FittedSphere
from anodyne.head import Conductivities, TetrahedralMesh
from anodyne.names import unknown_name
from anodyne.progress import SILENT, Progress

Conductivity = Conductivities | ArrayLike | None


class Solver(Protocol):
    """A head made ready once, to be solved for any coil at any pose."""

    mesh: TetrahedralMesh

    def solve(self, coil: Coil, pose: Pose, di_dt: float, progress: Progress = SILENT) -> ElectricField:
        """The E-field a coil at a pose induces while its current changes by `di_dt` (A/s).

        Raises
        ------
        PlacementRefused : a part of the winding lies inside the conductor
        NotConverged : the linear solver did not reach its tolerance
        """

    def solve_many(
        self, coil: Coil, poses: Sequence[Pose], di_dt: float, progress: Progress = SILENT
    ) -> list[ElectricField]:
        """As `solve` for several poses, sharing what can be shared."""


class Portable(Solver, Protocol):
    """A solver whose work another array library can do."""

    def on(self, namespace: Any, device: Any = None) -> Solver:
        """The same in another array library, on one of its devices."""


@dataclass(frozen=True, kw_only=True)
class SolverEntry:
    """A solver that can be asked for by name.

    Attributes
    ----------
    name : on the command line
    label : in words
    purpose : when to take it
    tensors : whether it takes anisotropic conductivity
    build : makes it ready for a mesh
    devices : whether it can compute on a graphics card
    """

    name: str
    label: str
    purpose: str
    tensors: bool
    build: Callable[[TetrahedralMesh, Conductivity, Progress], Solver | Portable]
    devices: bool = True

    def make(
        self,
        mesh: TetrahedralMesh,
        conductivity: Conductivity = None,
        progress: Progress = SILENT,
        device: str | None = None,
    ) -> Solver:
        """The solver made ready for a head.

        Parameters
        ----------
        conductivity : a table by tissue, or (n_tetrahedra,) or (n_tetrahedra, 3, 3) array, S/m
        device : a device of PyTorch such as "cuda"; the processor if None

        Raises
        ------
        ValueError : conductivities of the wrong shape, not positive or not finite
        NotAvailable : no such device on this machine, or a solver that only the processor can run
        """
        if device is None:
            return self.build(mesh, conductivity, progress)
        if not self.devices:
            able = ", ".join(entry.name for entry in SOLVERS.values() if entry.devices)
            raise NotAvailable(f"solver {self.name} runs on the processor only; leave --device out, or take {able}")
        namespace, place = find_device(device)
        model = self.build(mesh, conductivity, progress)
        with progress.stage(f"carry to {device}"):
            return cast(Portable, model).on(namespace, place)


def _first_order(mesh: TetrahedralMesh, conductivity: Conductivity, progress: Progress) -> Solver:
    return FieldModel(mesh, conductivity, progress=progress)


def _first_order_in_sphere(mesh: TetrahedralMesh, conductivity: Conductivity, progress: Progress) -> Solver:
    return FieldModel(mesh, conductivity, primary=FittedSphere.to(mesh), progress=progress)


def _second_order(mesh: TetrahedralMesh, conductivity: Conductivity, progress: Progress) -> Solver:
    return SecondOrderModel(mesh, conductivity, progress=progress)


def _charges(mesh: TetrahedralMesh, conductivity: Conductivity, progress: Progress) -> Solver:
    return ChargeModel(mesh, conductivity, progress=progress)


DEFAULT_SOLVER = "fem2"
"""The solver that is taken where none is named."""

SOLVERS = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            SolverEntry(
                name="fem2",
                label="second-order finite elements in brain and fluid, first-order elsewhere",
                purpose="the default: the smallest error for its cost",
                tensors=True,
                build=_second_order,
            ),
            SolverEntry(
                name="fem1",
                label="first-order finite elements, dA/dt averaged over corners",
                purpose="the same numbers as SimNIBS on the same mesh; quick looks and placement search",
                tensors=True,
                build=_first_order,
            ),
            SolverEntry(
                name="fem1-sphere",
                label="first-order finite elements on top of the closed form of a fitted sphere",
                purpose="round conductors; in a folded brain hardly better than fem1",
                tensors=True,
                build=_first_order_in_sphere,
            ),
            SolverEntry(
                name="bem",
                label="charges on the tissues' boundaries, summed by a fast multipole method",
                purpose="an independent check of the others; slow",
                tensors=False,
                build=_charges,
                devices=False,
            ),
        )
    }
)
"""Every solver, by name."""


def find_solver(name: str | None = None) -> SolverEntry:
    """The solver of a name, the default one for None.

    Raises
    ------
    UnknownName : nobody has heard of it

    >>> find_solver().name
    'fem2'
    """
    wanted = DEFAULT_SOLVER if name is None else name
    if wanted not in SOLVERS:
        raise unknown_name("solver", wanted, SOLVERS, "see 'anodyne field solvers'")
    return SOLVERS[wanted]


def solve(
    mesh: TetrahedralMesh,
    coil: Coil,
    pose: Pose,
    di_dt: float,
    conductivity: Conductivity = None,
    solver: str | None = None,
) -> ElectricField:
    """The E-field of one coil at one pose in one head; for several poses make one solver and keep it.

    Parameters
    ----------
    di_dt : rate of change of the coil current, A/s
    conductivity : a table by tissue, or (n_tetrahedra,) or (n_tetrahedra, 3, 3) array, S/m
    solver : one of the names in `SOLVERS`, the default one if None

    Raises
    ------
    UnknownName : no such solver
    PlacementRefused : a part of the winding lies inside the conductor
    NotConverged : the linear solver did not reach its tolerance
    """
    return find_solver(solver).make(mesh, conductivity).solve(coil, pose, di_dt)
