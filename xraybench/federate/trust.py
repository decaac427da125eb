"""Whose key it is: the public keys of sites, and openings of a secure sum that prove which site they are of.

The coordinator carries the keys of a sum from site to site. If nobody could tell whose they are, it could put its own in
their place, or invent sites, and take the masks off. So each site signs its opening, and each checks those of the others
against a folder of keys that the people at the sites exchanged without the coordinator. A folder holds `<site>.pub` for
each site, as `xraybench keys make` writes them; `key_ids` are what people read to each other.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xraybench.core import signing
from xraybench.core.errors import BadFile, Refused
from xraybench.data.agreement import LEAST_SITES
from xraybench.federate.question import SiteOpening
from xraybench.federate.site import is_name

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

OPENING = "application/vnd.xraybench.site-opening+json"


def key_files(folder: Path) -> dict[str, Path]:
    """Site -> file of its public key, as a folder holds them, in the order of the names."""
    return {path.stem: path for path in sorted(folder.glob("*.pub"))}


def check_keys(keys: Mapping[str, Path], *, coordinator: Path) -> dict[str, str]:
    """The ids of the keys of sites, one each, where the coordinator has a key of its own.

    Args:
        keys: Site -> file of its public key.
        coordinator: File of the coordinator's private key.

    Raises:
        BadFile: A key is missing or none, a name is no name, or two have one key; all faults at once.
    """
    faults, ids = _read_ids(keys)
    try:
        own = signing.key_id(signing.read_private_key(coordinator).public_key())
    except BadFile as error:
        faults.append(str(error).rstrip("."))
    else:
        owners = [site for site in ids if ids[site] == own]
        faults += [f"{coordinator} is the key of site {site}; the coordinator makes its own" for site in owners]
    if faults:
        raise BadFile("These keys cannot be used.\n  " + "\n  ".join(faults))
    return ids


def _read_ids(keys: Mapping[str, Path]) -> tuple[list[str], dict[str, str]]:
    """What is wrong with the public keys of sites, a sentence each; and the ids of those that can be read."""
    faults = [f"a site is named by letters, digits and underscores; got {site!r}" for site in keys if not is_name(site)]
    ids: dict[str, str] = {}
    for site, path in keys.items():
        try:
            ids[site] = signing.key_id(signing.read_public_key(path))
        except BadFile as error:
            faults.append(str(error).rstrip("."))
    owners: dict[str, str] = {}
    for site, key in ids.items():
        if (other := owners.setdefault(key, site)) != site:
            faults.append(f"sites {other} and {site} have one key among them; each site makes its own")
    return faults, ids


def trusted_faults(folder: Path, *, site: str, key: Path | None) -> list[str]:
    """What is wrong with a site's own key and its folder of trusted ones, a sentence each.

    Args:
        folder: The public keys of the sites that this one trusts; its own may be among them.
        site: This site.
        key: File of its private key.
    """
    if key is None:
        return [f"site {site} has a folder of trusted sites, and no key of its own that the others could trust"]
    try:
        own = signing.key_id(signing.read_private_key(key).public_key())
    except BadFile as error:
        return [str(error).rstrip(".")]
    if not folder.is_dir():
        return ["there is no such folder"]
    trusted = key_files(folder)
    faults, ids = _read_ids(trusted)
    if ids.pop(site, own) != own:
        faults.append(f"{trusted[site].name} is not the public half of the key of site {site}")
    faults += [f"{trusted[name].name} is the key of site {site} itself" for name in ids if ids[name] == own]
    if len(ids) < LEAST_SITES - 1:
        faults.append(
            f"it holds keys of {len(ids)} other sites; a sum of {LEAST_SITES} needs {LEAST_SITES - 1} or more"
        )
    return faults


def trusted_keys(folder: Path, *, site: str, key: Path | None) -> dict[str, "Ed25519PublicKey"]:
    """The keys of the sites that this one trusts, without its own.

    Raises:
        BadFile: Something is wrong with them; all faults at once.
    """
    if faults := trusted_faults(folder, site=site, key=key):
        raise BadFile(f"{folder}: these keys of other sites cannot be used.\n  " + "\n  ".join(faults))
    return {name: signing.read_public_key(path) for name, path in key_files(folder).items() if name != site}


def sign(opening: SiteOpening, key: Path) -> SiteOpening:
    """An opening that proves whose it is. All of it is signed: site, question, data, the key of the sum, strata, limits."""
    return opening.model_copy(update={"signature": signing.sign_words(_words(opening), key=key, kind=OPENING)})


def check_openings(
    openings: Mapping[str, SiteOpening], trusted: Mapping[str, "Ed25519PublicKey"], *, site: str, question: str
) -> None:
    """Raise unless every other site of a sum is trusted, and its opening is its own and of this question.

    Args:
        openings: Site -> its opening, as the coordinator brought them.
        trusted: Site -> its key, see `trusted_keys`.
        site: This site.
        question: Digest of the question.

    Raises:
        Refused: All that is wrong, in one sentence; it names sites and ids of keys and may leave the site.
    """
    faults = [
        fault
        for name, opening in sorted(openings.items())
        if name != site and (fault := _fault(name, opening, trusted, question))
    ]
    if faults:
        raise Refused(f"Site {site} sends no counts: {'; '.join(faults)}.")


def key_ids(trusted: Mapping[str, "Ed25519PublicKey"]) -> str:
    """Each site with the first 16 digits of its key's id, in words for a person."""
    return ", ".join(f"{name} {signing.key_id(key)[:16]}" for name, key in sorted(trusted.items()))


def _fault(name: str, opening: SiteOpening, trusted: Mapping[str, "Ed25519PublicKey"], question: str) -> str:
    if name not in trusted:
        return f"it trusts no key of site {name}, only those of {', '.join(trusted)}; a person at {name} has to hand it over"
    wanted = signing.key_id(trusted[name])[:16]
    if not opening.signature:
        return f"the opening of site {name} is not signed; it has to be, with key {wanted}"
    words = _words(opening)
    if opening.site != name or not signing.is_signed_by(trusted[name], words, opening.signature, kind=OPENING):
        signers = [
            who for who, key in trusted.items() if signing.is_signed_by(key, words, opening.signature, kind=OPENING)
        ]
        how = f"is signed by site {signers[0]}" if signers else "was changed, or is signed by a key that is not trusted"
        return f"the opening of site {name} {how}; it has to be signed with key {wanted}"
    if opening.question != question:
        return (
            f"the opening of site {name} is of another question ({opening.question[:12]}); a new one has to be asked for "
            f"question {question[:12]}"
        )
    return ""


def _words(opening: SiteOpening) -> dict[str, Any]:
    return opening.model_dump(mode="json", exclude={"signature"})
