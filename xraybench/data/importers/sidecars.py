"""Pictures with an XML file of the same name beside each, as port scanners and their databases hand them out.

The class of a scan is the text of one field, such as `search_found:true`: what a search found is the best label there is,
what an analyst said of the picture the next. Which words mean what is the owner's to say. Personal fields stay where they
are unless asked for; what else the sidecar tells becomes facts of the scan. A JPEG is a picture made for a screen: the
summary says so.
"""

from collections.abc import Mapping
from pathlib import Path

from xraybench.core.errors import BadFile, BadTable
from xraybench.data.listing import Find, Listing, Picture, folder_of, images_by_stem, option_of, told_apart
from xraybench.formats.sidecar import FIELDS_FILE, Sidecar, read_fields, read_sidecar

_LABELS = ("search_found", "verdict")  # in order of trust
_SOURCES = {"search_found": "physical_search", "verdict": "expert"}
_YES = ("true", "yes", "1")


def read_folder(source: Path, options: Mapping[str, str]) -> tuple[Path, Listing]:
    """Every picture with its sidecar; one without is left out, and so is one whose field says nothing.

    Raises:
        BadFile: No such folder.
        BadTable: The field map has faults.
    """
    root = folder_of(source)
    fields = read_fields(options.get("fields") or FIELDS_FILE)
    wanted = (options["label"],) if options.get("label") else _LABELS
    with_personal = option_of(options, "personal", "no", ("yes", "no")) == "yes"
    listing = Listing()
    pictures = images_by_stem(root, root)
    n_display = n_withheld = 0
    for path in sorted(path for path in root.rglob("*") if path.suffix.lower() == ".xml"):
        where = path.relative_to(root).as_posix()
        try:
            sidecar = read_sidecar(path, fields=fields, with_personal=with_personal)
        except (BadFile, BadTable) as error:
            listing.faults += told_apart(error, root)
            continue
        image = pictures.pop(path.stem, None)
        if image is None:
            listing.faults.append(f"{where}: there is no picture of this name beside it")
            continue
        n_withheld += sidecar.n_withheld
        field = next((name for name in wanted if sidecar.first(name)), "")
        if not field:
            listing.skip(image, f"its sidecar says nothing in {' or '.join(wanted)}")
            continue
        label = f"{field}:{sidecar.first(field)}"
        listing.labels += [label] if label not in listing.labels else []
        n_display += image.lower().endswith((".jpg", ".jpeg"))
        listing.pictures.append(
            Picture(
                (image,),
                (Find(label),),
                facts=_facts(sidecar),
                label_source=_SOURCES.get(field, field),
                declared="empty" if sidecar.first("declared_empty").lower() in _YES else "",
            )
        )
    for image in pictures.values():
        listing.skip(image, "there is no sidecar beside it")
    if n_display:
        listing.notes.append(f"{n_display} pictures are JPEG: made for a screen, not the counts of the detector")
    if n_withheld:
        listing.notes.append(f"{n_withheld} personal texts of the sidecars were left where they are")
    return root, listing


def is_folder(source: Path) -> bool:
    """A picture and an XML file of one name in one folder."""
    if not source.is_dir():
        return False
    return any(
        path.with_suffix(ending).is_file()
        for path in list(source.glob("*.xml"))[:20]
        for ending in (".jpg", ".jpeg", ".png", ".JPG")
    )


def _facts(sidecar: Sidecar) -> tuple[tuple[str, str], ...]:
    return (("sidecar", sidecar.kind), *((name, "; ".join(texts)) for name, texts in sidecar.values.items()))
