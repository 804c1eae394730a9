"""What pre-training is worth for question answering: one preset fine-tuned from its weights and from random ones.

    python -m tests.benchmarks.question_answering --train train.json --validation dev.json --preset NAME
        [--rows 2000] [--epochs 2] [--seeds 3] [--batch-size 32] [--stride 64] [--learning-rate 3e-4]

Files are what `zoo.data.read_questions` takes; records that cannot be used are left out and counted. A tenth of the
training passages is held out: the threshold of "no answer" is fitted on it, and by its scores epochs should be chosen,
so that the validation file is looked at once, at the end. Beside the models stand two that read nothing: one that
always says "no answer", and one that always answers with the first sentence.
"""

import argparse
import time
import warnings

import keras

import zoo
from zoo.metrics.squad import squad_scores
from zoo.training.comparison import PRETRAINED, RANDOM, Score

HELD_OUT = 0.1


def read(path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        questions = zoo.data.read_questions(path, on_bad_record="skip")
    unanswerable = sum(not answers for answers in questions.labels)
    print(f"{path}: {len(questions)} questions about {len(questions.passages)} passages, {unanswerable} without answer")
    for warning in caught:
        print(f"  {warning.message}")
    return questions


def constant_answers(questions):
    """Scores of answers that are the same whatever is asked."""
    first = [zoo.data.split_sentences(passage)[0] for passage in questions.passages]
    answers = {
        "no answer": [""] * len(questions),
        "first sentence": [first[passage] for passage in questions.passage_numbers],
    }
    for name, predictions in answers.items():
        print(f"{f'always: {name}':24} {shown(squad_scores(predictions, questions.answers))}", flush=True)


def shown(scores) -> str:
    return ", ".join(f"{name} {100 * value:.1f}" for name, value in scores.items())


def run(start, seed, train, held_out, validation, options):
    """One training run: the scores on the validation file."""
    keras.utils.set_random_seed(seed)
    model = zoo.QuestionAnswering.from_preset(
        options.preset, load_weights=start == PRETRAINED, seed=seed, stride=options.stride, dtype="float32"
    )
    if options.learning_rate is not None:
        model.compile(optimizer=zoo.training.AdamW(options.learning_rate))
    began, began_processor = time.perf_counter(), time.process_time()
    history = model.fit(train, epochs=options.epochs, batch_size=options.batch_size, verbose=0).history
    if model.no_answer_threshold is not None:
        model.fit_threshold(held_out)
    print(f"  {start}, seed {seed}, losses {', '.join(f'{loss:.2f}' for loss in history['loss'])}")
    print(f"    held-out part of the training file: {shown(model.evaluate_records(held_out, batch_size=64))}")
    found = model.evaluate_records(validation, batch_size=64)
    print(
        f"    validation: {shown(found)}; threshold {model.no_answer_threshold}; {time.perf_counter() - began:.0f} s, "
        f"{time.process_time() - began_processor:.0f} s of a processor",
        flush=True,
    )
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "validation", "preset"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rows", type=int, help="train on about this many questions; all when not given")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--stride", type=int, help="tokens; half of the model's length when not given")
    parser.add_argument("--learning-rate", type=float, help="constant; the default optimizer when not given")
    options = parser.parse_args()
    train, validation = read(options.train), read(options.validation)
    train, held_out = train.split(HELD_OUT, seed=0)
    if options.rows is not None and options.rows < len(train):
        _, train = train.split(options.rows / len(train), seed=0)
    constant_answers(validation)
    print(f"{options.preset}, {len(train)} questions to train on, {len(held_out)} held out, {options.epochs} epochs")
    for start in (PRETRAINED, RANDOM):
        found = [run(start, seed, train, held_out, validation, options) for seed in range(options.seeds)]
        for name in found[0]:
            total = Score(start, tuple(100 * scores[name] for scores in found))
            print(f"{start:12} {name:24} {total.mean:5.1f} ± {total.spread:.1f} ({options.seeds} seeds)", flush=True)


if __name__ == "__main__":
    main()
