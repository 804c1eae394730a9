"""The objectives of encoder-decoders as one would write them first: an example at a time, lists and `random`.

Each function takes the tokens of a text, without start and end token, and gives what the encoder reads and what the
decoder says. The algorithms are those of `zoo.objectives`. Only the speed of them is of interest here.
"""

import itertools
import math
import random

import numpy as np

PAD, UNKNOWN, START, END, MASK = range(5)
FIRST_ORDINARY = 5


def whole(read, text):
    """BART's target is the whole text."""
    return [START, *read, END], [START, *text, END]


def token_masking(text, rate=0.15):
    read = list(text)
    for place in random.sample(range(len(text)), math.ceil(rate * len(text))):
        read[place] = MASK
    return whole(read, text)


def token_deletion(text, rate=0.15):
    gone = set(random.sample(range(len(text)), math.ceil(rate * len(text))))
    return whole([token for place, token in enumerate(text) if place not in gone], text)


def draw_poisson(mean):
    """Knuth's: factors are multiplied until they are small."""
    limit, product, count = math.exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count


def infill(text, rate=0.3, mean=3.0):
    left, lengths = math.ceil(rate * len(text)), []
    kept = len(text) - left
    while left > 0:
        lengths.append(min(draw_poisson(mean), left))
        left -= lengths[-1]
    items = [1] * kept + [-length for length in lengths]  # a span is what is not positive
    random.shuffle(items)
    read, place = [], 0
    for item in items:
        read.append(text[place] if item == 1 else MASK)
        place += abs(item)
    return read


def text_infilling(text):
    return whole(infill(text), text)


def permute(text, sentence_starts):
    cuts = [place for place, starts in enumerate(sentence_starts) if starts and place] + [len(text)]
    sentences, first = [], 0
    for cut in cuts:
        sentences.append(text[first:cut])
        first = cut
    random.shuffle(sentences)
    return [token for sentence in sentences for token in sentence]


def sentence_permutation(text, sentence_starts):
    return whole(permute(text, sentence_starts), text)


def permutation_and_infilling(text, sentence_starts):
    return whole(infill(permute(text, sentence_starts)), text)


def document_rotation(text):
    first = random.randrange(len(text))
    return whole(text[first:] + text[:first], text)


def mass(text, rate=0.5):
    size = max(1, round(rate * len(text)))
    roll, last = random.random(), len(text) - size
    start = 0 if roll < 0.2 else last if roll < 0.4 else random.randint(0, last)
    read, row = [START, *text, END], [START, *text, END]
    for place in range(start + 1, start + size + 1):
        roll = random.random()
        read[place] = MASK if roll < 0.8 else draw_token() if roll < 0.9 else read[place]
    before = range(start, start + size)
    return read, row[start + 1 : start + size + 1], [row[place] for place in before], list(before)


def draw_token():
    return random.randrange(FIRST_ORDINARY, 32_000)


def draw_parts(total, count):
    """Sizes of `count` non-empty parts."""
    cuts = [0, *sorted(random.sample(range(1, total), count - 1)), total]
    return [stop - start for start, stop in itertools.pairwise(cuts)]


def span_corruption(text, sentinels, rate=0.15, mean=3.0):
    hidden = min(max(round(rate * len(text)), 1), len(text) - 1)
    spans = max(1, round(hidden / mean))
    read, said, place = [], [], 0
    pairs = zip(draw_parts(len(text) - hidden, spans), draw_parts(hidden, spans), strict=True)
    for number, (kept, gone) in enumerate(pairs):
        read += [*text[place : place + kept], sentinels[number]]
        said += [sentinels[number], *text[place + kept : place + kept + gone]]
        place += kept + gone
    return [*read, END], [*said, END]


def replace_spans(text, sentinels, rate=0.15):
    hidden = set(random.sample(range(len(text)), round(rate * len(text))))
    read, said, number = [], [], 0
    for place, token in enumerate(text):
        if place not in hidden:
            read.append(token)
            continue
        if place - 1 not in hidden:
            read.append(sentinels[number])
            said.append(sentinels[number])
            number += 1
        said.append(token)
    if len(text) - 1 not in hidden:
        said.append(sentinels[number])
    return [*read, END], [*said, END]


def prefix_lm(text, rate=0.5):
    longest = min(round(2 * rate * len(text)), len(text) - 1)
    cut = len(text) - random.randint(1, longest)
    return [*text[:cut], END], [*text[cut:], END]


def bert_style(text, rate=0.15, random_token_rate=0.1):
    read = list(text)
    for place in random.sample(range(len(text)), round(rate * len(text))):
        read[place] = draw_token() if random.random() < random_token_rate else MASK
    return [*read, END], [*text, END]


def mass_style(text):
    return bert_style(text, random_token_rate=0.0)


def deshuffling(text):
    read = list(text)
    random.shuffle(read)
    return [*read, END], [*text, END]


def drop_tokens(text, rate=0.15):
    gone = set(random.sample(range(len(text)), round(rate * len(text))))
    read = [token for place, token in enumerate(text) if place not in gone]
    return [*read, END], [token for place, token in enumerate(text) if place in gone] + [END]


def ul2(text, sentinels):
    kinds = [(0.15, 3.0), (0.15, 8.0), (0.5, 3.0), (0.5, 8.0), (0.15, 64.0), (0.5, 64.0), None]
    kind = random.choice(kinds)
    return prefix_lm(text, 0.25) if kind is None else span_corruption(text, sentinels, *kind)


def collate(examples, lengths, first):
    """The arrays of a batch, padded; `first` is what the decoder reads first, None if it is given."""
    read = [example[0] for example in examples]
    said = [example[1] for example in examples]
    given = [example[2] if first is None else [first, *example[1][:-1]] for example in examples]
    arrays = {
        "encoder_token_ids": pad(read, lengths[0]),
        "encoder_padding_mask": pad([[1] * len(row) for row in read], lengths[0]),
        "decoder_token_ids": pad(given, lengths[1]),
        "decoder_padding_mask": pad([[1] * len(row) for row in given], lengths[1]),
        "target_ids": pad(said, lengths[1]),
        "target_weights": pad([[1] * len(row) for row in said], lengths[1]).astype("float32"),
    }
    if first is None:
        arrays["decoder_positions"] = pad([example[3] for example in examples], lengths[1])
        arrays["cross_attention_mask"] = pad([[int(token != MASK) for token in row] for row in read], lengths[0])
    return arrays


def pad(rows, length):
    return np.array([row + [PAD] * (length - len(row)) for row in rows], "int32")
