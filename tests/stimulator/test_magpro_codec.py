"""The frames of a MagVenture MagPro."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.stimulator.magpro import messages, requests
from anodyne.stimulator.magpro.frames import LONGEST_BODY, FrameReader, checksum, framed
from anodyne.stimulator.magpro.messages import (
    LENGTHS,
    AmplitudeFactor,
    AmplitudeNow,
    CoilNow,
    Counter,
    MotorEvokedPotential,
    OriginalAmplitude,
    PageNow,
    PulseGiven,
    Status,
    Status2,
)
from anodyne.stimulator.magpro.requests import (
    Amplitude,
    Enable,
    Page,
    Query,
    SetDelays,
    SetMode,
    SetPage,
    SetTiming,
    SetTrain,
    SinglePulse,
)
from anodyne.stimulator.magpro.settings import (
    Bits,
    Delays,
    MagProModel,
    Mode,
    ModeSettings,
    TimingSettings,
    Waveform,
)


def test_checksum_of_the_reference():
    assert checksum(b"123456789") == 0xA1


@pytest.mark.parametrize(
    ("request_", "frame"),
    [
        (Query.STATUS, "fe 01 00 00 ff"),
        (Amplitude(a_percent=50), "fe 02 01 32 c6 ff"),
        (Enable(on=True), "fe 02 02 01 cf ff"),
        (Enable(on=False), "fe 02 02 00 91 ff"),
        (SinglePulse(), "fe 02 03 01 0b ff"),
        (Query.TRAIN, "fe 01 04 61 ff"),
        (Query.STATUS_2, "fe 01 05 3f ff"),
        (
            SetTrain(rate_tenths=100, pulses=100, trains=30, interval_tenths=200),
            "fe 09 06 00 64 00 64 00 1e 00 c8 97 ff",
        ),
        (SetPage(page=Page.TIMING), "fe 03 07 02 00 eb ff"),
    ],
)
def test_golden_frames(request_, frame):
    assert framed(requests.encode(request_)) == bytes.fromhex(frame)
    assert [requests.decode(body) for body in FrameReader().feed(bytes.fromhex(frame))] == [request_]


def test_both_forms_of_a_single_pulse_are_accepted():
    assert requests.decode(b"\x03") == requests.decode(b"\x03\x01") == SinglePulse()


def test_both_forms_of_delays_are_accepted():
    delays = Delays(trigger_in_tenths=5, trigger_out_tenths=-10, charge_ms=300)
    packed = bytes.fromhex("0005 fff6 012c")
    assert delays.packed() == packed
    for body in (b"\x08" + packed + b"\x00\x00", b"\x0a\x01" + packed):
        assert requests.decode(body) == SetDelays(delays=delays)


@pytest.mark.parametrize(
    ("kind", "frame_length"),
    [(0x00, 13), (0x05, 19), (0x01, 8), (0x02, 8), (0x03, 8), (0x06, 8), (0x07, 8), (0x08, 8), (0x04, 17), (0x09, 14)],
)
def test_frame_lengths_of_the_reference(kind, frame_length):
    assert LENGTHS[kind] + 4 == frame_length


def test_running_is_byte_16_and_page_byte_15():
    status = Status(bits=Bits(), serial=1, coil_celsius=24, coil_type=60, a_percent=50, b_percent=0)
    frame = framed(messages.encode(Status2(status=status, page=2, running=True)))
    assert (frame[15], frame[16]) == (2, 1)
    standing = framed(messages.encode(Status2(status=status, page=2, running=False)))
    assert messages.decode(standing[2:-2]).running is False


def test_status_bits_of_the_reference():
    byte = 0b001_1_11_00
    bits = Bits.unpacked(byte)
    assert (bits.mode, bits.waveform) == (Mode.STANDARD, Waveform.BIPHASIC_BURST)
    assert (bits.enabled, bits.model) == (True, MagProModel.X100)
    assert bits.packed() == byte
    assert Bits.unpacked(0b110_0_00_00) is None


def test_interval_of_bursts_goes_out_high_byte_first_and_comes_back_low_byte_first():
    mode = ModeSettings(interval=0x0102)
    assert mode.packed_to_set()[5:7] == b"\x01\x02"
    assert mode.packed_as_told()[5:7] == b"\x02\x01"
    assert mode.packed_as_told()[4] == 5 - mode.burst_pulses


def test_begin_and_end_inside_a_body_do_not_break_it():
    body = requests.encode(SetDelays(delays=Delays(trigger_out_tenths=-2, trigger_in_tenths=0xFEFF, charge_ms=0xFF)))
    assert 0xFE in body
    assert 0xFF in body
    assert FrameReader().feed(framed(body)) == [body]


@pytest.mark.parametrize("number", [-1, 0x10000])
def test_number_that_does_not_fit_is_refused(number):
    with pytest.raises(ValueError, match="two bytes"):
        requests.encode(SetTrain(rate_tenths=number, pulses=1, trains=1, interval_tenths=1))


@pytest.mark.parametrize("percent", [-1, 101])
def test_amplitude_out_of_range_is_refused(percent):
    with pytest.raises(ValueError, match="0 to 100 %"):
        requests.encode(Amplitude(a_percent=percent))
    assert requests.decode(bytes([1, percent & 0xFF])) is None


# Any value there and back

byte, word = st.integers(0, 0xFF), st.integers(0, 0xFFFF)
percents = st.integers(0, 100)
bits = st.builds(
    Bits, mode=st.sampled_from(Mode), waveform=st.sampled_from(Waveform), enabled=st.booleans(),
    model=st.sampled_from(MagProModel),
)  # fmt: skip
delays = st.builds(
    Delays, trigger_in_tenths=word, trigger_out_tenths=st.integers(-0x8000, 0x7FFF), charge_ms=word
)  # fmt: skip
modes = st.builds(
    ModeSettings, model=st.sampled_from(MagProModel), mode=st.sampled_from(Mode), direction=byte,
    waveform=st.sampled_from(Waveform), burst_pulses=st.integers(2, 5), interval=word, ratio_hundredths=word,
)  # fmt: skip
timings = st.builds(
    TimingSettings, control=byte, rate_tenths=word, pulses=word, trains=word, interval_tenths=word,
    warning=st.booleans(),
)  # fmt: skip
statuses = st.builds(
    Status, bits=bits, serial=st.integers(0, 0xFFFFFF), coil_celsius=byte, coil_type=byte, a_percent=byte,
    b_percent=byte,
)  # fmt: skip
volts = st.integers(-(2**31), 2**31 - 1)
told = st.one_of(
    *(st.builds(kind, first=byte, second=byte, bits=bits) for kind in (
        AmplitudeNow, PulseGiven, CoilNow, OriginalAmplitude, AmplitudeFactor, PageNow
    )),
    delays, modes, timings, statuses,
    st.builds(
        Status2, status=statuses, original_a=byte, original_b=byte, factor_a=byte, factor_b=byte, page=byte,
        running=st.booleans(),
    ),
    st.builds(
        MotorEvokedPotential, maximum_uv=volts, minimum_uv=volts, time_of_maximum_us=st.integers(0, 2**32 - 1)
    ),
    st.builds(Counter, page=byte, pulses=st.integers(0, 2**32 - 1)),
)  # fmt: skip
asked = st.one_of(
    st.sampled_from(Query),
    st.builds(Amplitude, a_percent=percents, b_percent=st.none() | percents),
    st.builds(Enable, on=st.booleans()),
    st.just(SinglePulse()),
    st.builds(SetTrain, rate_tenths=word, pulses=word, trains=word, interval_tenths=word),
    st.builds(SetPage, page=st.sampled_from(Page)),
    st.builds(SetDelays, delays=delays),
    st.builds(SetMode, mode=modes),
    st.builds(SetTiming, timing=timings),
)


@given(told)
def test_messages_there_and_back(message):
    body = messages.encode(message)
    assert len(body) == LENGTHS[body[0]]
    assert messages.decode(body) == message


@given(asked)
def test_requests_there_and_back(request_):
    assert requests.decode(requests.encode(request_)) == request_


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


bodies = st.one_of(told.map(messages.encode), asked.map(requests.encode))


@given(st.lists(bodies, min_size=1, max_size=4), st.lists(st.integers(0, 80), max_size=6))
def test_frames_in_any_pieces(sent, cuts):
    reader = FrameReader()
    data = b"".join(framed(body) for body in sent)
    assert [body for piece in pieces(data, cuts) for body in reader.feed(piece)] == sent
    assert reader.held == b""
    assert reader.dropped == 0


@given(st.binary(max_size=60), bodies, st.lists(st.integers(0, 100), max_size=6))
def test_noise_costs_no_frame_behind_it(noise, body, cuts):
    reader = FrameReader()
    frame = framed(body)
    found = [each for piece in pieces(noise + frame, cuts) for each in reader.feed(piece)]
    found += reader.settle()
    sound_in_noise = FrameReader().feed(noise)
    if found[-1:] != [body]:  # only where noise and the frame's beginning make a sound frame of their own
        assert any(framed(each) in noise + frame and framed(each) not in noise for each in found), sound_in_noise
    assert reader.held == b""


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_are_borne(chunks):
    reader = FrameReader()
    for chunk in chunks:
        for body in reader.feed(chunk):
            requests.decode(body)
            messages.decode(body)
        assert len(reader.held) < LONGEST_BODY + 4
    reader.settle()
    assert reader.feed(framed(b"\x05")) == [b"\x05"]


@given(st.binary(min_size=1, max_size=LONGEST_BODY))
def test_any_body_is_a_message_or_none(body):
    for message in (messages.decode(body), requests.decode(body)):
        assert message is None or message is not body


def test_frame_that_broke_off_does_not_hold_up_the_next_for_ever():
    reader = FrameReader()
    broken_off = framed(requests.encode(SetTrain(rate_tenths=100, pulses=100, trains=1, interval_tenths=10)))[:4]
    assert reader.feed(broken_off + framed(b"\x00")) == []  # bytes of the first may still come
    assert reader.settle() == [b"\x00"]


@pytest.mark.parametrize("frame", ["fe 01 05 3f 00", "fe 01 05 3e ff", "fe 00 00 ff", "fe ff 05 3f ff"])
def test_frame_without_its_checksum_length_or_end_is_none(frame):
    reader = FrameReader()
    assert reader.feed(bytes.fromhex(frame)) + reader.settle() == []
    assert reader.dropped == len(bytes.fromhex(frame))
