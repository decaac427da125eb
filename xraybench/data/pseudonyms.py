"""Keyed pseudonyms: the same identifier under the same site key always gets the same stand-in, and only the key leads back.

Everything is HMAC-SHA256 under a key file of the site. Whoever holds the key can test whether a pseudonym belongs to a
container number that they guess; whoever does not, cannot. The key never goes with the data: lose it, and the next batch is
no longer linked to this one; leak it, and the pseudonyms are worth nothing.
"""

import base64
import datetime as dt
import hmac
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from xraybench.core.errors import BadFile

KEY_BYTES = 32
_LONGEST_SHIFT_DAYS = 3650
_SHORTEST_SHIFT_DAYS = 30
_DICOM_ROOT = "1.2.840.10008."  # classes, transfer syntaxes and the like: they name kinds, not scans


@dataclass(frozen=True, slots=True)
class SiteKey:
    """The secret of one site."""

    secret: bytes

    def __repr__(self) -> str:
        return "SiteKey(secret)"

    def name_of(self, identifier: str) -> str:
        """A stand-in of 16 characters for an identifier; empty stays empty.

        Case, spaces and hyphens make no difference, so `MSKU 123456-5` in a sidecar and `MSKU1234565` in a tag get one name.
        """
        plain = re.sub(r"[\s\-_.]", "", identifier).upper()
        return "X" + self._text("identifier", plain)[:15] if plain else ""

    def file_stem_of(self, stem: str) -> str:
        """A stand-in for a file or folder name, as it is spelled."""
        return "F" + self._text("file", stem)[:15]

    def uid_of(self, uid: str) -> str:
        """A stand-in for a UID under the root 2.25 (ISO/IEC 9834-8); UIDs of DICOM itself stay."""
        if not uid or uid.startswith(_DICOM_ROOT):
            return uid
        return f"2.25.{int.from_bytes(self._bytes('uid', uid)[:16], 'big')}"

    def shift_of(self, scan: str) -> dt.timedelta:
        """By how much all times of one scan are moved into the past: whole seconds, a month to ten years."""
        low, high = (days * 86400 for days in (_SHORTEST_SHIFT_DAYS, _LONGEST_SHIFT_DAYS))
        return -dt.timedelta(seconds=low + int.from_bytes(self._bytes("time", scan)[:8], "big") % (high - low))

    def _bytes(self, purpose: str, value: str) -> bytes:
        return hmac.new(
            self.secret, f"xraybench {purpose} 1\x00{value}".encode(errors="surrogatepass"), sha256
        ).digest()

    def _text(self, purpose: str, value: str) -> str:
        return base64.b32encode(self._bytes(purpose, value)).decode().rstrip("=")


def read_key(path: Path | str) -> SiteKey:
    """Read a key file.

    Raises:
        BadFile: No such file, or not a key that `make_key` wrote.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="ascii").strip()
        secret = bytes.fromhex(text)
    except FileNotFoundError:
        raise BadFile(
            f"{path}: there is no such key file. `--new-key` makes one; keep it with the site's secrets."
        ) from None
    except (OSError, ValueError):
        raise BadFile(f"{path}: not a key file: {2 * KEY_BYTES} hexadecimal characters are meant.") from None
    if len(secret) != KEY_BYTES:
        raise BadFile(f"{path}: holds {len(secret)} bytes; a key has {KEY_BYTES}.")
    return SiteKey(secret)


def make_key(path: Path | str) -> SiteKey:
    """Make a key file that only its owner may read. One that is there is never overwritten.

    Raises:
        BadFile: The file is there already.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_bytes(KEY_BYTES)
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise BadFile(f"{path}: is there already; a second key would break the links to earlier batches.") from None
    path.write_text(secret.hex() + "\n", encoding="ascii")
    return SiteKey(secret)


_DATE, _TIME = re.compile(r"(\d{4})(\d{2})(\d{2})"), re.compile(r"(\d{2})(\d{2})?(\d{2})?(\.\d{1,6})?")
_DATETIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\.\d{1,6})?([+-]\d{4})?")


def shifted_date_time(date: str, time: str, shift: dt.timedelta) -> tuple[str, str] | None:
    """A DICOM date and the time of day that belongs to it, moved; either may be empty. None where they are no times.

    A date alone counts as midnight, a time alone turns round within its day: its date is not known.
    """
    date_parts, time_parts = _DATE.fullmatch(date.strip()), _TIME.fullmatch(time.strip())
    if (date.strip() and not date_parts) or (time.strip() and not time_parts):
        return None
    try:
        year, month, day = map(int, date_parts.groups()) if date_parts else (2000, 1, 1)
        hour, minute, second = (int(part or 0) for part in time_parts.groups()[:3]) if time_parts else (0, 0, 0)
        moved = dt.datetime(year, month, day, hour, minute, min(second, 59)) + shift  # noqa: DTZ001  # DICOM has no zone
    except (ValueError, OverflowError):
        return None
    fraction = (time_parts[4] or "") if time_parts else ""
    whole = f"{moved:%H%M%S}" + fraction
    return f"{moved.year:04d}{moved:%m%d}" if date_parts else "", whole if time_parts else ""


def shifted_moment(text: str, shift: dt.timedelta) -> str | None:
    """A DICOM date and time in one, moved, at the precision it had. None where it is none."""
    parts = _DATETIME.fullmatch(text.strip())
    if parts is None:
        return None
    numbers = [int(part) if part else None for part in parts.groups()[:6]]
    try:
        filled = [n if n is not None else least for n, least in zip(numbers, (1, 1, 1, 0, 0, 0), strict=True)]
        filled[5] = min(filled[5], 59)
        moved = dt.datetime(*filled) + shift  # type: ignore[arg-type]  # noqa: DTZ001  # six whole numbers
    except (ValueError, OverflowError):
        return None
    told = f"{moved.year:04d}{moved:%m%d%H%M%S}"
    n_digits = 4 + 2 * sum(part is not None for part in numbers[1:])
    return told[:n_digits] + (parts[7] or "")  # the zone goes: it tells where


_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:([T ])(\d{2}):(\d{2})(?::(\d{2}))?(\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_DAY_FIRST = re.compile(r"(\d{2})([./-])(\d{2})\2(\d{4})(?: (\d{2}):(\d{2})(?::(\d{2}))?)?")


def shifted_text(text: str, shift: dt.timedelta) -> str | None:
    """A date or time as sidecars write it (ISO 8601, day first, or DICOM's), moved, in the same form. None for others."""
    text = text.strip()
    try:
        if found := _ISO.fullmatch(text):
            clock = [int(found[n] or 0) for n in (5, 6, 7)]
            moved = dt.datetime(*(int(found[n]) for n in (1, 2, 3)), *clock) + shift  # type: ignore[arg-type]  # noqa: DTZ001
            day = f"{moved.year:04d}-{moved:%m-%d}"
            return day if found[4] is None else f"{day}{found[4]}{moved:%H:%M:%S}"
        if found := _DAY_FIRST.fullmatch(text):
            clock = [int(found[n] or 0) for n in (5, 6, 7)]
            moved = dt.datetime(int(found[4]), int(found[3]), int(found[1]), *clock) + shift  # type: ignore[arg-type]  # noqa: DTZ001
            day = f"{moved:%d}{found[2]}{moved:%m}{found[2]}{moved.year:04d}"
            return day if found[5] is None else f"{day} {moved:%H:%M:%S}"
    except (ValueError, OverflowError):
        return None
    return shifted_moment(text, shift) if len(text) >= 8 else None
