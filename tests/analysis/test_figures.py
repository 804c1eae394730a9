import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from zoo.analysis import fonts
from zoo.analysis.heat_map import excerpt
from zoo.analysis.occurrences import Occurrence
from zoo.analysis.similarity import ContextualSimilarity

LATIN = frozenset("abcdefghijklmnopqrstuvwxyz…")


def similarity(texts=("一个苹果很甜", "苹果手机", "水果", "苹果公司"), senses=("水果", "公司", "水果", "公司")):
    order = sorted(range(len(texts)), key=lambda number: senses.index(senses[number]))
    occurrences = tuple(
        Occurrence(number, texts[number], "果", texts[number].index("果"), senses[number]) for number in order
    )
    rng = np.random.default_rng(0)
    vectors = {"embedding": np.ones((len(texts), 3)), 1: rng.normal(size=(len(texts), 5))}
    return ContextualSimilarity(occurrences, {**vectors, 2: rng.normal(size=(len(texts), 5))})


@pytest.fixture
def bare_machine(monkeypatch):
    """No fonts but those of matplotlib, and none that matplotlib has not seen yet."""
    own = [each for each in font_manager.fontManager.ttflist if "mpl-data" in str(each.fname)]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [])
    font_manager.fontManager._findfont_cached.cache_clear()
    yield
    font_manager.fontManager._findfont_cached.cache_clear()


@pytest.fixture
def machine(monkeypatch):
    """A machine with the fonts that are given: family to characters; the default font has Latin letters."""

    def install(known, new=None):
        entries = [font_manager.FontEntry(fname=name, name=name, weight=400) for name in known]
        has = {**known, **(new or {})}
        monkeypatch.setattr(font_manager.fontManager, "ttflist", entries)
        monkeypatch.setattr(font_manager.fontManager, "addfont", lambda path: entries.append(
            font_manager.FontEntry(fname=path, name=path, weight=400)
        ))  # fmt: skip
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [*known, *(new or {})])
        monkeypatch.setattr(font_manager, "findfont", lambda properties: "default")
        monkeypatch.setattr(fonts, "characters_of", lambda path: frozenset(has.get(path, LATIN)))

    return install


def write_font(path, family, characters):
    """A TrueType font in which every character is a triangle."""
    names = [".notdef", *(f"uni{ord(each):04X}" for each in characters)]
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((500, 0))
    pen.lineTo((250, 700))
    pen.closePath()
    glyph = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(each): name for each, name in zip(characters, names[1:], strict=True)})
    builder.setupGlyf(dict.fromkeys(names, glyph))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (600, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


def test_latin_text_needs_no_other_font(machine):
    machine({"Noto Sans CJK SC": "果"})
    assert fonts.find_fonts(["apple …"]) == fonts.Fonts(["sans-serif"], frozenset())


def test_a_font_that_has_all_is_taken_and_a_preferred_one_first(machine):
    machine({"Last Resort High-Efficiency": "果公司", "A": "果公司", "Noto Sans CJK SC": "果公司", "B": "果"})
    assert fonts.find_fonts(["apple 果", "公司"]) == fonts.Fonts(["sans-serif", "Noto Sans CJK SC"], frozenset())


def test_fonts_complete_each_other(machine):
    machine({"A": "果", "B": "果公", "C": "司"})
    assert fonts.find_fonts(["果公司"]).families == ["sans-serif", "B", "C"]


def test_a_font_that_was_just_installed_is_found(machine):
    machine({"A": "果"}, new={"B": "公司"})
    assert fonts.find_fonts(["果公司"]) == fonts.Fonts(["sans-serif", "A", "B"], frozenset())


def test_without_a_font_the_warning_says_which_to_install(machine):
    machine({"Last Resort High-Efficiency": "果公司", "A": "果"})
    with pytest.warns(UserWarning, match="the characters 公司,.*Noto Sans CJK.*apt install fonts-noto-cjk"):
        found = fonts.find_fonts(["果公司"])
    assert found.missing == {"公", "司"}
    assert found.drawable("果", "-") == "果" and found.drawable("公", "-") == "-"


def test_characters_of_a_font(tmp_path):
    write_font(tmp_path / "some.ttf", "Some", "果a")
    assert fonts.characters_of(str(tmp_path / "some.ttf")) == {"果", "a"}
    (tmp_path / "none.ttf").write_bytes(b"no font")
    assert fonts.characters_of(str(tmp_path / "none.ttf")) == frozenset()


def test_the_heat_maps(bare_machine, tmp_path, monkeypatch):
    some = similarity()
    characters = sorted(set("".join(each.text for each in some.occurrences)))
    write_font(tmp_path / "new.ttf", "Triangles", characters)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(tmp_path / "new.ttf")])
    figure = some.plot(1)
    assert isinstance(figure, Figure)
    left, right, bar = figure.axes
    np.testing.assert_array_equal(left.images[0].get_array(), 1)
    np.testing.assert_allclose(right.images[0].get_array(), some.cosines[1])
    assert left.images[0].get_clim() == right.images[0].get_clim() == (some.cosines[1].min(), 1)
    assert left.get_title() == "static embedding, separation 0.000"
    assert right.get_title() == f"layer 1, separation {some.separation[1]:.3f}"
    assert [label.get_text() for label in left.get_yticklabels()] == ["一个苹果很甜", "水果", "苹果手机", "苹果公司"]
    for axes in (left, right):
        assert [label.get_text() for label in axes.get_xticklabels()] == ["水果", "公司"]
        assert list(axes.get_xticks()) == [0.5, 2.5]
        assert [line.get_ydata()[0] for line in axes.lines[::2]] == [1.5]
    assert (bar.get_ylabel(), figure.get_suptitle()) == ("cosine", "果")
    assert left.get_yticklabels()[0].get_fontfamily() == ["sans-serif", "Triangles"]
    figure.canvas.draw()  # matplotlib would warn of a glyph that is missing


def test_on_a_bare_machine_there_are_numbers_and_no_boxes(bare_machine):
    with pytest.warns(UserWarning, match="fonts-noto-cjk") as caught:
        figure = similarity().plot()
    assert caught[0].filename == __file__
    left, right, _ = figure.axes
    assert right.get_title().startswith("layer 2")
    assert [label.get_text() for label in left.get_yticklabels()] == [f"sentence {n}" for n in (0, 2, 1, 3)]
    assert [label.get_text() for label in right.get_xticklabels()] == ["sense 1", "sense 2"]
    assert figure.get_suptitle() == "one word in many sentences"
    figure.canvas.draw()


def test_many_sentences_are_not_written_and_need_no_font(bare_machine):
    many = similarity([f"{number} 果" for number in range(53)], ["x", "y"] * 26 + ["x"])
    with pytest.warns(UserWarning, match="the characters 果, so"):
        figure = many.plot()
    assert figure.axes[0].get_yticklabels() == []


@pytest.mark.parametrize(
    ("text", "word", "shown"),
    [
        (
            "Yesterday evening they\nswam to the bank of the river Thames.",
            "bank",
            "…hey swam to the bank of the river Th…",
        ),
        ("一二三四五六七八九果一二三四五六七八", "果", "…二三四五六七八九果一二三四五六七八"),
    ],
)
def test_long_sentences_are_cut_around_the_word(text, word, shown):
    assert excerpt(Occurrence(0, text, word, text.index(word))) == shown


def test_prices_are_no_formulas(bare_machine):
    some = ContextualSimilarity(
        tuple(Occurrence(0, "the bank has $1 and_ $2^", word, 4) for word in "abcdefg"),
        {"embedding": np.ones((7, 3)), 1: np.ones((7, 3))},
    )
    figure = some.plot()
    figure.canvas.draw()
    assert not any(label.get_parse_math() for label in figure.axes[0].get_yticklabels())
    assert figure.get_suptitle() == "a, b, c, d, e, …"


@pytest.mark.parametrize("layer", ["embedding", 3])
def test_a_layer_that_is_not_there(layer):
    with pytest.raises(ValueError, match=rf"both of \['embedding', 1, 2\]\. Received: layer={layer!r}"):
        similarity().plot(layer)
