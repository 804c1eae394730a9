"""Every feature of the zoo, defined once: the names that travel from the data to the loss.

| feature | shape | type | meaning |
| --- | --- | --- | --- |
| `token_ids` | (batch, length) | int32 | token ids, with the special tokens |
| `segment_ids` | (batch, length) | int32 | 0 for the first text and its special tokens, 1 for the second |
| `padding_mask` | (batch, length) | int32 | 1 = real token, 0 = padding |
| `word_starts` | (batch, length) | bool | True where a token begins a word; used by corruptions only |
| `sentence_starts` | (batch, length) | bool | True where a token begins a sentence; used by corruptions only |
| `mask_positions` | (batch, predictions) | int32 | positions to be predicted; unused slots are 0 |
| `mask_ids` | (batch, predictions) | int32 | the original ids at `mask_positions`; unused slots are 0 |
| `mask_weights` | (batch, predictions) | float32 | 1 for a slot in use, 0 for an unused one |
| `sentence_labels` | (batch,) | int32 | next sentence: 1 = random; sentence order: 1 = swapped |
| `answer_mask` | (batch, length) | int32 | 1 where an answer may begin or end: the passage, and [CLS] for none |
| `start_positions` | (batch,) | int32 | the first token of the answer; 0, [CLS], where there is none |
| `end_positions` | (batch,) | int32 | the last token of the answer; 0, [CLS], where there is none |
| `encoder_token_ids` | (batch, encoder_length) | int32 | what the encoder reads, with the special tokens |
| `encoder_padding_mask` | (batch, encoder_length) | int32 | 1 = real token, 0 = padding |
| `decoder_token_ids` | (batch, target_length) | int32 | what the decoder reads: `target_ids` one step later, as below |
| `decoder_padding_mask` | (batch, target_length) | int32 | 1 = position in use, the first one too; 0 = padding |
| `decoder_positions` | (batch, target_length) | int32 | positions of `decoder_token_ids` in the text; padding is 0 |
| `cross_attention_mask` | (batch, encoder_length) | int32 | 1 = the decoder may look at it, 0 = padding or hidden |
| `target_ids` | (batch, target_length) | int32 | what the decoder must say at each position; unused ones are padding |
| `target_weights` | (batch, target_length) | float32 | 1 for a position in use, its end token's too; 0 for padding |

At a position, the decoder has read `decoder_token_ids` up to and including it, and must say `target_ids` there. So in
every row `decoder_token_ids[1:]` are `target_ids[:-1]`, and what comes first is the objective's choice: the end token
for BART (target: start token, text, end token), the padding token for T5 (target ends with the end token; the padding
token in first place is in use, so its mask is 1), and for MASS the token before the fragment, the start token where the
fragment begins the text. `decoder_positions` and `cross_attention_mask` are made by MASS alone: a decoder without them
counts its positions from 0 and looks at all real tokens. At least the start and the end token can always be looked at.

Inputs of a model, its outputs and its targets share these names: the head that predicts `mask_ids` gives
an output called `mask_ids`, and `fit` meets it with the target and the weight of the same name.
"""

TOKEN_IDS = "token_ids"
SEGMENT_IDS = "segment_ids"
PADDING_MASK = "padding_mask"
WORD_STARTS = "word_starts"
SENTENCE_STARTS = "sentence_starts"
MASK_POSITIONS = "mask_positions"
MASK_IDS = "mask_ids"
MASK_WEIGHTS = "mask_weights"
SENTENCE_LABELS = "sentence_labels"
ANSWER_MASK = "answer_mask"
START_POSITIONS = "start_positions"
END_POSITIONS = "end_positions"
ENCODER_TOKEN_IDS = "encoder_token_ids"
ENCODER_PADDING_MASK = "encoder_padding_mask"
DECODER_TOKEN_IDS = "decoder_token_ids"
DECODER_PADDING_MASK = "decoder_padding_mask"
DECODER_POSITIONS = "decoder_positions"
CROSS_ATTENTION_MASK = "cross_attention_mask"
TARGET_IDS = "target_ids"
TARGET_WEIGHTS = "target_weights"
