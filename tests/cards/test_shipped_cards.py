"""Every card of this copy of the package."""

import functools
import inspect
import re
from pathlib import Path

import pytest

import zoo.models
import zoo.tokenizers
from tests.cards import tables
from tests.checks import count_without_memory, counts_without_memory
from zoo import presets
from zoo.cards import read_cards

ROOT = Path(__file__).parents[2]
CARDS = read_cards()
PUBLISHED = [card for card in CARDS if card.name.startswith("bert_") and not card.shipped]
every_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)


def make(card, **changes):
    try:
        return getattr(zoo.models, card.architecture)(**{**card.backbone, **changes})
    except (TypeError, ValueError) as error:
        error.add_note(f"The card is {card.name}.")
        raise


def but_for_layers(card):
    return card.architecture, *sorted((name, value) for name, value in card.backbone.items() if name != "num_layers")


@functools.cache
def count_few_layers():
    """The number of weights with one layer and with two, by all that the cards say but for the layers."""
    different = {but_for_layers(card): card for card in CARDS}
    makes = [functools.partial(make, card, num_layers=layers) for card in different.values() for layers in (1, 2)]
    counts = counts_without_memory(makes)
    return dict(zip(different, zip(counts[::2], counts[1::2], strict=True), strict=True))


@every_card
def test_builds_and_has_its_parameters(card):
    # Layers are alike, so that these say how many weights a model of many layers has.
    first, second = count_few_layers()[but_for_layers(card)]
    assert first + (card.backbone["num_layers"] - 1) * (second - first) == card.parameter_count


@pytest.mark.parametrize("name", ["bert_tiny_en_uncased", "electra_small_en_uncased", "mt5_small_multi_cased"])
def test_builds_whole(name):
    card = presets.read_card(name)
    assert count_without_memory(lambda: make(card)) == card.parameter_count


@every_card
def test_says_only_what_the_classes_take(card):
    backbone = inspect.signature(getattr(zoo.models, card.architecture)).parameters
    defaults = {name for name, value in card.backbone.items() if backbone[name].default == value}
    assert defaults == set(), "a card holds what differs from the defaults"
    tokenizer = inspect.signature(getattr(zoo.tokenizers, card.tokenizer.kind)).parameters
    assert card.tokenizer.arguments.keys() <= tokenizer.keys()
    if card.tokenizer.kind == "WordPiece" and card.casing:  # the vocabulary files of the others say it
        assert card.tokenizer.arguments["lowercase"] == (card.casing != "cased")


@pytest.mark.parametrize("card", [card for card in CARDS if card.shipped], ids=lambda card: card.name)
def test_shipped_weights_are_whole_and_small(card):
    location = presets.find(card.name)
    presets.verify(location.folder, card.source.files)
    assert card.size_in_bytes < 25_000_000
    assert presets.load_backbone(card.name).count_params() == card.parameter_count
    assert presets.load_tokenizer(card.name).vocabulary_size() <= card.backbone["vocabulary_size"]


def test_all_shipped_weights_together_are_small():
    assert sum(card.size_in_bytes for card in CARDS if card.shipped) < 100_000_000


def closed_form(vocabulary_size, num_layers, num_heads, hidden_dim, intermediate_dim):
    embedding = (vocabulary_size + 512 + 2 + 2) * hidden_dim
    attention = 4 * (hidden_dim * hidden_dim + hidden_dim)
    feed_forward = 2 * hidden_dim * intermediate_dim + intermediate_dim + hidden_dim
    pooler = hidden_dim * hidden_dim + hidden_dim
    return embedding + num_layers * (attention + feed_forward + 4 * hidden_dim) + pooler


@pytest.mark.parametrize("card", PUBLISHED, ids=lambda card: card.name)
def test_bert_has_the_parameters_of_the_closed_form(card):
    assert closed_form(**card.backbone) == card.parameter_count


@pytest.mark.parametrize(
    ("name", "parameter_count", "vocabulary_size"),
    [
        ("bert_tiny_en_uncased", 4_385_920, 30_522),
        ("bert_mini_en_uncased", 11_170_560, 30_522),
        ("bert_small_en_uncased", 28_763_648, 30_522),
        ("bert_medium_en_uncased", 41_373_184, 30_522),
        ("bert_base_en_uncased", 109_482_240, 30_522),
        ("bert_base_en_cased", 108_310_272, 28_996),
        ("bert_large_en_uncased", 335_141_888, 30_522),
        ("bert_large_en_cased", 333_579_264, 28_996),
        ("bert_large_wwm_en_uncased", 335_141_888, 30_522),
        ("bert_large_wwm_en_cased", 333_579_264, 28_996),
        ("bert_base_multi_cased", 177_853_440, 119_547),
        ("bert_base_multi_uncased", 167_356_416, 105_879),
        ("bert_base_zh", 102_267_648, 21_128),
    ],
)
def test_the_published_sizes(name, parameter_count, vocabulary_size):
    card = presets.read_card(name)
    assert card.parameter_count == parameter_count
    assert card.backbone["vocabulary_size"] == vocabulary_size
    assert card.licence == "Apache-2.0"


@pytest.mark.parametrize(
    ("size", "parameter_count"),
    [("base", 11_683_584), ("large", 17_683_968), ("xlarge", 58_724_864), ("xxlarge", 222_595_584)],
)
def test_the_published_sizes_of_albert(size, parameter_count):
    for version in (1, 2):
        card = presets.read_card(f"albert_{size}_v{version}_en_uncased")
        assert card.parameter_count == parameter_count
        assert card.source.handle == f"hf://albert/albert-{size}-v{version}"
        # Version 2 was trained without dropout and with the approximate form of GELU, the backbone's defaults.
        assert ("activation" in card.backbone) == (version == 1)


def test_all_of_googles_small_models_have_a_card():
    sizes = {
        (card.backbone["num_layers"], card.backbone["hidden_dim"], card.backbone["num_heads"])
        for card in PUBLISHED
        if "1908.08962" in card.paper
    }
    assert sizes == {(layers, size, size // 64) for layers in range(2, 13, 2) for size in (128, 256, 512, 768)}
    for card in PUBLISHED:
        if "1908.08962" in card.paper:
            layers, heads, size = (card.backbone[name] for name in ("num_layers", "num_heads", "hidden_dim"))
            assert card.source.handle == f"hf://google/bert_uncased_L-{layers}_H-{size}_A-{heads}"


# As `transformers` and KerasHub count: without the two
# unused positions and the one segment of RoBERTa, with the pooler of ELECTRA and DistilBERT.
@pytest.mark.parametrize(
    ("name", "parameter_count"),
    [
        ("roberta_base_en_cased", 124_645_632 - 3 * 768),
        ("roberta_large_en_cased", 355_359_744 - 3 * 1024),
        ("distilbert_base_en_uncased", 66_362_880 + 769 * 768),
        ("electra_small_en_uncased", 13_548_800),
        ("electra_base_en_uncased", 109_482_240),
        ("electra_large_en_uncased", 335_141_888),
        ("bart_large_cnn_en_cased", 406_290_432),
        ("mt5_small_multi_cased", 300_176_768),
        ("mt5_base_multi_cased", 582_401_280),
        ("mt5_large_multi_cased", 1_229_581_312),
        ("mt5_xl_multi_cased", 3_742_619_648),
        ("mt5_xxl_multi_cased", 12_921_057_280),
    ],
)
def test_the_published_sizes_of_others(name, parameter_count):
    assert presets.read_card(name).parameter_count == parameter_count


@pytest.mark.parametrize(
    ("pattern", "millions"),
    [
        ("ernie_*_v3_zh", [18, 23, 27, 75, 118, 296]),
        ("roberta_rbt*_zh", [38, 46, 60, 61]),
        ("electra_*_180g_zh", [12, 25, 102, 326]),
    ],
)
def test_sizes_that_are_published_in_millions(pattern, millions):
    counts = sorted(presets.read_card(name).parameter_count for name in presets.list_presets(pattern))
    assert [round(number / 1e6) for number in counts] == millions


def test_no_two_cards_have_the_same_source():
    handles = [card.source.handle for card in CARDS if not card.shipped]
    assert len(set(handles)) == len(handles)


def test_the_page_of_the_presets_has_the_scores_of_the_cards():
    page = tables.PAGE.read_text(encoding="utf-8")
    assert page == tables.with_tables(page), "python -m tests.cards.tables writes them anew"


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_readme_states_scores_of_the_cards(readme):
    known = {(card.name, *tables.numbers(score)) for card in CARDS if card.shipped for score in card.scores}
    rows = re.findall(
        r"^\| `(\w+)` \| [^|]+ \| (\d\S* ± \S+) \| (\d\S* ± \S+) \|$",
        (ROOT / readme).read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(rows) > 5
    assert set(rows) <= known
