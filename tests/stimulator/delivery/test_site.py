"""A site's word on delivery, and which ports are emulators of ours."""

import os
import subprocess
import sys
from datetime import date

import pytest

from anodyne.errors import SafetyRefusal, UnreadableFile
from anodyne.stimulator import Site, is_emulated, read_site, refuse_port, registered
from anodyne.units import day

GOOD = """
[delivery]
port = "/dev/ttyUSB0"
allowed_by = ["A. Consultant", "B. Physicist"]
date = 2026-11-20
maximum_rmt_age_days = 3
maximum_coil_temperature_celsius = 38
"""


@pytest.fixture
def site_of(tmp_path):
    def made(text: str) -> Site:
        (tmp_path / "site.toml").write_text(text, encoding="utf-8")
        return read_site(tmp_path / "site.toml")

    return made


def test_site_is_read(site_of):
    site = site_of(GOOD)
    assert site.port == "/dev/ttyUSB0"
    assert site.allowed_by == ("A. Consultant", "B. Physicist")
    assert site.rmt_age_limit == 3 * day
    assert site.maximum_coil_temperature_celsius == 38


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"B. Physicist"', '"A. Consultant "', "2 different people"),
        ("date = 2026-11-20", "", "needs the date"),
        ("date = 2026-11-20", 'date = "today"', "needs the date"),
        ("= 3", "= -3", "positive number"),
        ("= 38", "= true", "positive number"),
        ('"/dev/ttyUSB0"', "7", "port is a path"),
        ("[delivery]", "[delivery", "is not TOML"),
        ("allowed_by", "alowed_by", "and no more"),
        ('["A. Consultant", "B. Physicist"]', '"A and B"', "list of names"),
    ],
)
def test_mistake_is_named(site_of, old, new, words):
    with pytest.raises(UnreadableFile, match=words):
        site_of(GOOD.replace(old, new))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadableFile, match="cannot read the site's file"):
        read_site(tmp_path / "site.toml")


def test_real_port_needs_the_sites_word(site_of):
    today = date(2026, 11, 21)
    refuse_port("/dev/pts/9", Site(), emulated=True, today=today)
    refuse_port("/dev/ttyUSB0", site_of(GOOD), emulated=False, today=today)
    for port, site in (("/dev/ttyUSB0", Site()), ("/dev/ttyUSB1", site_of(GOOD))):
        with pytest.raises(SafetyRefusal, match="delivery to hardware is off"):
            refuse_port(port, site, emulated=False, today=today)
    with pytest.raises(SafetyRefusal, match="only from 2026-11-20 on"):
        refuse_port("/dev/ttyUSB0", site_of(GOOD), emulated=False, today=date(2026, 11, 19))


def test_port_is_emulated_while_its_emulator_lives(tmp_path):
    assert not is_emulated("/dev/pts/9", tmp_path)
    with registered("/dev/pts/9", tmp_path):
        assert is_emulated("/dev/pts/9", tmp_path)
        assert not is_emulated("/dev/pts/8", tmp_path)
    assert not is_emulated("/dev/pts/9", tmp_path)


def test_file_that_a_dead_emulator_left_says_nothing(tmp_path):
    script = (
        "import os, sys, pathlib\n"
        "from anodyne.stimulator import registered\n"
        "with registered('/dev/pts/9', pathlib.Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, env=os.environ)
    assert list(tmp_path.iterdir())
    assert not is_emulated("/dev/pts/9", tmp_path)
