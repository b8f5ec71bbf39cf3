"""How a name is spelled in pinyin, so that it can be found by typing letters."""

from __future__ import annotations

from commlab.text import clean

__all__ = ["readings"]


def readings(name: str) -> str:
    """The readings of every character, without tones; other letters stand for themselves.

    A search compares what is typed with the beginnings of these: ``wuhua``, ``whq`` and ``wuhq`` all spell 五华区.

    Returns
    -------
    str
        A word a character, its readings separated by "/"; ü is written v, as it is typed.

    Examples
    --------
    >>> readings("五华区"), readings("长宁"), readings("绿洲 B")
    ('wu hua qu/ou', 'zhang/chang ning/zhu', 'lv/lu zhou b')
    """
    from pypinyin import Style, pinyin

    out = []
    for character in clean(name).lower().replace(" ", ""):
        found = pinyin(character, style=Style.NORMAL, heteronym=True, v_to_u=False)[0]
        known = dict.fromkeys(r.replace("ü", "v") for r in found)
        out.append("/".join(known))
    return " ".join(out)
