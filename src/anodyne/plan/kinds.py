"""The two kinds of plan, for a head and for the body, and the published schema of each."""

import json
from collections.abc import Mapping
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Any

Document = dict[str, Any]
"""A plan as plan.json holds it; `plan_schema` says which keys there are."""


class PlanKind(Enum):
    """What a plan is for; its value stands under ``schema`` in plan.json."""

    HEAD = "anodyne-plan"
    PERIPHERAL = "anodyne-peripheral-plan"

    @property
    def file(self) -> str:
        """The file of its schema."""
        return {PlanKind.HEAD: "plan.schema.json", PlanKind.PERIPHERAL: "peripheral-plan.schema.json"}[self]


@cache
def plan_schema(kind: PlanKind = PlanKind.HEAD) -> Mapping[str, Any]:
    """The JSON Schema (draft 2020-12) of plan.json."""
    text = files("anodyne.plan").joinpath(kind.file).read_text(encoding="utf-8")
    schema: Mapping[str, Any] = json.loads(text)
    return schema


def plan_kind(document: Mapping[str, Any]) -> PlanKind:
    """What a plan that was read is for."""
    return PlanKind(document["schema"])
