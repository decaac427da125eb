"""The exact sum of what sites counted, without anybody seeing what one site counted.

Every pair of sites agrees on a mask that only the two know; one adds it to its counts, the other takes it off, modulo
2^64. Each payload alone is noise, and in the sum of all of them the masks cancel. A site that drops out leaves its masks
behind: the sum is then asked for again from the survivors, under a new context. Two sites could each take themselves off,
so three is the least. The coordinator must not be one of the sites.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xraybench.core.errors import BadValue
from xraybench.core.types import IntArray
from xraybench.data.agreement import LEAST_SITES

_MOST = 1 << 62  # no total may come near 2^63

UInt64Array = NDArray[np.uint64]


def make_keys() -> tuple[bytes, bytes]:
    """A private and a public X25519 key, 32 bytes each. The private one stays at the site; each release takes new ones."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def public_of(private: bytes) -> bytes:
    """The public key of a private one."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def masked(counts: ArrayLike, *, site: str, private: bytes, publics: Mapping[str, bytes], context: str) -> UInt64Array:
    """A site's counts under its masks: what it sends.

    Args:
        counts: Whole numbers of 0 or more, any shape.
        site: This site's name, one of `publics`.
        private: This site's private key.
        publics: Public key of every site that takes part, by name; the same at each. Whose they are has to be proved, see
            `trust`, or a coordinator could pose as sites.
        context: Names this one sum, such as job, round and query. Never used twice with the same keys: the difference of
            two sums under one mask would show.

    Raises:
        BadValue: Fewer than three sites, a site that is not among them, a public key that is none, or counts that are
            negative or too large.
    """
    secrets = shared_secrets(site=site, private=private, publics=publics)
    array = np.asarray(counts)
    if not np.issubdtype(array.dtype, np.integer):
        raise BadValue(f"counts: {array.dtype} are no whole numbers.")
    if array.size and (array.min() < 0 or int(array.max()) > _MOST // len(publics)):
        raise BadValue(f"counts: from {array.min()} to {array.max()}; 0 to {_MOST // len(publics)} is right.")
    total = array.astype(np.uint64)
    for other, secret in secrets.items():
        mask = _mask(secret, f"{context}\x1f{min(site, other)}\x1f{max(site, other)}", total.size)
        total = total + mask.reshape(total.shape) if site < other else total - mask.reshape(total.shape)
    return total


def shared_secrets(*, site: str, private: bytes, publics: Mapping[str, bytes]) -> dict[str, bytes]:
    """Other site -> what only this one and it know, 32 bytes.

    Args:
        site, private, publics: As of `masked`.

    Raises:
        BadValue: Fewer than three sites, a site that is not among them, or a public key that is none.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    if len(publics) < LEAST_SITES:
        raise BadValue(
            f"A secure sum of {len(publics)} sites: at least {LEAST_SITES} are needed, or one could be told."
        )
    if site not in publics:
        raise BadValue(f"Site '{site}' is not among the sites of this sum: {', '.join(sorted(publics))}.")
    own, secrets = X25519PrivateKey.from_private_bytes(private), {}
    for other in sorted(set(publics) - {site}):
        try:
            secrets[other] = own.exchange(X25519PublicKey.from_public_bytes(publics[other]))
        except ValueError:  # of a wrong length, or a point that gives the same secret with every private key
            raise BadValue(f"The public key of site '{other}' is no X25519 key.") from None
    return secrets


def total(payloads: Sequence[UInt64Array], *, n_sites: int) -> IntArray:
    """The sum of all sites' counts.

    Args:
        payloads: What `masked` gave at each site, one a site.
        n_sites: How many sites agreed to take part.

    Raises:
        BadValue: A payload is missing, shapes differ, or the sum is no count: a site used other keys or another context.
    """
    if len(payloads) != n_sites:
        raise BadValue(
            f"{len(payloads)} of {n_sites} payloads came: the masks of the missing sites remain. Ask the others again, "
            "under a new context."
        )
    if len({payload.shape for payload in payloads}) != 1:
        raise BadValue(f"Payloads of shapes {', '.join(str(p.shape) for p in payloads)}: one shape is right.")
    added = np.zeros_like(payloads[0])
    for payload in payloads:
        added = added + payload
    if added.size and int(added.max()) > _MOST:
        raise BadValue("The masks did not cancel: a site used other keys, another context, or answered twice.")
    return added.astype(np.int64)


def _mask(secret: bytes, context: str, n: int) -> UInt64Array:
    """The mask that two sites share, the same at both, shape (n,)."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = b"xraybench secure sum\x1f" + context.encode()
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)
    stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(8 * n))
    return np.frombuffer(stream, dtype="<u8").astype(np.uint64)
