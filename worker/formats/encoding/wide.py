"""UTF-16 and UTF-32 without a byte-order mark: which of them, in which byte order."""

import re


def wide_codec(sample: bytes) -> str:
    """The codec of bytes with zeros, by the side of those in ASCII characters; empty if none."""
    zeros = [sample[offset::4].count(0) for offset in range(4)]
    nearly_all = len(sample) // 4 * 9 // 10
    if nearly_all and min(zeros[2:]) >= nearly_all:
        return "utf-32-le"
    if nearly_all and min(zeros[:2]) >= nearly_all:
        return "utf-32-be"
    return utf16_codec(sample, zeros[0] + zeros[2], zeros[1] + zeros[3])


def utf16_codec(sample: bytes, high_first: int = 0, low_first: int = 0) -> str:
    """The UTF-16 codec of `sample`, by its zeros at even and odd places; empty if it is none.

    Chinese has no zeros but in line breaks and in 一 (U+4E00): there the order counts in which
    nearly all characters are East Asian.
    """
    if min(high_first, low_first) * 4 <= max(high_first, low_first):
        by_zeros = "utf-16-le" if low_first > high_first else "utf-16-be"
        if max(high_first, low_first) * 20 > len(sample):
            return by_zeros
    shares = {
        codec: len(_EAST_ASIAN.findall(text)) / max(1, len(text))
        for codec in ("utf-16-le", "utf-16-be")
        if (text := sample[:4096].decode(codec, "replace"))
    }
    best = max(shares, key=shares.__getitem__, default="")
    return best if best and shares[best] > 0.9 else ""


_EAST_ASIAN = re.compile(
    r"[\s!-~\u2010-\u2026\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e]"
)
