"""The doors through which real scans come in: an image folder, COCO, and any layout that `data/importers/` can read.

All faults of an input are told at once, and nothing is written unless there is none. Sets of others are taken leniently:
what cannot be used is left out and told in the summary that lies in the dataset folder.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from xraybench.core import vocabulary
from xraybench.core.errors import BadFile, BadParameter
from xraybench.data import importers
from xraybench.data.bring import bring_in, check_settings, unused_faults
from xraybench.data.listing import Listing, Settings
from xraybench.data.splits import SHARES

LOCAL_TERMS = "Not stated. Imported scans stay where they are and are never sent anywhere."
ANY_WORD = "*"  # in a class map: every word that is not named


def import_folder(
    folder: Path | str,
    *,
    name: str,
    vector: str,
    classes: Mapping[str, str],
    out: Path | str,
    sensor: str = vocabulary.UNKNOWN,
    concealment: str = vocabulary.UNKNOWN,
    seed: int = 0,
    shares: tuple[float, float, float] = SHARES,
    item_pattern: str | None = None,
    window_counts: tuple[float, float] | None = None,
    licence: str = vocabulary.UNKNOWN,
    licence_of_upstream: str = vocabulary.UNKNOWN,
    use_terms: str = LOCAL_TERMS,
    site: str = vocabulary.UNKNOWN,
    label_source: str = "folder",
    quiet: bool = False,
) -> Path:
    """Make a dataset of an image folder in which each class is a folder.

    Args:
        folder: Holds one folder a class; files beside them are not looked at.
        name: What to call the dataset.
        vector: Of the vocabulary.
        classes: Class folder -> a threat of the vocabulary, `benign`, or `skip` to leave it out.
        out: The dataset folder to be made.
        sensor: Sensor id, lower case, or `unknown`.
        concealment: Of every threat here, or `unknown`.
        seed: Of the split.
        shares: Of train, calibration and test, stratified by threat.
        item_pattern: Regular expression on a file's path below `folder`; its first group names the item, so that
            several scans of one bag stay in one split. Left out, each file is an item.
        window_counts: Counts shown as black and as white, for 16-bit images. Without it they are refused.
        licence: Of these files as they lie here.
        licence_of_upstream: Of the collection they were taken from: a copy does not change it.
        use_terms: What the owner allows.
        site: The administration's location.
        label_source: Where the labels come from.
        quiet: Say nothing.

    Returns:
        `out`. An equal dataset that lies there already is left as it is.

    Raises:
        UnknownName: Vector or concealment.
        BadTable: With every fault of mapping and images.
        BadFile: No such folder, or `out` holds something else.
    """
    return import_set(
        folder,
        format="folder",
        name=name,
        vector=vector,
        classes=classes,
        out=out,
        sensor=sensor,
        concealment=concealment,
        seed=seed,
        shares=shares,
        item_pattern=item_pattern,
        window_counts=window_counts,
        licence=licence,
        licence_of_upstream=licence_of_upstream,
        use_terms=use_terms,
        site=site,
        label_source=label_source,
        quiet=quiet,
    )


def import_coco(
    annotations: Path | str,
    images: Path | str,
    *,
    name: str,
    vector: str,
    categories: Mapping[str, str],
    out: Path | str,
    sensor: str = vocabulary.UNKNOWN,
    concealment: str = vocabulary.UNKNOWN,
    seed: int = 0,
    shares: tuple[float, float, float] = SHARES,
    item_pattern: str | None = None,
    window_counts: tuple[float, float] | None = None,
    clip: bool = False,
    licence: str = vocabulary.UNKNOWN,
    licence_of_upstream: str = vocabulary.UNKNOWN,
    use_terms: str = LOCAL_TERMS,
    site: str = vocabulary.UNKNOWN,
    label_source: str = vocabulary.UNKNOWN,
    quiet: bool = False,
) -> Path:
    """Make a dataset of a COCO annotation file and its images. An image without an annotated threat is benign.

    Args:
        annotations: The JSON file.
        images: The folder its file names start from. Images it does not name are not looked at.
        categories: Category name -> a threat of the vocabulary, or `benign` for goods that are annotated but no threat.
        clip: Cut boxes that reach beyond their image instead of refusing them.
        name, vector, out, sensor, concealment, seed, shares, item_pattern, window_counts, licence, licence_of_upstream,
            use_terms, site, label_source, quiet: As in `import_folder`.

    Returns:
        `out`. An equal dataset that lies there already is left as it is.

    Raises:
        UnknownName: Vector or concealment.
        BadTable: With every fault: of the annotations if there is one, else of mapping and images.
        BadFile: No such file or folder, not COCO, or `out` holds something else.
    """
    return import_set(
        annotations,
        format="coco",
        options={"images": str(images), "clip": "yes" if clip else "no"},
        name=name,
        vector=vector,
        classes=categories,
        out=out,
        sensor=sensor,
        concealment=concealment,
        seed=seed,
        shares=shares,
        item_pattern=item_pattern,
        window_counts=window_counts,
        licence=licence,
        licence_of_upstream=licence_of_upstream,
        use_terms=use_terms,
        site=site,
        label_source=label_source,
        quiet=quiet,
    )


def import_set(
    source: Path | str,
    *,
    format: str,
    out: Path | str,
    name: str = "",
    vector: str = "",
    classes: Mapping[str, str] | None = None,
    options: Mapping[str, str] | None = None,
    only: Mapping[str, str] | None = None,
    keep_splits: bool = True,
    is_lenient: bool | None = None,
    sensor: str = vocabulary.UNKNOWN,
    concealment: str = vocabulary.UNKNOWN,
    seed: int = 0,
    shares: tuple[float, float, float] = SHARES,
    item_pattern: str | None = None,
    window_counts: tuple[float, float] | None = None,
    licence: str = vocabulary.UNKNOWN,
    licence_of_upstream: str = vocabulary.UNKNOWN,
    use_terms: str = LOCAL_TERMS,
    site: str = vocabulary.UNKNOWN,
    label_source: str = vocabulary.UNKNOWN,
    quiet: bool = False,
) -> Path:
    """Make a dataset of a source in any known layout.

    Args:
        source: Folder or file.
        format: A name of `importers.names()`.
        out: The dataset folder to be made.
        name: What to call the dataset; left out, what the folder `out` is called.
        vector: Of the vocabulary; research sets know their own.
        classes: Word of the source -> threat, `benign` or `skip`; `*` for every word that is not named. For a research
            set these go before the words of its own map.
        options: Of the reader.
        only: Keep scans with these facts alone, such as `difficulty: hidden`.
        keep_splits: Respect the splits that a set has published.
        is_lenient: Leave out what is broken and tell it, instead of refusing all; left out, research sets are lenient.
        sensor, concealment, seed, shares, item_pattern, window_counts, licence, licence_of_upstream, use_terms, site,
            label_source, quiet: As in `import_folder`.

    Returns:
        `out`. `import.json` in it tells what was taken, what was left out and why.

    Raises:
        UnknownName: Format, option, vector or concealment.
        BadParameter: No vector where the set has none of its own.
        BadTable: With every fault.
        BadFile: No such source, not of this layout, or `out` lies in it or holds something else.
    """
    importer = importers.get(format)
    importers.check_options(importer, options or {})
    out = Path(out)
    if not (vector or importer.vector):
        raise BadParameter(f"The format {format} does not say what is scanned: name the vector.")
    settings = check_settings(
        Settings(
            name=name or out.name,
            vector=vector or importer.vector,
            sensor=sensor,
            concealment=concealment,
            seed=seed,
            shares=shares,
            item_pattern=item_pattern,
            window_counts=window_counts,
            licence=licence,
            licence_of_upstream=(
                importer.licence_of_upstream if licence_of_upstream == vocabulary.UNKNOWN else licence_of_upstream
            ),
            use_terms=use_terms,
            site=site,
            label_source=label_source,
            is_lenient=importer.is_research if is_lenient is None else is_lenient,
            format=format,
            options=_told_options(options or {}),
        )
    )
    if Path(source).is_dir() and Path(source).resolve() in (out.resolve(), *out.resolve().parents):
        raise BadFile(f"{out}: lies in {source}, which is never written to. Name a folder beside it.")
    root, listing = importer.read(Path(source), options or {})
    mapped = _class_map(importer, listing, classes or {})
    _select(listing, only or {})
    if not keep_splits:
        listing.pictures = [replace(picture, split="") for picture in listing.pictures]
        listing.splits = ""
    return bring_in(root, listing, mapped, settings, out, quiet=quiet)


def _class_map(importer: importers.Importer, listing: Listing, given: Mapping[str, str]) -> dict[str, str]:
    """What each word of the source means: as given, else as the set's own map says, else what `*` stands for.

    A word that is given and that the source does not have is misspelt, most likely. One of the set's own map may be
    absent from the part that lies here.
    """
    own = importers.default_classes(importer.name)
    both = {**own, **given}
    if importer.speaks_ours:
        both = {**{threat: threat for threat in vocabulary.names("threat")}, **both}
    words = {word: both.get(word, both.get(ANY_WORD, "")) for word in listing.labels}
    unused = {word: threat for word, threat in given.items() if word != ANY_WORD and word not in words}
    listing.misnamed += unused_faults([word for word in unused if word not in own], listing)
    return {word: threat for word, threat in {**words, **unused}.items() if threat}


def _told_options(options: Mapping[str, str]) -> dict[str, str]:
    """The options without the machine's paths, which are nobody's business in a dataset folder."""
    return {name: Path(value).name if "/" in value else value for name, value in options.items()}


def _select(listing: Listing, only: Mapping[str, str]) -> None:
    """Keep the scans that have all these facts; the others are told as left out."""
    if not only:
        return
    kept = []
    for picture in listing.pictures:
        facts = {**dict(picture.facts), "published_split": picture.split}
        if all(facts.get(fact) == value for fact, value in only.items()):
            kept.append(picture)
        else:
            listing.skip(picture.path, "was not asked for: " + ", ".join(f"{k}={v}" for k, v in only.items()))
    listing.pictures = kept
