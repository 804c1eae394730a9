"""The cards of published models against what is published."""

import dataclasses
import json

import pytest

from tests.cards.published_configurations import CONFIGURATIONS
from zoo.cards import read_cards
from zoo.cards.published import check_count, check_published
from zoo.weights.published import published_table
from zoo.weights.settings import read_arguments

CARDS = {card.source.handle.removeprefix("hf://"): card for card in read_cards() if not card.shipped}


def check(card, config, folder):
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    check_published(card, published_table(folder), path)


def test_every_published_card_has_a_configuration_here():
    assert CARDS.keys() == CONFIGURATIONS.keys()


@pytest.mark.parametrize("handle", CARDS)
def test_a_card_says_what_is_published(handle, tmp_path):
    card, config = CARDS[handle], CONFIGURATIONS[handle]
    check(card, config, tmp_path)
    published = read_arguments(published_table(tmp_path), config, handle)
    assert card.backbone.items() <= published.items()  # in these cards even dropout is that of the file


@pytest.mark.parametrize(
    ("handle", "key", "value", "message"),
    [
        ("google-bert/bert-base-uncased", "num_hidden_layers", 11, "num_layers: 12, there 11"),
        ("FacebookAI/roberta-base", "layer_norm_eps", 1e-12, "epsilon: 1e-05, there 1e-12"),
        ("FacebookAI/roberta-base", "max_position_embeddings", 512, "max_sequence_length: 512, there 510"),
        ("google/electra-small-discriminator", "embedding_size", 64, "embedding_dim: 128, there 64"),
        ("google/electra-small-discriminator", "embedding_size", 256, "architecture: AlbertBackbone, there BertBa"),
        ("nghuyong/ernie-1.0-base-zh", "hidden_act", "gelu", "activation: 'relu', there 'gelu'"),
        ("google/flan-t5-small", "feed_forward_proj", "relu", "activation: 'gelu_approximate', there 'relu'"),
    ],
)
def test_a_difference_is_named(handle, key, value, message, tmp_path):
    with pytest.raises(ValueError, match=rf"(?s)does not describe what is published at hf://{handle}:.*  {message}"):
        check(CARDS[handle], CONFIGURATIONS[handle] | {key: value}, tmp_path)


@pytest.mark.parametrize(
    ("handle", "key"),
    [("albert/albert-base-v2", "hidden_dropout_prob"), ("google/mt5-small", "dropout_rate")],
)
def test_dropout_is_read_from_what_is_published(handle, key, tmp_path):
    assert CONFIGURATIONS[handle][key] != 0.37
    check(CARDS[handle], CONFIGURATIONS[handle] | {key: 0.37}, tmp_path)
    card = dataclasses.replace(CARDS[handle], backbone={**CARDS[handle].backbone, "dropout": 0.41})
    check(card, CONFIGURATIONS[handle], tmp_path)


def test_a_model_of_no_architecture_of_ours(tmp_path):
    with pytest.raises(ValueError, match="architecture: BertBackbone, there another"):
        check(CARDS["google-bert/bert-base-uncased"], {"model_type": "gpt2"}, tmp_path)


def test_a_count_that_differs():
    class Backbone:
        def count_params(self):
            return 300_176_769

    with pytest.raises(ValueError, match=r"parameter_count: 300,176,768, there 300,176,769\nCorrect the card"):
        check_count(CARDS["google/mt5-small"], Backbone())
