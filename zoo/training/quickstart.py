"""The first minutes with the zoo: fine-tune by name, with random weights beside."""

from zoo import presets
from zoo.data.inputs import Examples
from zoo.training.finetuning import compare, finetune
from zoo.training.runs import RunFolder

PRESETS = {"en": "bert_tiny_sentences_en_uncased_books", "zh": "bert_tiny_zh_mixed"}


def preset_of_language(language: str) -> str:
    """The small shipped preset of a language."""
    if language not in PRESETS:
        raise ValueError(f"`language` must be one of {sorted(PRESETS)}. Received: language={language!r}")
    return PRESETS[language]


def quickstart(console, language="en", train=None, validation=None, preset=None, epochs=8, run=None) -> None:
    """Fine-tune on the embedded sample, or on the user's own two tables; see `zoo quickstart --help`."""
    if (train is None) != (validation is None):
        raise ValueError(
            "Your own data needs a table to train on and one to validate on. "
            f"Received: train={train}, validation={validation}"
        )
    preset = preset or preset_of_language(language)
    presets.find(preset)
    if train is not None:
        finetune(console, preset, train, validation, epochs=epochs, compare_random=True, run=run)
        return
    from zoo.data import samples

    sample = samples.sentiment(language)
    parts = [Examples(texts=list(texts), labels=list(labels)) for texts, labels in (sample["train"], sample["dev"])]
    console.print(f"{preset} on {len(parts[0])} reviews written for this project, judged on {len(parts[1])} others.")
    compare(console, preset, "text", *parts, RunFolder(run, name="quickstart"), epochs=epochs, compare_random=True)
