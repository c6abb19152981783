"""One RS-485 line in time: when bytes are on it, when a frame has ended, when the silence was broken.

Pure: bytes and instants (monotonic nanoseconds) in, decisions out. A pty hands a whole request over at once, so the
time that its characters would have taken is reckoned from its first arrival. The file descriptors are in bus.py.
"""

import heapq
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from provisioning.simulator.frames import is_whole_frame

# 8N1: start bit, eight data bits, stop bit.
BITS_PER_CHARACTER = 10
# Serial Line V1.02, 2.5.1.1: frames are parted by 3.5 characters, a gap of more than 1.5 ends a frame for some.
SILENCE_CHARACTERS = 3.5
GAP_CHARACTERS = 1.5
# A reply is handed over in pieces, as a UART's buffer does: each piece when its last character would be complete.
# Shorter than the silence, so that no gap between two pieces looks like the end of a frame.
LONGEST_PIECE_NS = 4_000_000
LONGEST_PIECE_OF_SILENCE = 0.9
# A USB adapter hands over after its latency timer, or when this many bytes wait (FTDI AN232B-04).
ADAPTER_BUFFER_BYTES = 62
# A master cannot know of a reply that nobody waits for any more before its first piece has reached it and its process
# has run: a request that begins until then has collided, and its silence was kept.
REACTION_NS = 1_000_000
NANOSECONDS_PER_SECOND = 1_000_000_000
LONG_AGO_NS = -(1 << 62)


@dataclass(slots=True)
class LineCounters:
    """What was seen on the line since the start."""

    requests: int = 0
    replies: int = 0
    broken_silences: int = 0
    collisions: int = 0
    bad_crc: int = 0
    wrong_baud: int = 0
    busy_ns: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes to hand over at an instant; `ends_ns` is when their last character was on the line."""

    hand_over_ns: int
    ends_ns: int
    data: bytes
    is_echo: bool = False


class Hearing(StrEnum):
    """How a meter heard a frame: it listens to the clear ones only."""

    CLEAR = "clear"
    BROKEN_SILENCE = "broken_silence"
    COLLISION = "collision"


@dataclass(frozen=True, slots=True)
class HeardFrame:
    """Bytes between two silences, when the silence after them was complete, and whether the one before was kept."""

    data: bytes
    ended_ns: int
    hearing: Hearing = Hearing.CLEAR


@dataclass(slots=True)
class Line:
    """The state of one line. Call `hear` with bytes, `poll` whenever `next_ns` has come."""

    baud: int
    latency_ns: int = 0
    echo: bool = False
    counters: LineCounters = field(default_factory=LineCounters)
    _heard: bytearray = field(default_factory=bytearray)
    _heard_until_ns: int = LONG_AGO_NS
    _hearing: Hearing = Hearing.CLEAR
    _last_byte_ns: int = LONG_AGO_NS
    _waiting: list[tuple[int, int, bytes]] = field(default_factory=list)
    _order: int = 0
    _pieces: list[Piece] = field(default_factory=list)
    _reached_master_ns: int | None = None
    _echoes: list[Piece] = field(default_factory=list)
    _other_until_ns: int = LONG_AGO_NS

    @property
    def character_ns(self) -> int:
        """How long one character is on the line."""
        return BITS_PER_CHARACTER * NANOSECONDS_PER_SECOND // self.baud

    @property
    def silence_ns(self) -> int:
        """The silence that ends a frame, and that must stand before the next."""
        return int(SILENCE_CHARACTERS * BITS_PER_CHARACTER * NANOSECONDS_PER_SECOND / self.baud)

    # ------------------------------------------------------------------------------------------------------ listening

    def hear(self, data: bytes, now_ns: int) -> None:
        """Bytes from the master arrived at `now_ns`."""
        if now_ns < self._other_until_ns + REACTION_NS:
            self._spoil(Hearing.COLLISION)
        elif self._pieces:
            known = self._reached_master_ns is not None and now_ns - self._reached_master_ns >= REACTION_NS
            self._spoil(Hearing.BROKEN_SILENCE if known else Hearing.COLLISION)
        elif not self._heard:
            if now_ns - self._last_byte_ns < self.silence_ns:
                self._spoil(Hearing.BROKEN_SILENCE)
        elif now_ns - self._heard_until_ns > GAP_CHARACTERS * self.character_ns or is_whole_frame(bytes(self._heard)):
            # The request before was not over yet: this one began within its silence.
            self._spoil(Hearing.BROKEN_SILENCE)
        begins_ns = max(now_ns, self._heard_until_ns)
        self._heard_until_ns = begins_ns + len(data) * self.character_ns
        self._last_byte_ns = max(self._last_byte_ns, self._heard_until_ns)
        self.counters.busy_ns += len(data) * self.character_ns
        self._heard += data
        if self.echo:
            self._echoes.append(Piece(self._heard_until_ns, self._heard_until_ns, data, is_echo=True))

    def hear_other(self, data: bytes, now_ns: int) -> None:
        """Another master speaks at `now_ns`: the meters hear it, and the first master too."""
        self.hear(data, now_ns)
        self._other_until_ns = self._heard_until_ns
        if not self.echo:
            self._echoes.append(Piece(self._heard_until_ns, self._heard_until_ns, data, is_echo=True))

    def silent_at(self, now_ns: int) -> bool:
        """Whether nothing is on the line, and nothing was for the length of a silence."""
        return not self._heard and not self._pieces and now_ns >= self._free_ns

    def _spoil(self, hearing: Hearing) -> None:
        """What is heard until the next silence makes no sense to a meter; counted once."""
        if self._hearing is not Hearing.CLEAR:
            return
        self._hearing = hearing
        self._heard.clear()
        if hearing is Hearing.COLLISION:
            self.counters.collisions += 1
        else:
            self.counters.broken_silences += 1

    def frame_at(self, now_ns: int) -> HeardFrame | None:
        """The frame whose silence is complete at `now_ns`."""
        if not self._heard or now_ns < self._heard_until_ns + self.silence_ns:
            return None
        frame = HeardFrame(bytes(self._heard), self._heard_until_ns + self.silence_ns, self._hearing)
        self._heard.clear()
        self._hearing = Hearing.CLEAR
        return frame

    # ------------------------------------------------------------------------------------------------------- speaking

    def send(self, data: bytes, due_ns: int) -> None:
        """A meter wants to send `data` from `due_ns`; it goes out then, or as soon as the line is free."""
        self._order += 1
        heapq.heappush(self._waiting, (due_ns, self._order, data))

    def pieces_at(self, now_ns: int) -> list[Piece]:
        """What has to be handed over to the master by `now_ns`."""
        due: list[Piece] = []
        while self._echoes and self._echoes[0].hand_over_ns <= now_ns:
            due.append(self._echoes.pop(0))
        self._begin_sending(now_ns)
        while self._pieces and self._pieces[0].hand_over_ns <= now_ns:
            due.append(self._pieces.pop(0))
        return due

    def handed_over(self, piece: Piece, before_ns: int) -> None:
        """A piece of a reply went out; `before_ns` was read just before, so the master cannot have had it sooner."""
        if piece.is_echo:
            return
        if self._reached_master_ns is None:
            self._reached_master_ns = before_ns
        adapter_ns = piece.hand_over_ns - piece.ends_ns
        self._last_byte_ns = max(self._last_byte_ns, piece.ends_ns, before_ns - adapter_ns)

    def _begin_sending(self, now_ns: int) -> None:
        if self._pieces or self._heard or not self._waiting:
            return
        due_ns = max(self._waiting[0][0], self._free_ns)
        if due_ns > now_ns:
            return
        data = heapq.heappop(self._waiting)[2]
        self._reached_master_ns = None
        self._pieces = plan_pieces(data, due_ns, self.character_ns, self.silence_ns, self.latency_ns)
        self.counters.busy_ns += len(data) * self.character_ns
        self.counters.replies += 1

    @property
    def _free_ns(self) -> int:
        """When the line has been silent long enough for a meter to speak."""
        return max(self._last_byte_ns, self._heard_until_ns) + self.silence_ns

    def next_ns(self) -> int | None:
        """When to look again if nothing is heard before; None while nothing is due."""
        times = []
        if self._echoes:
            times.append(self._echoes[0].hand_over_ns)
        if self._pieces:
            times.append(self._pieces[0].hand_over_ns)
        if self._heard:
            times.append(self._heard_until_ns + self.silence_ns)
        elif self._waiting and not self._pieces:
            times.append(max(self._waiting[0][0], self._free_ns))
        return min(times, default=None)


def plan_pieces(data: bytes, begins_ns: int, character_ns: int, silence_ns: int, latency_ns: int) -> list[Piece]:
    """When which bytes of a reply that begins at `begins_ns` reach the master."""
    longest_ns = min(LONGEST_PIECE_NS, int(LONGEST_PIECE_OF_SILENCE * silence_ns))
    size = max(1, longest_ns // character_ns)
    if latency_ns:
        size = max(1, min(ADAPTER_BUFFER_BYTES, latency_ns // character_ns))
    cuts = [*range(0, len(data), size), len(data)]
    pieces = []
    for start, stop in pairwise(cuts):
        ends_ns = begins_ns + stop * character_ns
        hand_over_ns = ends_ns
        if latency_ns and stop - start < ADAPTER_BUFFER_BYTES:
            # The timer runs from the first byte that waits.
            hand_over_ns = max(ends_ns, begins_ns + start * character_ns + latency_ns)
        pieces.append(Piece(hand_over_ns, ends_ns, data[start:stop]))
    return pieces
