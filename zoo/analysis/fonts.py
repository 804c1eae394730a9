"""Fonts for the characters that are really to be drawn: none of them shall come out as a box."""

import functools
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

# Fonts that have every character, each as the same kind of box.
_LAST_RESORT = ("last resort", "lastresort", ".lastresort")
# Asked first, since they are made for reading; any other font that has the characters will do.
_PREFERRED = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "Noto Sans CJK JP",
    "SimHei",
    "Arial Unicode MS",
)


@dataclass(frozen=True)
class Fonts:
    """What to draw texts with.

    Attributes:
        families: list of str, for the `fontfamily` of matplotlib's texts: its own default, then what that lacks.
        missing: frozenset of str, characters that no font of this machine has.
    """

    families: list[str]
    missing: frozenset[str]

    def drawable(self, text: str, otherwise: str) -> str:
        """Return a text, or, if a character of it is missing, what to draw instead."""
        return otherwise if self.missing & set(text) else text


def find_fonts(texts: Iterable[str]) -> Fonts:
    """Find fonts on this machine that have every character of some texts; warn, and name one, if there is none.

    Fonts that were installed after matplotlib made its list of fonts are found, too.
    """
    import matplotlib
    from matplotlib import font_manager

    families = list(matplotlib.rcParams["font.family"])
    defaults = [font_manager.findfont(font_manager.FontProperties(family=[family])) for family in families]
    missing = {character for text in texts for character in text if not character.isspace()}
    missing -= frozenset().union(*(characters_of(path) for path in defaults))
    chosen, missing = _choose(missing, _candidates())
    if missing and _learn_new_fonts():
        more, missing = _choose(missing, _candidates())
        chosen += more
    if missing:
        _warn(missing)
    return Fonts([*families, *chosen], frozenset(missing))


def _candidates():
    """A path for each family, the preferred ones first, of several fonts the one that is most nearly regular."""
    from matplotlib import font_manager

    entries = [each for each in font_manager.fontManager.ttflist if not each.name.lower().startswith(_LAST_RESORT)]
    entries.sort(key=lambda each: (each.style != "normal", str(each.weight) not in ("400", "normal", "regular")))
    paths = {}
    for entry in entries:
        paths.setdefault(entry.name, str(entry.fname))
    rank = {name: number for number, name in enumerate(_PREFERRED)}
    return dict(sorted(paths.items(), key=lambda item: (rank.get(item[0], len(rank)), item[0])))


def _choose(missing, candidates):
    """Families that together have as much as there is, few of them; and what none has."""
    chosen = []
    while missing:
        best, found = None, set()
        for name, path in candidates.items():
            has = missing & characters_of(path)
            if len(has) > len(found):
                best, found = name, has
            if len(found) == len(missing):
                break
        if best is None:
            break
        chosen.append(best)
        missing = missing - found
    return chosen, missing


@functools.cache
def characters_of(path: str) -> frozenset[str]:
    """Return the characters that a font file has glyphs for; none if it cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()


def _learn_new_fonts():
    """Tell matplotlib of fonts that it does not know of; whether there were any."""
    from matplotlib import font_manager

    known = {str(entry.fname) for entry in font_manager.fontManager.ttflist}
    new = [path for path in font_manager.findSystemFonts() if path not in known and characters_of(path)]
    for path in new:
        font_manager.fontManager.addfont(path)
    return bool(new)


def _warn(missing):
    characters = "".join(sorted(missing, key=lambda each: (not each.isalpha(), each)))  # letters tell the script
    characters = characters[:20] + ("..." if len(characters) > 20 else "")
    warnings.warn(
        f"No font on this machine has the characters {characters}, so texts with them are numbered in the figure. "
        "Install a font that has them and draw again; for Chinese, Noto Sans CJK (`apt install fonts-noto-cjk` on "
        "Debian, Ubuntu and Colab). A font file of yours is made known by "
        "`matplotlib.font_manager.fontManager.addfont(path)`.",
        stacklevel=5,
    )
