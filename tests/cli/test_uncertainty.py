"""``--uncertainty``: it reaches the plan, and the plan on a terminal says what it found."""

from anodyne.cli.plan_view import summary
from anodyne.cli.tables import show
from anodyne.field import published_ranges
from anodyne.plan import plan_document


def test_option_reaches_the_plan(succeed, plan_words, hasty):
    succeed(*plan_words, "--out", "plan")
    succeed(*plan_words, "--out", "other", "--uncertainty")
    without, given = hasty
    assert without.conductivity_ranges is None
    assert given.conductivity_ranges == tuple(published_ranges().values())


def test_terminal_tells_the_interval(planned, capsys):
    document = plan_document(planned.plan)
    name = document["target"]["name"]
    document["uncertainty"] = {
        "quantities": [
            {
                "name": name,
                "percentile_5_v_per_m": 48.21,
                "percentile_95_v_per_m": 71.93,
                "contributors": [
                    {"tissue": "grey matter", "first_order": 0.66, "total": 0.67},
                    {"tissue": "white matter", "first_order": 0.32, "total": 0.33},
                    {"tissue": "bone", "first_order": 0.01, "total": 0.01},
                ],
            }
        ]
    }
    show(*summary(document))
    text = " ".join(capsys.readouterr().out.split())
    assert "|E| at the target 48.2 to 71.9 V/m (5th to 95th percentile)" in text
    assert "grey matter 67%, white matter 33%" in text
    assert "bone" not in text.split("of the variance")[1][:60]
