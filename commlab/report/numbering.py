"""Numbers of headings, tables and figures, as Chinese and English documents give them.

Chinese headings follow GB/T 9704: 一、 （一） 1.; English ones are 1, 1.1, 1.1.1.
"""

from __future__ import annotations

from commlab.text import Text

__all__ = ["Numbers"]


class Numbers:
    """Counts headings, tables and figures of one document."""

    def __init__(self, t: Text) -> None:
        self.t = t
        self.counts = [0, 0, 0]
        self.appendices = 0
        self.in_appendix = False
        self.sections = self.tables = self.figures = 0

    def heading(self, level: int, appendix: bool) -> tuple[str, bool]:
        self.sections += 1
        if level == 1:
            self.in_appendix = appendix
        elif self.in_appendix:
            appendix = False
        if level == 1 and appendix:
            self.appendices += 1
            self.counts[1:] = [0, 0]
            if self.t.language == "zh":
                return f"附件{self.appendices}　", True
            return f"Appendix {_letter(self.appendices)}: ", True
        self.counts[level - 1] += 1
        self.counts[level:] = [0] * (3 - level)
        n = self.counts[level - 1]
        if self.t.language == "zh":
            return (f"{_chinese(n)}、", f"（{_chinese(n)}）", f"{n}. ")[level - 1], False
        first = _letter(self.appendices) if self.in_appendix else str(self.counts[0])
        return ".".join([first, *(str(c) for c in self.counts[1:level])]) + "  ", False


def _letter(n: int) -> str:
    return chr(ord("A") + n - 1) if n <= 26 else f"A{n}"


def _chinese(n: int) -> str:
    """1-99 in Chinese characters.

    >>> [_chinese(n) for n in (1, 10, 12, 20, 35)]
    ['一', '十', '十二', '二十', '三十五']
    """
    digits = "零一二三四五六七八九"
    tens, ones = divmod(n, 10)
    if n > 99:
        return str(n)
    return ("" if tens == 0 else "十" if tens == 1 else f"{digits[tens]}十") + (
        digits[ones] if ones or not n else ""
    )
