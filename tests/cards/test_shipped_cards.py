"""Every card of this copy of the package."""

import functools
import inspect

import pytest

import zoo.models
import zoo.tokenizers
from tests.checks import count_without_memory
from zoo import presets
from zoo.cards import read_cards

CARDS = read_cards()
PUBLISHED = [card for card in CARDS if card.architecture == "BertBackbone" and not card.shipped]
every_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)


@functools.cache
def count(architecture, arguments):
    return count_without_memory(lambda: getattr(zoo.models, architecture)(**dict(arguments)))


@every_card
def test_builds_and_has_its_parameters(card):
    assert count(card.architecture, tuple(card.backbone.items())) == card.parameter_count


@every_card
def test_says_only_what_the_classes_take(card):
    backbone = inspect.signature(getattr(zoo.models, card.architecture)).parameters
    defaults = {name for name, value in card.backbone.items() if backbone[name].default == value}
    assert defaults == set(), "a card holds what differs from the defaults"
    tokenizer = inspect.signature(getattr(zoo.tokenizers, card.tokenizer.kind)).parameters
    assert card.tokenizer.arguments.keys() <= tokenizer.keys()
    if card.tokenizer.kind == "WordPiece":  # the vocabulary files of the others say it
        assert card.tokenizer.arguments["lowercase"] == (card.casing != "cased")


@pytest.mark.parametrize("card", [card for card in CARDS if card.shipped], ids=lambda card: card.name)
def test_shipped_weights_are_whole_and_small(card):
    location = presets.find(card.name)
    presets.verify(location.folder, card.source.files)
    assert card.size_in_bytes < 10_000_000
    assert presets.load_backbone(card.name).count_params() == card.parameter_count
    assert presets.load_tokenizer(card.name).vocabulary_size() <= card.backbone["vocabulary_size"]


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


def test_no_two_cards_have_the_same_source():
    handles = [card.source.handle for card in CARDS if not card.shipped]
    assert len(set(handles)) == len(handles)
