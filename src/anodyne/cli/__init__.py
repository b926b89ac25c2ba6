"""The command line: one `anodyne`, noun then verb."""

from anodyne.cli.main import main

__all__ = ["main"]
