"""Every feature of the zoo, defined once: the names that travel from the data to the loss.

| feature | shape | type | meaning |
| --- | --- | --- | --- |
| `token_ids` | (batch, length) | int32 | token ids, with the special tokens |
| `segment_ids` | (batch, length) | int32 | 0 for the first text and its special tokens, 1 for the second |
| `padding_mask` | (batch, length) | int32 | 1 = real token, 0 = padding |
| `word_starts` | (batch, length) | bool | True where a token begins a word; used by corruptions only |
| `mask_positions` | (batch, predictions) | int32 | positions to be predicted; unused slots are 0 |
| `mask_ids` | (batch, predictions) | int32 | the original ids at `mask_positions`; unused slots are 0 |
| `mask_weights` | (batch, predictions) | float32 | 1 for a slot in use, 0 for an unused one |
| `sentence_labels` | (batch,) | int32 | next sentence: 1 = random; sentence order: 1 = swapped |
| `answer_mask` | (batch, length) | int32 | 1 where an answer may begin or end: the passage, and [CLS] for none |
| `start_positions` | (batch,) | int32 | the first token of the answer; 0, [CLS], where there is none |
| `end_positions` | (batch,) | int32 | the last token of the answer; 0, [CLS], where there is none |

Inputs of a model, its outputs and its targets share these names: the head that predicts `mask_ids` gives
an output called `mask_ids`, and `fit` meets it with the target and the weight of the same name.
"""

TOKEN_IDS = "token_ids"
SEGMENT_IDS = "segment_ids"
PADDING_MASK = "padding_mask"
WORD_STARTS = "word_starts"
MASK_POSITIONS = "mask_positions"
MASK_IDS = "mask_ids"
MASK_WEIGHTS = "mask_weights"
SENTENCE_LABELS = "sentence_labels"
ANSWER_MASK = "answer_mask"
START_POSITIONS = "start_positions"
END_POSITIONS = "end_positions"
