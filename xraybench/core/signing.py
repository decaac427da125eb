"""Signed statements about files: who vouches for which bytes, checked offline by anybody.

A statement is an in-toto statement in a DSSE envelope, signed with Ed25519: one JSON file beside what it speaks of. It lists
every file with its SHA-256, so a number that was changed by hand, another predictions file or an edited notebook is found
and named. The key stays in a file of its own; nothing is asked of a network.
"""

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xraybench.core.digest import canonical_json
from xraybench.core.documents import write_text
from xraybench.core.errors import BadFile, BadValue

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

STATEMENT = "statement.dsse.json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_MOST_BYTES = 64 << 20  # an envelope larger than this is none of ours


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of a statement found. Nothing in `faults` means: every file is as it was signed."""

    key_id: str  # of the key whose signature holds
    predicate_type: str
    predicate: dict[str, Any]
    n_files: int
    faults: tuple[str, ...]  # a sentence for each file that was changed, lost or added
    absent: tuple[str, ...] = ()  # folders that were signed with it and are not here, so that nothing is said of them


def make_key(path: Path) -> str:
    """Make a signing key: the private key at `path`, readable by its owner only, the public one beside it as `.pub`.

    Returns:
        The key's id.

    Raises:
        BadFile: One of the files is there already. A key is never written over.
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not path.name:
        raise BadFile(f"{path}: is a folder. Name the new file.")
    public_path = path.with_name(path.name + ".pub")
    for taken in (path, public_path):
        if taken.exists():
            raise BadFile(f"{taken}: is there already, and a key is never written over. Name another file.")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(private)
    write_text(public_path, public.decode())
    return key_id(key.public_key())


def key_id(key: "Ed25519PublicKey") -> str:
    """SHA-256 of the raw public key, hexadecimal."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def read_public_key(path: Path) -> "Ed25519PublicKey":
    """The public key of a PEM file.

    Raises:
        BadFile: No such file, or no Ed25519 public key in it.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = _read_key(path, load_pem_public_key, "public")
    if not isinstance(key, Ed25519PublicKey):
        raise BadFile(f"{path}: holds a public key, but none of Ed25519.")
    return key


def read_private_key(path: Path) -> "Ed25519PrivateKey":
    """The private key of a PEM file.

    Raises:
        BadFile: No such file, or no unencrypted Ed25519 private key in it.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = _read_key(path, lambda text: load_pem_private_key(text, password=None), "private")
    if not isinstance(key, Ed25519PrivateKey):
        raise BadFile(f"{path}: holds a private key, but none of Ed25519.")
    return key


def _read_key(path: Path, load: Any, kind: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return load(path.read_bytes())
    except FileNotFoundError:
        raise BadFile(f"{path}: no such file. `xraybench keys make FILE` makes a key and its FILE.pub.") from None
    except IsADirectoryError:
        raise BadFile(f"{path}: is a folder; the file of a {kind} key is right.") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadFile(f"{path}: holds no unencrypted {kind} key in PEM form.") from None


def sign(
    root: Path, files: Iterable[Path], *, key: Path, predicate_type: str, predicate: Mapping[str, Any], out: Path
) -> Path:
    """Write a signed statement about files under `root`; the same files, words and key give the same bytes.

    Args:
        root: Names in the statement are relative to it.
        files: What to vouch for; none twice, all under root.
        key: File of the private key.
        predicate_type: A URI that says what `predicate` means.
        predicate: Plain JSON: what is claimed of the files.
        out: Where the envelope goes.

    Raises:
        BadFile: A file or key is missing.
        BadValue: A file lies outside root, or there is none.
    """
    found = {name_under(root, file): sha256_of(file) for file in files}
    if not found:
        raise BadValue(f"{root}: {'no file to sign' if root.is_dir() else 'there is no such folder'}.")
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": found[name]}} for name in sorted(found)],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    private = read_private_key(key)
    signature = private.sign(_pre_authentication(payload))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key_id(private.public_key()), "sig": base64.b64encode(signature).decode()}],
    }
    write_text(out, json.dumps(envelope, indent=1, sort_keys=True) + "\n")
    return out


def verify(envelope: Path, root: Path, *, keys: Iterable[Path], present: Iterable[Path] | None = None) -> Verdict:
    """Check a statement: first the signature, then every file it names.

    Args:
        envelope: The file that `sign` wrote.
        root: Where the named files lie now.
        keys: Files of the public keys that are trusted.
        present: Files that must all be named; those the statement does not know are faults. None asks nothing of the kind.

    Raises:
        BadFile: No such envelope, a broken one, or no trusted key's signature holds: then nothing in it can be believed.
    """
    statement, signer = _opened(envelope, list(keys))
    faults = []
    named = {str(subject["name"]): str(subject["digest"]["sha256"]) for subject in statement["subject"]}
    for name, wanted in named.items():
        file = root / name
        if not _is_inside(root, file):
            faults.append(f"{name}: lies outside {root}")
        elif not file.is_file():
            faults.append(f"{name}: was signed and is not there")
        elif sha256_of(file) != wanted:
            faults.append(f"{name}: was changed after it was signed")
    for file in present or ():
        if (name := name_under(root, file)) not in named:
            faults.append(f"{name}: was added after the statement was signed")
    return Verdict(signer, str(statement["predicateType"]), dict(statement["predicate"]), len(named), tuple(faults))


def sign_words(words: Mapping[str, Any], *, key: Path, kind: str) -> str:
    """Sign a few words that travel in a message of their own, without a file or an envelope.

    Args:
        words: Plain JSON.
        key: File of the private key.
        kind: A media type that says what the words are. It is signed too: a signature of one kind is none of another,
            and never one of a statement about files.

    Returns:
        The signature, 128 hexadecimal characters; the same words, kind and key give the same.

    Raises:
        BadFile: No such key.
    """
    return read_private_key(key).sign(_pre_authentication(canonical_json(words).encode(), kind)).hex()


def is_signed_by(key: "Ed25519PublicKey", words: Mapping[str, Any], signature: str, *, kind: str) -> bool:
    """Whether `sign_words` made this signature of these words with the private half of this key."""
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(bytes.fromhex(signature), _pre_authentication(canonical_json(words).encode(), kind))
    except (InvalidSignature, ValueError):
        return False
    return True


def _opened(path: Path, keys: list[Path]) -> tuple[dict[str, Any], str]:
    """The statement of an envelope whose signature holds, and the id of the key."""
    from cryptography.exceptions import InvalidSignature

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadFile(f"{path}: {path.stat().st_size} bytes are too many for a statement.")
        envelope = json.loads(path.read_bytes())
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [(str(s["keyid"]), base64.b64decode(s["sig"], validate=True)) for s in envelope["signatures"]]
        payload_type = envelope["payloadType"]
    except FileNotFoundError:
        raise BadFile(f"{path}: no such file, so nobody vouches for what lies there.") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadFile(f"{path}: is no DSSE envelope.") from None
    if payload_type != PAYLOAD_TYPE:
        raise BadFile(f"{path}: its payload is '{payload_type}'; '{PAYLOAD_TYPE}' is right.")
    trusted = [read_public_key(key) for key in keys]
    for _, signature in signatures:
        for key in trusted:
            try:
                key.verify(signature, _pre_authentication(payload))
            except InvalidSignature:
                continue
            return _statement(path, payload), key_id(key)
    names = ", ".join(name[:16] for name, _ in signatures) or "no key"
    raise BadFile(f"{path}: no signature of a trusted key holds. It names {names}; trusted are {len(trusted)} keys.")


def _statement(path: Path, payload: bytes) -> dict[str, Any]:
    try:
        statement: dict[str, Any] = json.loads(payload)
        well_formed = statement["_type"] == STATEMENT_TYPE and isinstance(statement["predicate"], dict)
        well_formed &= isinstance(statement["predicateType"], str)
        well_formed &= all(isinstance(s["digest"]["sha256"], str) and s["name"] for s in statement["subject"])
    except (ValueError, KeyError, TypeError, RecursionError):
        well_formed = False
    if not well_formed:
        raise BadFile(f"{path}: is signed, but holds no in-toto statement of type {STATEMENT_TYPE}.")
    return statement


def _pre_authentication(payload: bytes, kind: str = PAYLOAD_TYPE) -> bytes:
    """What is signed in place of the payload: its type and length go in too (DSSE 1.0, PAE)."""
    name = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


def name_under(root: Path, file: Path) -> str:
    """A file's name as a statement about `root` gives it. Raises BadValue when it lies outside."""
    if not _is_inside(root, file):
        raise BadValue(f"{file}: lies outside {root}.")
    return file.resolve().relative_to(root.resolve()).as_posix()


def _is_inside(root: Path, file: Path) -> bool:
    return file.resolve().is_relative_to(root.resolve())


def sha256_of(file: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal. Raises BadFile when it cannot be read."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise BadFile(f"{file}: cannot be read ({error.strerror}).") from None
