"""The sealed form of bytes, written a second time from docs/encryption.md, with the `cryptography` package.

    envelope.py write         prints vectors as JSON
    envelope.py check FILE    seals and opens each vector of a file, and says what does not fit
"""

import hashlib
import json
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"CKP\x01"
SUITE = 1
SEGMENT = 64 * 1024
TAG = 16


def derive(key, salt):
    made = HKDF(hashes.SHA256(), 64, salt, b"checkpoint envelope 1").derive(key)
    return AESGCM(made[:32]), made[32:]


def nonce(number, last):
    return bytes(3) + struct.pack(">Q", number) + bytes([last])


def seal(key, key_id, salt, bound, plain):
    introduction = MAGIC + bytes([SUITE]) + struct.pack("<I", key_id)
    cipher, commitment = derive(key, salt)
    out = introduction + salt + commitment
    segments = [plain[at : at + SEGMENT] for at in range(0, len(plain), SEGMENT)] or [b""]
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        out += cipher.encrypt(nonce(number, last), segment, introduction + bound)
    return out


def open_sealed(key, bound, sealed):
    introduction, salt, commitment, body = sealed[:9], sealed[9:41], sealed[41:73], sealed[73:]
    assert introduction[:4] == MAGIC and introduction[4] == SUITE, "not sealed"
    cipher, expected = derive(key, salt)
    assert commitment == expected, "another key"
    step = SEGMENT + TAG
    segments = [body[at : at + step] for at in range(0, len(body), step)]
    plain = b""
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        plain += cipher.decrypt(nonce(number, last), segment, introduction + bound)
    return plain


def content(length):
    """Bytes that nobody has to keep: the n-th is n * n / 8."""
    return bytes((n * n >> 3) & 255 for n in range(length))


def vectors():
    for number, length in enumerate([0, 1, 15, 16, 100, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT + 7]):
        key = hashlib.sha256(b"key %d" % number).digest()
        salt = hashlib.sha256(b"salt %d" % number).digest()
        bound = b"bound to %d" % number * (number % 4)
        sealed = seal(key, number * 1000 + 1, salt, bound, content(length))
        vector = {
            "key": key.hex(),
            "key_id": number * 1000 + 1,
            "salt": salt.hex(),
            "bound": bound.hex(),
            "length": length,
            "sealed_sha256": hashlib.sha256(sealed).hexdigest(),
        }
        if len(sealed) < 1000:
            vector["sealed"] = sealed.hex()
        yield vector


def check(vector):
    key, salt, bound = (bytes.fromhex(vector[name]) for name in ("key", "salt", "bound"))
    plain = content(vector["length"])
    sealed = seal(key, vector["key_id"], salt, bound, plain)
    assert hashlib.sha256(sealed).hexdigest() == vector["sealed_sha256"], "sealed otherwise"
    assert vector.get("sealed", sealed.hex()) == sealed.hex(), "sealed otherwise"
    assert open_sealed(key, bound, sealed) == plain, "opened otherwise"
    try:
        open_sealed(key, bound + b"x", sealed)
    except InvalidTag:
        return
    raise AssertionError("opened where it is not bound to")


def main():
    if sys.argv[1:] == ["write"]:
        print(json.dumps(list(vectors()), indent=1))
    elif len(sys.argv) == 3 and sys.argv[1] == "check":
        with open(sys.argv[2], encoding="utf-8") as file:
            found = json.load(file)
        for vector in found:
            check(vector)
        print(f"{len(found)} vectors hold")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
