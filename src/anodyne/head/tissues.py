"""Tissues, their tags, and how well they conduct."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from math import isfinite
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Tissue(IntEnum):
    """What a tetrahedron is made of; the value is its tag in a mesh or label image.

    The numbers are those of SimNIBS 4.5 (its ElementTags), so that files go back and forth.

    >>> Tissue.GREY_MATTER.value, Tissue.GREY_MATTER.label
    (2, 'grey matter')
    """

    WHITE_MATTER = 1
    GREY_MATTER = 2
    CEREBROSPINAL_FLUID = 3
    BONE = 4
    SCALP = 5
    EYES = 6
    COMPACT_BONE = 7
    SPONGY_BONE = 8
    BLOOD = 9
    MUSCLE = 10
    CARTILAGE = 11
    FAT = 12
    ELECTRODE_RUBBER = 100
    SALINE = 500

    @property
    def label(self) -> str:
        """The name as a person writes it."""
        return self.name.replace("_", " ").lower()

    @property
    def surface_tag(self) -> int:
        """The tag of this tissue's outer triangles in a mesh file: 1000 more."""
        return SURFACE_TAG_OFFSET + self.value


SURFACE_TAG_OFFSET = 1000
"""Triangles of a tissue's surface carry this much more than the tissue's own tag (SimNIBS)."""


def tissue_name(tag: int) -> str:
    """The name of a tag, known or not.

    >>> tissue_name(3), tissue_name(42)
    ('cerebrospinal fluid', 'tag 42')
    """
    return Tissue(tag).label if tag in set(Tissue) else f"tag {tag}"


SIMNIBS_VALUES: Mapping[int, float] = MappingProxyType(
    {
        Tissue.WHITE_MATTER: 0.126,
        Tissue.GREY_MATTER: 0.275,
        Tissue.CEREBROSPINAL_FLUID: 1.654,
        Tissue.BONE: 0.010,
        Tissue.SCALP: 0.465,
        Tissue.EYES: 0.5,
        Tissue.COMPACT_BONE: 0.008,
        Tissue.SPONGY_BONE: 0.025,
        Tissue.BLOOD: 0.6,
        Tissue.MUSCLE: 0.16,
        Tissue.CARTILAGE: 0.88,
        Tissue.FAT: 0.078,
        Tissue.ELECTRODE_RUBBER: 29.4,
        Tissue.SALINE: 1.0,
    }
)
"""Isotropic conductivity by tag, S/m; for where each comes from see `SIMNIBS_SOURCE`."""

SIMNIBS_SOURCE = "defaults of SimNIBS 4.5, utils/mesh_element_properties.py"
"""Where `SIMNIBS_VALUES` was taken from.

The literature behind it, as recalled and not checked line by line: Wagner et al. 2004 (IEEE Trans. Biomed.
Eng. 51, 1586) for white and grey matter, cerebrospinal fluid, bone and scalp; Opitz et al. 2015 (NeuroImage
109, 140) for eyes, compact and spongy bone; Gabriel et al. 2009 (Phys. Med. Biol. 54, 4863) for blood and
muscle. No source is recalled for cartilage, fat, rubber and saline.
"""


@dataclass(frozen=True, kw_only=True)
class Conductivities:
    """How well each tissue conducts: a fixed table from tag to S/m.

    Parameters
    ----------
    values : tissue tag -> conductivity, S/m
    source : where the numbers come from

    Raises
    ------
    ValueError : a conductivity that is not a positive finite number, or a tag below 1

    >>> Conductivities().of([1, 3])
    array([0.126, 1.654])
    >>> Conductivities().replaced({4: 0.02}).values[Tissue.BONE]
    0.02
    """

    values: Mapping[int, float] = field(default_factory=lambda: SIMNIBS_VALUES)
    source: str = SIMNIBS_SOURCE

    def __post_init__(self) -> None:
        for tag, value in self.values.items():
            if tag < 1:
                raise ValueError(f"a tissue tag is 1 or more, not {tag}")
            if not (isfinite(value) and value > 0):
                raise ValueError(f"conductivity of {tissue_name(tag)} must be positive and finite, not {value} S/m")
        frozen = MappingProxyType({int(tag): float(value) for tag, value in self.values.items()})
        object.__setattr__(self, "values", frozen)

    def __hash__(self) -> int:
        return hash((frozenset(self.values.items()), self.source))

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Conductivities, values=dict(self.values), source=self.source), ()

    def replaced(self, changes: Mapping[int, float], source: str = "given by the user") -> "Conductivities":
        """This table with some tissues changed or added, S/m; `source` says where those come from."""
        if not changes:
            return self
        changed = ", ".join(tissue_name(tag) for tag in changes)
        return Conductivities(values={**self.values, **changes}, source=f"{self.source}; {changed}: {source}")

    def of(self, tissue: ArrayLike) -> NDArray[np.float64]:
        """The conductivity of each tissue tag in an array of any shape, S/m.

        Raises
        ------
        ValueError : a tag that this table does not know; the message names every such tag
        """
        tags = np.asarray(tissue)
        conductivity = np.zeros(tags.shape)
        for tag, value in self.values.items():
            conductivity[tags == tag] = value
        unknown = np.unique(tags[conductivity == 0])
        if len(unknown):
            listed = ", ".join(map(str, unknown))
            raise ValueError(f"no conductivity is known for tissue tag {listed}; give one in S/m for each")
        return conductivity
