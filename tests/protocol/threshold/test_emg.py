"""Evoked potentials read from epochs of EMG, and files that hold them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from anodyne.errors import UnreadableFile
from anodyne.protocol import EmgEpoch, MepCriteria, VirtualPatient, read_epoch, read_mep
from anodyne.units import ms


def epoch(*, rate=5000.0, mep=0.0, before=0.0, offset=0.0, begin=-120 * ms, end=80 * ms):
    """A potential of this range around 30 ms, and a wave of this range before the pulse."""
    time = begin + np.arange(round((end - begin) * rate) + 1) / rate
    emg = mep / 2 * np.sin(2 * np.pi * (time - 0.025) / 0.01) * ((time > 0.025) & (time < 0.035))
    emg += before / 2 * np.sin(2 * np.pi * 100 * time) * (time < -0.002)
    return EmgEpoch(samples=emg + offset, rate=rate, start=begin)


@given(st.floats(0, 5e-3), st.floats(-1e-3, 1e-3))
def test_the_amplitude_runs_from_peak_to_peak_whatever_the_offset(mep, offset):
    reading = read_mep(epoch(mep=mep, offset=offset))
    assert_allclose(reading.amplitude, mep, rtol=0.01, atol=1e-12)
    assert reading.responded == (reading.amplitude >= 50e-6)


def test_the_artefact_lies_outside_the_window():
    time = epoch().times
    emg = epoch(mep=80e-6).samples + 0.02 * ((time >= 0) & (time < 5 * ms))
    assert_allclose(read_mep(EmgEpoch(samples=emg, rate=5000.0, start=-120 * ms)).amplitude, 80e-6, rtol=0.01)


def test_an_active_muscle_is_not_counted():
    reading = read_mep(epoch(mep=500e-6, before=60e-6))
    assert reading.is_preactivated
    assert "not counted" in reading.in_words
    assert "60 µV" in reading.in_words
    looser = MepCriteria(largest_baseline=100e-6)
    assert not read_mep(epoch(mep=500e-6, before=60e-6), looser).is_preactivated


def test_the_earlier_peak_gives_the_latency():
    assert_allclose(read_mep(epoch(mep=1e-3)).latency, 27.5 * ms, atol=0.3 * ms)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rate": 3000.0}, "too coarse"),
        ({"rate": float("nan")}, "too coarse"),
        ({"samples": np.full(1000, np.nan)}, "no finite numbers"),
        ({"samples": np.zeros((10, 2))}, "one row"),
        ({"samples": np.linspace(0, 50.0, 1001)}, "another unit"),
    ],
)
def test_epochs_that_cannot_be_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        EmgEpoch(**({"samples": np.zeros(1001), "rate": 5000.0, "start": -0.12} | change))


def test_an_epoch_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="runs from -50 to 80 ms, but -100 to -5 ms"):
        read_mep(epoch(begin=-50 * ms))
    with pytest.raises(ValueError, match="are needed"):
        read_mep(epoch(end=40 * ms))
    with pytest.raises(ValueError, match="before and after"):
        MepCriteria(window=(50 * ms, 15 * ms))


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_an_epoch_comes_back_from_both_kinds_of_file(tmp_path):
    whole = VirtualPatient(4).emg(0.8)
    rows = "\n".join(f"{t:.4f},{v:.6f}" for t, v in zip(whole.times / ms, whole.samples * 1e6, strict=True))
    table = written(tmp_path / "one.csv", f"time_ms,emg_uv\n{rows}\n")
    np.savez(tmp_path / "two.npz", time_s=whole.times, emg_v=whole.samples)
    for path in (table, tmp_path / "two.npz"):
        back = read_epoch(path)
        assert_allclose(back.rate, 5000.0, rtol=1e-6)
        assert_allclose(back.start, whole.start, atol=1e-9)
        assert_allclose(back.samples, whole.samples, atol=1e-11)


def table(count=1001, step=0.2, column="emg_uv", value="1.0"):
    return f"time_ms,{column}\n" + "".join(f"{-120 + step * number:g},{value}\n" for number in range(count))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.txt", "x", "must end in .csv or .npz"),
        ("a.csv", "", "0 rows of samples"),
        ("a.csv", "time_ms,emg_uv\n", "0 rows of samples"),
        ("a.csv", table(column="emg"), "exactly one column or array named emg_v or emg_mv or emg_uv"),
        ("a.csv", "time_ms,emg_uv\n1,2\n2,x\n", "line 3: '2, x' are not all numbers"),
        ("a.csv", "time_ms,emg_uv\n1,2\n2\n", "line 3: 1 cells where the header has 2"),
        ("a.csv", "time_ms,emg_uv\n1,2\n2,2\n4,2\n", "not evenly sampled"),
        ("a.csv", "time_ms,emg_uv\n3,2\n2,2\n1,2\n", "not evenly sampled"),
        ("a.csv", table(step=1.0), "1000 Hz is too coarse"),
        ("a.csv", table(value="nan"), "no finite numbers"),
        ("a.npz", "no archive", "not an archive"),
    ],
)
def test_bad_files_are_refused_in_a_sentence(tmp_path, name, text, says):
    with pytest.raises(UnreadableFile) as caught:
        read_epoch(written(tmp_path / name, text))
    assert says in str(caught.value)
    assert name in str(caught.value)


def test_more_bad_files_are_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="check the name"):
        read_epoch(tmp_path / "none.csv")
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00time")
    with pytest.raises(UnreadableFile, match="UTF-8"):
        read_epoch(tmp_path / "a.csv")
    np.savez(tmp_path / "a.npz", time_s=np.arange(5.0), emg_v=np.zeros(4))
    with pytest.raises(UnreadableFile, match="not two rows alike"):
        read_epoch(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", time_s=np.arange(5.0), emg_v=np.array(["x"] * 5))
    with pytest.raises(UnreadableFile, match="archive of NumPy"):
        read_epoch(tmp_path / "b.npz")
    emg = np.linspace(0, 400.0, 1001)
    np.savez(tmp_path / "c.npz", time_ms=-120 + 0.2 * np.arange(1001), emg_mv=emg)
    with pytest.raises(UnreadableFile, match="another unit"):
        read_epoch(tmp_path / "c.npz")
