"""Images with their place, and the files that hold them."""

import gzip

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from anodyne.errors import UnreadableFile
from anodyne.head import Image, read_image, write_image
from anodyne.units import mm

OBLIQUE = np.array([[-0.9, 0.1, 0.2, 40], [0.1, 1.1, -0.1, -50], [0.2, 0.1, 1.3, 20], [0, 0, 0, 1e3]], dtype=float) * [
    1e-3
]


def linear_image(shape=(9, 10, 11), slope=(2.0, -3.0, 5.0), offset=0.25):
    """An image of a linear function of space."""
    centres = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3)
    blank = Image(data=np.zeros(shape), affine=OBLIQUE)
    return Image(data=(blank.centres_of(centres) @ slope + offset).reshape(shape), affine=OBLIQUE)


def test_voxels_and_points_go_back_and_forth(rng):
    image = linear_image()
    voxels = rng.uniform(0, 8, (50, 3))
    assert_allclose(image.voxels_of(image.centres_of(voxels)), voxels, atol=1e-12)
    assert_allclose(image.voxel_volume, abs(np.linalg.det(OBLIQUE[:3, :3])))
    assert_allclose(image.voxel_size, np.linalg.norm(OBLIQUE[:3, :3], axis=0))


def test_sampling_is_exact_for_what_is_linear(rng):
    image = linear_image()
    points = image.centres_of(rng.uniform(0, 8, (200, 3)))
    assert_allclose(image.at(points), points @ [2.0, -3.0, 5.0] + 0.25, atol=1e-12)


def test_sampling_takes_components_together(rng):
    one = linear_image()
    image = Image(data=np.stack([one.data, 2 * one.data, -one.data], axis=-1), affine=OBLIQUE)
    points = image.centres_of(rng.uniform(0, 8, (20, 3)))
    assert_allclose(image.at(points), one.at(points)[:, None] * [1, 2, -1])


def test_half_a_voxel_beyond_the_last_centre_is_still_inside():
    image = linear_image()
    points = image.centres_of([[-0.49, 0, 0], [-0.51, 0, 0], [8.49, 9, 10], [8.51, 9, 10]])
    assert_array_equal(np.isnan(image.at(points)), [False, True, False, True])
    assert image.at(points, outside=-7)[1] == -7
    assert_array_equal(image.nearest(points, outside=-7) == -7, [False, True, False, True])


def test_labels_are_never_mixed(rng):
    labels = rng.integers(1, 9, (5, 6, 7)).astype(np.uint8)
    image = Image(data=labels, affine=np.diag([mm, mm, mm, 1]))
    voxels = rng.integers(0, [5, 6, 7], (100, 3))
    found = image.nearest((voxels + rng.uniform(-0.4, 0.4, (100, 3))) * mm)
    assert found.dtype == np.uint8
    assert_array_equal(found, labels[tuple(voxels.T)])


def test_data_is_a_copy_that_nobody_can_change():
    data = np.zeros((2, 2, 2))
    image = Image(data=data, affine=np.eye(4))
    data[:] = 1
    assert image.data.max() == 0
    with pytest.raises(ValueError, match="read-only"):
        image.data[0] = 1


@pytest.mark.parametrize(
    ("data", "affine", "message"),
    [
        (np.zeros((2, 2)), np.eye(4), "3 or 4 axes"),
        (np.zeros((2, 0, 2)), np.eye(4), "3 or 4 axes"),
        (np.zeros((2, 2, 2), complex), np.eye(4), "real numbers"),
        (np.zeros((2, 2, 2)), np.eye(3), "affine must have shape"),
        (np.zeros((2, 2, 2)), np.diag([1, 1, 0, 1]), "invertible"),
        (np.zeros((2, 2, 2)), np.diag([1, 1, 1, 2]), "last row"),
        (np.zeros((2, 2, 2)), np.diag([1, np.nan, 1, 1]), "finite"),
    ],
)
def test_what_is_no_image_is_refused(data, affine, message):
    with pytest.raises(ValueError, match=message):
        Image(data=data, affine=affine)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_a_file_gives_back_what_was_written(tmp_path, rng, dtype, ending):
    image = Image(data=rng.integers(0, 100, (4, 5, 6)).astype(dtype), affine=OBLIQUE)
    write_image(tmp_path / f"a{ending}", image)
    again = read_image(tmp_path / f"a{ending}")
    assert again.data.dtype == dtype
    assert_array_equal(again.data, image.data)
    assert_allclose(again.affine, OBLIQUE, rtol=1e-6)  # the format stores 32-bit floats


@pytest.mark.parametrize(("dtype", "stored"), [(np.bool_, np.uint8), (np.int64, np.int32), (np.float16, np.float32)])
def test_types_that_readers_do_not_know_become_ones_they_do(tmp_path, dtype, stored):
    image = Image(data=np.eye(8).reshape(4, 4, 4).astype(dtype), affine=np.eye(4))
    write_image(tmp_path / "a.nii", image)
    assert read_image(tmp_path / "a.nii").data.dtype == stored
    assert_array_equal(read_image(tmp_path / "a.nii").data, image.data)


def test_integers_beyond_32_bits_are_refused(tmp_path):
    with pytest.raises(ValueError, match="beyond 32 bits"):
        write_image(tmp_path / "a.nii", Image(data=np.full((1, 1, 1), 2**40), affine=np.eye(4)))


def test_files_are_in_millimetres_for_other_readers(tmp_path):
    write_image(tmp_path / "a.nii.gz", Image(data=np.zeros((3, 3, 3)), affine=np.diag([2 * mm, mm, mm, 1])))
    stored = nibabel.load(tmp_path / "a.nii.gz")
    assert_allclose(stored.affine, np.diag([2, 1, 1, 1]))
    assert stored.header.get_xyzt_units()[0] == "mm"
    assert (int(stored.header["sform_code"]), int(stored.header["qform_code"])) == (1, 1)


def test_a_sheared_grid_has_no_qform(tmp_path):
    write_image(tmp_path / "a.nii", Image(data=np.zeros((3, 3, 3)), affine=OBLIQUE))
    assert int(nibabel.load(tmp_path / "a.nii").header["qform_code"]) == 0


@pytest.mark.parametrize(("unit", "size"), [("meter", 1.0), ("micron", 1e-6), ("mm", 1e-3), ("unknown", 1e-3)])
def test_the_unit_in_the_file_counts(tmp_path, unit, size):
    stored = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.float32), np.eye(4))
    stored.header.set_xyzt_units(unit)
    nibabel.save(stored, tmp_path / "a.nii")
    assert_allclose(read_image(tmp_path / "a.nii").affine, np.diag([size, size, size, 1]))


def test_scaled_integers_are_scaled(tmp_path):
    stored = nibabel.Nifti1Image(np.arange(8, dtype=np.int16).reshape(2, 2, 2), np.eye(4))
    stored.header.set_slope_inter(0.5, 3)
    nibabel.save(stored, tmp_path / "a.nii")
    assert_allclose(read_image(tmp_path / "a.nii").data.ravel(), np.arange(8) * 0.5 + 3)


def test_the_same_image_makes_the_same_file(tmp_path):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_image(tmp_path / name, linear_image())
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_the_ending_says_what_the_file_is(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.nii or \.nii\.gz, not a\.png"):
        write_image(tmp_path / "a.png", linear_image())


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz", "x.txt"])
@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"\x1f\x8b\x08" + bytes(400)])
def test_what_is_no_image_file_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFile, match=rf"{name}.*"):
        read_image(tmp_path / name)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="there is no file"):
        read_image(tmp_path / "none.nii")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_header_cannot_make_us_reserve_more_than_the_file_holds(tmp_path, ending):
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.float64)
    header.set_data_shape((32000, 32000, 32000))
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    content = header.binaryblock + bytes(4)
    (tmp_path / f"a{ending}").write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    with pytest.raises(UnreadableFile, match="promises more voxels"):
        read_image(tmp_path / f"a{ending}")


def complaint(path):
    try:
        read_image(path)
    except UnreadableFile as error:
        return str(error)
    return None


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), ending=st.sampled_from([".nii", ".nii.gz"]))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a garbled header may overflow its own arithmetic
def test_a_damaged_file_is_an_image_or_refused(tmp_path, data, ending):
    write_image(tmp_path / f"a{ending}", linear_image((3, 4, 5)))
    content = bytearray((tmp_path / f"a{ending}").read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            content[data.draw(st.integers(0, min(len(content) - 1, 400)))] = data.draw(st.integers(0, 255))
    (tmp_path / f"b{ending}").write_bytes(content)
    text = complaint(tmp_path / f"b{ending}")
    assert text is None or f"b{ending}" in text
