"""Words of a report for those who are not physicists."""

GLOSSARY: tuple[tuple[str, str], ...] = (
    (
        "A/µs",
        "amperes per microsecond: how fast the current in the coil rises. The E-field is proportional to it.",
    ),
    ("Casing", "the coil's plastic shell; heights from the casing are what a ruler measures."),
    (
        "DLPFC",
        "dorsolateral prefrontal cortex: the part of the frontal lobe behind the upper outer forehead.",
    ),
    (
        "E-field",
        "electric field: what a magnetic pulse induces in tissue, and what acts on nerve cells; |E| is its strength.",
    ),
    ("Focality", "the volume of grey matter in which |E| exceeds half of its peak: small means precise."),
    ("Grey matter", "the brain's tissue that holds the nerve cells' bodies; the cortex is its outer sheet."),
    (
        "Head coordinates",
        "millimetres in the space of the head's T1 image: x to the patient's right, y to the front, z upwards.",
    ),
    ("ITI", "inter-train interval: the pause between two trains of pulses."),
    ("M1, S1, S2", "primary motor, primary and secondary somatosensory cortex."),
    ("MNI152", "the coordinates of a standard average brain; their origin is the anterior commissure."),
    ("MSO", "maximum stimulator output: strength is given as a percentage of it."),
    (
        "Normal component",
        "the part of the E-field along the outward normal of the cortex; positive points out of the brain.",
    ),
    (
        "99.9th percentile",
        "the value exceeded in a thousandth of the volume: a peak that does not hang on one point of the mesh.",
    ),
    ("Percentile", "the value that so many per cent do not exceed; nine in ten lie between the 5th and the 95th."),
    ("Pose", "position and direction of the coil, as a table of numbers that a navigator reads."),
    (
        "RMT",
        "resting motor threshold: the lowest strength that makes a relaxed muscle, mostly of the hand, twitch in "
        "half of the trials. It adapts the dose to the person.",
    ),
    (
        "rTMS",
        "repetitive transcranial magnetic stimulation: trains of magnetic pulses through the intact skull.",
    ),
    ("Train", "pulses in a row at one frequency; a session is one or more trains with pauses."),
    ("V/m", "volts per metre: the unit of the E-field."),
)

_SHARED = ("A/µs", "ITI", "MSO", "Train")

GLOSSARY_OF_THE_BODY: tuple[tuple[str, str], ...] = tuple(
    sorted(
        (
            *(entry for entry in GLOSSARY if entry[0] in _SHARED),
            (
                "Comfort",
                "the strongest output that the person tolerates at the site; some protocols are dosed by it.",
            ),
            ("dI/dt", "how fast the current in the coil rises; what a pulse does is proportional to it."),
            ("rPMS", "repetitive peripheral magnetic stimulation: trains of magnetic pulses over a muscle or nerve."),
            (
                "Twitch threshold",
                "the lowest output at which the muscle at the site twitches; it is no motor threshold of the head.",
            ),
        ),
        key=lambda entry: entry[0].casefold(),
    )
)
"""The same for a plan for the body."""
