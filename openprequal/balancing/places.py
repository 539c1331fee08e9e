"""Which occupied place comes next, going round?"""

_BITS = 8
_LAST_IN_WORD = (1 << _BITS) - 1


class Places:
    """A set of whole numbers from 0 that finds the next member after a number, at a cost that hardly grows.

    Words of 256 bits, and one summary in which each word that holds something has its bit.
    """

    __slots__ = ("_summary", "_words")

    def __init__(self) -> None:
        self._words: dict[int, int] = {}
        self._summary = 0

    def __bool__(self) -> bool:
        return self._summary != 0

    def add(self, place: int) -> None:
        """Harmless if it is there."""
        word = place >> _BITS
        self._words[word] = self._words.get(word, 0) | 1 << (place & _LAST_IN_WORD)
        self._summary |= 1 << word

    def discard(self, place: int) -> None:
        """Harmless if it is not there."""
        word = place >> _BITS
        left = self._words.get(word, 0) & ~(1 << (place & _LAST_IN_WORD))
        if left:
            self._words[word] = left
        elif word in self._words:
            del self._words[word]
            self._summary ^= 1 << word

    def after(self, place: int) -> int:
        """The least member above *place*, or else the least of all: *place* itself comes last. It is not empty."""
        word = place >> _BITS
        later = self._words.get(word, 0) >> (place & _LAST_IN_WORD) + 1
        if later:
            return place + (later & -later).bit_length()
        words = self._summary >> word + 1
        if words:
            word += (words & -words).bit_length()
        else:
            word = (self._summary & -self._summary).bit_length() - 1
        bits = self._words[word]
        return (word << _BITS) + (bits & -bits).bit_length() - 1
