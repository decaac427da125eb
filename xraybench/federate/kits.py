"""The folders that a network federation hands out, and what is asked of one before anything starts.

    KIT/startup/    certificate, key and authority of its holder, and where the coordinator is: made by `provision`
    KIT/local/      policy of the holder: which classes may run, who may do what, and xraybench.json, written by each start
    KIT/site.key, KIT/trusted_sites/<site>.pub
                    of a site, and made there: the key that it signs openings of an evaluation with, and those it trusts

A kit is its holder's identity: whoever has it can pose as the holder. The coordinator issues them all, so what protects the
sites from the coordinator cannot come with them: a site makes its key itself, see `trust`.
"""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import Field

from xraybench.core.documents import Document, read_document, write_document
from xraybench.core.errors import BadFile

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

Role = Literal["server", "client"]
FEDERATION, SETTINGS, OUTCOME = "local/federation.json", "local/xraybench.json", "flare/outcome.json"
ENDED = "flare/ended.json"  # FLARE's names of the jobs that ended, in the run's folder
SITE_KEY, TRUSTED_SITES = "site.key", "trusted_sites"
_HANDSHAKE_S = 10.0
# The opening of HTTP/2 (RFC 9113, 3.4) and an empty SETTINGS frame: what a gRPC server answers.
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


class Federation(Document):
    """What `provision` made: kept in the coordinator's kit."""

    name: str
    host: str
    port: int
    sites: list[str]


class ServerSettings(Document):
    """What one start of the coordinator tells the class that runs inside FLARE."""

    out: str = Field(description="folder of the run")
    token: str = Field(description="names this start: its outcome carries it")


class SiteSettings(Document):
    """What one start of a site tells the class that runs inside FLARE. It stays at the site."""

    data: str = Field(description="dataset folder")
    device: str = "auto"
    n_threads: int = Field(1, ge=1)
    log: str = Field("", description="file of the site's decisions; empty where none is kept")
    model: str = Field("", description="folder of the model that is evaluated here; empty where none is")
    state: str = Field("", description="folder of the site for the keys of questions, predictions and its ledger")
    is_attended: bool = Field(True, description="whether a person releases what an evaluation sends")


class Outcome(Document):
    """How a run over the network ended."""

    token: str
    exit_code: int
    text: str


@dataclass(frozen=True, slots=True)
class Kit:
    """Whose kit it is and where its coordinator listens."""

    folder: Path
    role: Role
    name: str  # of the holder, as its certificate says
    organisation: str
    host: str
    port: int


S = TypeVar("S", ServerSettings, SiteSettings)


def read_settings(kit: Path, kind: type[S]) -> S:
    """What this start of the kit was told."""
    return read_document(kit / SETTINGS, kind)


def write_settings(kit: Path, settings: ServerSettings | SiteSettings) -> None:
    """Tell the next start of the kit; readable by its owner only."""
    write_document(kit / SETTINGS, settings)
    (kit / SETTINGS).chmod(0o600)


def read_outcome(out: Path, token: str) -> Outcome | None:
    """How the start of that token ended, or None while it runs."""
    path = out / OUTCOME
    if not path.is_file():
        return None
    outcome = read_document(path, Outcome)
    return outcome if outcome.token == token else None


def write_outcome(out: Path, outcome: Outcome) -> None:
    """Say how it ended."""
    write_document(out / OUTCOME, outcome)


def has_ended(out: Path, flare_job: str) -> bool:
    """Whether FLARE's job of that name is over, whatever it said of it."""
    return (out / ENDED).is_file() and flare_job in json.loads((out / ENDED).read_text(encoding="utf-8"))


def is_kit(folder: Path) -> bool:
    """Whether a folder looks like a start-up kit of a site."""
    return (folder / "startup" / "fed_client.json").is_file()


def open_kit(folder: Path, role: Role) -> Kit:
    """A kit whose certificate, key and authority belong together, are there and in date.

    Raises:
        BadFile: They do not, are not or are not, or a site's trusted keys cannot be used; all faults at once.
    """
    from cryptography.x509.oid import NameOID

    from xraybench.federate.trust import trusted_faults

    startup = folder / "startup"
    config = startup / f"fed_{role}.json"
    if not config.is_file():
        what = "a site" if role == "client" else "a coordinator"
        raise BadFile(f"{folder}: is no start-up kit of {what}; {config.relative_to(folder)} is missing.")
    faults: list[str] = []
    root = _certificate(startup / "rootCA.pem", faults)
    own = _certificate(startup / f"{role}.crt", faults)
    key = _public_half(startup / f"{role}.key", faults)
    if own is not None and key is not None and key != own.public_key():
        faults.append(f"startup/{role}.key is not the key of startup/{role}.crt")
    if own is not None and root is not None and not _issued(own, root):
        faults.append(f"startup/{role}.crt was not issued by the authority of startup/rootCA.pem")
    if faults or own is None:
        raise BadFile(
            f"{folder}: this start-up kit cannot be used; ask the coordinator for a new one.\n  " + "\n  ".join(faults)
        )
    name, organisation = (
        str(own.subject.get_attributes_for_oid(oid)[0].value)
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    )
    trusted = trusted_sites(folder)
    if trusted and (wrong := trusted_faults(trusted, site=name, key=site_key(folder))):
        raise BadFile(f"{trusted}: these keys of other sites cannot be used.\n  " + "\n  ".join(wrong))
    try:
        target = json.loads(config.read_bytes())["servers"][0]["service"]["target"]
        host, _, port = str(target).rpartition(":")
        return Kit(folder, role, name, organisation, host, int(port))
    except (ValueError, KeyError, IndexError, TypeError):
        raise BadFile(f"{config}: does not say where the coordinator is; ask the coordinator for a new kit.") from None


def site_key(kit: Path) -> Path | None:
    """The key that a site signs its openings with, where it made one."""
    return kit / SITE_KEY if (kit / SITE_KEY).is_file() else None


def trusted_sites(kit: Path) -> Path | None:
    """The folder of the other sites' keys, where a site has one."""
    return kit / TRUSTED_SITES if (kit / TRUSTED_SITES).is_dir() else None


def check_connection(kit: Kit) -> bool:
    """Shake hands with the coordinator as a site does, and hang up.

    Returns:
        False where nobody listens yet.

    Raises:
        BadFile: The coordinator does not accept the kit's certificate, or cannot prove that it is the coordinator.
    """
    startup = kit.folder / "startup"
    context = ssl.create_default_context(cafile=str(startup / "rootCA.pem"))
    context.load_cert_chain(startup / "client.crt", startup / "client.key")
    context.set_alpn_protocols(["h2"])
    where = f"{kit.host}:{kit.port}"
    try:
        plain = socket.create_connection((kit.host, kit.port), timeout=_HANDSHAKE_S)
    except OSError:
        return False
    try:
        with plain, context.wrap_socket(plain, server_hostname=kit.host) as shaken:
            shaken.sendall(_HELLO)
            if not shaken.recv(1):  # a refusal of TLS 1.3 shows at the first reading
                raise ConnectionResetError("it hung up")
    except ssl.SSLCertVerificationError as error:
        raise BadFile(
            f"{kit.folder}: what listens at {where} cannot prove that it is the coordinator of this kit "
            f"({error.verify_message})."
        ) from None
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise BadFile(
            f"{kit.folder}: the coordinator at {where} does not accept the certificate of {kit.name} ({reason})."
        ) from None
    return True


def _certificate(path: Path, faults: list[str]) -> Certificate | None:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        faults.append(f"startup/{path.name} is missing")
        return None
    except ValueError:
        faults.append(f"startup/{path.name} is no certificate in PEM form")
        return None
    now = dt.datetime.now(dt.UTC)
    if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        first, last = (f"{day:%Y-%m-%d}" for day in (found.not_valid_before_utc, found.not_valid_after_utc))
        faults.append(f"startup/{path.name} is valid from {first} to {last}")
    return found


def _public_half(path: Path, faults: list[str]) -> object | None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(path.read_bytes(), password=None).public_key()
    except FileNotFoundError:
        faults.append(f"startup/{path.name} is missing")
    except (ValueError, TypeError):
        faults.append(f"startup/{path.name} is no unencrypted key in PEM form")
    return None


def _issued(certificate: Certificate, authority: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
