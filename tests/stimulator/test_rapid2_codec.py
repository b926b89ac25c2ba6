"""The bytes of a Magstim Rapid²."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.stimulator.faults import DeviceFault, FaultKind
from anodyne.stimulator.rapid2.commands import (
    DIGITS,
    EXTENDED_ONLY,
    Command,
    CommandReader,
    Verb,
    checksum,
    encode,
)
from anodyne.stimulator.rapid2.firmware import Rapid2Firmware
from anodyne.stimulator.rapid2.replies import (
    WITH_RAPID_STATUS,
    ChargeDelay,
    ErrorCode,
    Parameters,
    Refusal,
    Reply,
    ReplyReader,
    Temperatures,
    Version,
    decode_reply,
    encode_refusal,
    encode_reply,
    payload_widths,
    reply_length,
)
from anodyne.stimulator.rapid2.status import ExtendedStatus, InstrumentStatus, RapidStatus

V5, V7, V9, V10 = Rapid2Firmware

GOLDEN = [
    ("Q@", "n"), ("R@", "m"), ("@050", "*"), ("EB", "x"), ("EA", "y"), ("EH", "r"), ("J@", "u"), ("F@", "y"),
    ("Y@", "f"), ("Z@", "e"), ("X@", "g"), ("\\@", "c"), ("ND", "m"), ("I@", "v"), ("^@", "a"), ("_@", "`"),
    ("b@", "]"), ("x@", "G"), ("o@", "P"),
]  # fmt: skip
"""Commands and their checksums as the reference has them, the ones that are not spoken here too."""


@pytest.mark.parametrize(("body", "seal"), GOLDEN)
def test_checksums_of_the_reference(body, seal):
    assert chr(checksum(body.encode())) == seal


@pytest.mark.parametrize(
    ("command", "frame"),
    [
        (Command(verb=Verb.REMOTE_ON), b"Q@n"),
        (Command(verb=Verb.REMOTE_OFF), b"R@m"),
        (Command(verb=Verb.POWER, value=50), b"@050*"),
        (Command(verb=Verb.ARM), b"EBx"),
        (Command(verb=Verb.DISARM), b"EAy"),
        (Command(verb=Verb.TRIGGER), b"EHr"),
        (Command(verb=Verb.TEMPERATURE), b"F@y"),
        (Command(verb=Verb.PARAMETERS), b"\\@c"),
        (Command(verb=Verb.VERSION), b"NDm"),
        (Command(verb=Verb.ERROR_CODE), b"I@v"),
        (Command(verb=Verb.ENHANCED_ON), b"^@a"),
        (Command(verb=Verb.ENHANCED_OFF), b"_@`"),
        (Command(verb=Verb.SYSTEM_STATUS), b"x@G"),
        (Command(verb=Verb.CHARGE_DELAY), b"o@P"),
    ],
)
def test_golden_frames(command, frame):
    assert encode(command, V9) == frame


@pytest.mark.parametrize(
    ("firmware", "verb", "value", "data"),
    [
        (V5, Verb.PULSES, 250, b"D0250"),
        (V7, Verb.PULSES, 250, b"D0250"),
        (V9, Verb.PULSES, 250, b"D00250"),
        (V10, Verb.PULSES, 6000, b"D06000"),
        (V5, Verb.DURATION, 10, b"[010"),
        (V9, Verb.DURATION, 10, b"[0010"),
        (V5, Verb.DURATION, 0, b"[000"),
        (V9, Verb.DURATION, 0, b"[0000"),
        (V9, Verb.RATE, 100, b"B0100"),
        (V9, Verb.SET_CHARGE_DELAY, 2000, b"n2000"),
        (V10, Verb.SET_CHARGE_DELAY, 10000, b"n10000"),
    ],
)
def test_widths_by_firmware(firmware, verb, value, data):
    frame = encode(Command(verb=verb, value=value), firmware)
    assert frame == data + bytes([checksum(data)])


@pytest.mark.parametrize(
    ("verb", "lengths"),
    [
        (Verb.REMOTE_ON, (3, 3, 3, 3)),
        (Verb.POWER, (3, 3, 3, 3)),
        (Verb.ARM, (3, 3, 3, 3)),
        (Verb.TEMPERATURE, (9, 9, 9, 9)),
        (Verb.RATE, (4, 4, 4, 4)),
        (Verb.PARAMETERS, (21, 22, 24, 24)),
        (Verb.ERROR_CODE, (6, 6, 6, 6)),
        (Verb.ENHANCED_ON, (4, 4, 4, 4)),
        (Verb.SYSTEM_STATUS, (None, None, 6, 6)),
        (Verb.SET_CHARGE_DELAY, (None, None, 4, 6)),
        (Verb.CHARGE_DELAY, (None, None, 7, 8)),
    ],
)
def test_reply_lengths_by_firmware(verb, lengths):
    for firmware, length in zip(Rapid2Firmware, lengths, strict=True):
        if length is not None:
            assert reply_length(verb, firmware) == length


def test_interlock_override_is_not_spoken():
    assert b"b@" not in [verb.value for verb in Verb]
    assert CommandReader(V9).feed(b"b@]") == [None]


@pytest.mark.parametrize("command", [Command(verb=Verb.POWER, value=1000), Command(verb=Verb.POWER, value=-1)])
def test_number_that_does_not_fit_is_refused(command):
    with pytest.raises(ValueError, match="3 digits"):
        encode(command, V9)


def test_command_of_later_firmware_is_refused():
    with pytest.raises(ValueError, match="V7 has no command system status"):
        encode(Command(verb=Verb.SYSTEM_STATUS), V7)


@pytest.mark.parametrize(
    ("digits", "major"), [("5", 5), ("500", 5), ("700", 7), ("900", 9), ("1000", 10), ("10.1", 10), ("9.2.1", 9)]
)
def test_version(digits, major):
    frame = b"N" + digits.encode() + b"\x00"
    frame += bytes([checksum(frame)])
    found = ReplyReader(Verb.VERSION, V9).feed(frame)
    assert found == Reply(verb=Verb.VERSION, payload=Version(digits=digits))
    assert found.payload.major == major


def test_firmware_of_version():
    assert [Rapid2Firmware.of_version(n).name for n in (4, 5, 6, 7, 8, 9, 10, 12)] == [
        *("V5", "V5", "V5", "V7", "V7", "V9", "V10", "V10")
    ]


# Any value there and back

firmwares = st.sampled_from(Rapid2Firmware)


@st.composite
def commands(draw):
    firmware = draw(firmwares)
    verb = draw(st.sampled_from([each for each in Verb if firmware.extended or each not in EXTENDED_ONLY]))
    value = draw(st.integers(0, 10 ** DIGITS[verb][firmware] - 1)) if verb in DIGITS else None
    return firmware, Command(verb=verb, value=value)


@st.composite
def replies(draw):
    firmware, command = draw(commands())
    verb = command.verb
    if verb is Verb.VERSION:
        return firmware, Reply(
            verb=verb, payload=Version(digits=draw(st.from_regex(r"[1-9][0-9]{0,5}", fullmatch=True)))
        )
    numbers = [draw(st.integers(0, 10**width - 1)) for width in payload_widths(verb, firmware)]
    payload = {
        Verb.PARAMETERS: lambda: Parameters(
            power_percent=numbers[0], rate_tenths=numbers[1], pulses=numbers[2],
            duration_tenths=numbers[3], wait_tenths=numbers[4],
        ),
        Verb.TEMPERATURE: lambda: Temperatures(first_tenths_celsius=numbers[0], second_tenths_celsius=numbers[1]),
        Verb.ERROR_CODE: lambda: ErrorCode(source=draw(st.sampled_from("UCE")), number=numbers[1]),
        Verb.CHARGE_DELAY: lambda: ChargeDelay(delay_ms=numbers[0]),
        Verb.SYSTEM_STATUS: lambda: ExtendedStatus(draw(st.integers(0, 7))),
        Verb.SET_CHARGE_DELAY: lambda: ExtendedStatus(draw(st.integers(0, 7))) if numbers else None,
    }.get(verb, lambda: None)()  # fmt: skip
    status = draw(st.integers(0, 255).filter(lambda byte: byte not in b"?S"))
    rapid = RapidStatus(draw(st.integers(0, 255))) if verb in WITH_RAPID_STATUS else None
    return firmware, Reply(verb=verb, instrument=InstrumentStatus(status), rapid=rapid, payload=payload)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


@given(commands(), st.lists(st.integers(0, 12), max_size=4))
def test_commands_there_and_back(case, cuts):
    firmware, command = case
    reader = CommandReader(firmware)
    found = [each for piece in pieces(encode(command, firmware) * 2, cuts) for each in reader.feed(piece)]
    assert found == [command, command]
    assert not reader.mid_command


@given(st.text("0123456789abcdef-", min_size=1, max_size=16))
def test_unlock_code_there_and_back(code):
    command = Command(verb=Verb.REMOTE_ON, code=code)
    assert CommandReader(V9, code).feed(encode(command, V9)) == [command]


@given(replies())
def test_replies_there_and_back(case):
    firmware, reply = case
    frame = encode_reply(reply, firmware)
    assert decode_reply(frame, reply.verb, firmware) == reply
    if reply.verb is not Verb.VERSION:
        assert len(frame) == reply_length(reply.verb, firmware)


@given(replies(), st.binary(max_size=40), st.lists(st.integers(0, 70), max_size=6))
def test_good_reply_is_found_behind_noise_in_any_pieces(case, noise, cuts):
    firmware, reply = case
    frame = encode_reply(reply, firmware)
    reader = ReplyReader(reply.verb, firmware)
    found = [each for piece in pieces(noise + frame, cuts) if (each := reader.feed(piece)) is not None]
    assert found
    if found[0] != reply:  # only where the noise itself holds, or completes, a sound answer
        prefixes = [(noise + frame)[begin:end] for end in range(len(noise + frame)) for begin in range(end)]
        assert any(decode_reply(each, reply.verb, firmware) == found[0] for each in prefixes)


@given(firmwares, st.sampled_from(Verb), st.lists(st.binary(max_size=30), max_size=5))
def test_any_bytes_give_a_reply_or_one_fault(firmware, verb, chunks):
    reader = ReplyReader(verb, firmware)
    for chunk in chunks:
        reader.feed(chunk)
    fault = reader.fault()
    assert isinstance(fault, DeviceFault)
    assert "\n" not in str(fault)


@given(firmwares, st.lists(st.binary(max_size=30), max_size=5))
def test_any_bytes_leave_the_device_able_to_hear(firmware, chunks):
    reader = CommandReader(firmware)
    for chunk in chunks:
        reader.feed(chunk)
    reader.abandon()
    assert reader.feed(b"EAy") == [Command(verb=Verb.DISARM)]


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.VERSION])
@pytest.mark.parametrize("refusal", Refusal)
def test_refusals(verb, refusal):
    frame = encode_refusal(refusal, verb)
    reader = ReplyReader(verb, V9)
    found = reader.feed(frame)
    if refusal is Refusal.NOT_UNDERSTOOD:
        assert frame == b"?"
        assert found is None
        assert reader.fault().kind is FaultKind.UNKNOWN_COMMAND
    else:
        assert found is refusal


def test_each_way_to_fail_has_its_kind():
    frame = encode_reply(
        Reply(
            verb=Verb.TEMPERATURE,
            instrument=InstrumentStatus.STANDBY,
            payload=Temperatures(first_tenths_celsius=240, second_tenths_celsius=241),
        ),
        V9,
    )
    cases = {
        b"": FaultKind.SILENT,
        frame[:4]: FaultKind.PARTIAL,
        frame[:3] + frame[4:]: FaultKind.PARTIAL,
        frame[:-1] + b"!": FaultKind.WRONG_CHECKSUM,
        b"something else entirely": FaultKind.UNEXPECTED_REPLY,
    }
    for data, kind in cases.items():
        reader = ReplyReader(Verb.TEMPERATURE, V9)
        assert reader.feed(data) is None
        assert reader.fault().kind is kind
