"""Frames of a MagVenture MagPro: FE, length, body, checksum, FF (MAGIC and pytms; read).

Nothing is escaped, so FE and FF occur inside bodies too: a frame is known by its length, its checksum and its last
byte together, never by looking for FE alone.
"""

BEGIN, END = 0xFE, 0xFF

LONGEST_BODY = 24
"""Bytes; no known body is longer than 15, and a length beyond this is noise (assumed)."""

POLYNOMIAL = 0x8C
"""x^8 + x^5 + x^4 + 1, reflected: the CRC-8 of Dallas and Maxim, which begins at 0."""


def checksum(body: bytes) -> int:
    """CRC-8 of Dallas and Maxim over a body.

    >>> hex(checksum(b"123456789"))
    '0xa1'
    """
    value = 0
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ POLYNOMIAL if value & 1 else value >> 1
    return value


def framed(body: bytes) -> bytes:
    """The frame around a body.

    Raises
    ------
    ValueError : an empty body, or one longer than any

    >>> framed(b"\\x05").hex(" ")
    'fe 01 05 3f ff'
    """
    if not 1 <= len(body) <= LONGEST_BODY:
        raise ValueError(f"a frame's body has 1 to {LONGEST_BODY} bytes, not {len(body)}")
    return bytes([BEGIN, len(body)]) + body + bytes([checksum(body), END])


class FrameReader:
    """Whole bodies out of whatever arrives, in whatever pieces; noise costs no frame behind it."""

    def __init__(self) -> None:
        self._held = bytearray()
        self.dropped = 0
        """Bytes so far that belonged to no frame."""

    @property
    def held(self) -> bytes:
        """What may still become a frame."""
        return bytes(self._held)

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies of the frames that `data` completes."""
        self._held += data
        bodies = []
        while self._held:
            body, whole = self._first()
            if not whole:
                break
            if body is None:
                del self._held[0]
                self.dropped += 1
            else:
                bodies.append(body)
                del self._held[: len(body) + 4]
        return bodies

    def settle(self) -> list[bytes]:
        """The bodies behind a frame that broke off, once nothing more is coming; forgets the rest."""
        bodies: list[bytes] = []
        while self._held:
            del self._held[0]
            self.dropped += 1
            bodies += self.feed(b"")
        return bodies

    def _first(self) -> tuple[bytes | None, bool]:
        """The body of the frame that stands first, None if none does; and whether that can be told yet."""
        held = self._held
        if held[0] != BEGIN:
            return None, True
        if len(held) < 2:
            return None, False
        length = held[1]
        if not 1 <= length <= LONGEST_BODY:
            return None, True
        if len(held) < length + 4:
            return None, False
        body = bytes(held[2 : 2 + length])
        sound = held[2 + length] == checksum(body) and held[3 + length] == END
        return (body if sound else None), True
