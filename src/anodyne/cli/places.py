"""A head by the word or path a person gives for it."""

from pathlib import Path
from typing import TYPE_CHECKING

from anodyne.cli.settings import Settings
from anodyne.errors import UnreadableFile
from anodyne.progress import Progress

if TYPE_CHECKING:
    from anodyne.head import Head

TEMPLATE = "template"


def open_head(place: str, settings: Settings, progress: Progress) -> "Head":
    """The embedded head for the word ``template``, else the head in that folder or mesh.

    Raises
    ------
    UnreadableFile, CannotWrite : as `anodyne.head.load_head` and `anodyne.head.template_head`
    """
    from anodyne.head import load_head, template_head

    if place == TEMPLATE:
        return template_head(cache_folder=settings.cache, progress=progress)
    if not Path(place).exists():
        raise UnreadableFile(
            f"there is no head {place}; name a head's folder, a .msh file or an m2m folder, or say {TEMPLATE} for the "
            "embedded head"
        )
    return load_head(place, progress)
