"""Small labelled samples that travel with the package, for first runs without a download.

`{en,zh}_sentiment.{train,dev}.tsv` hold reviews of one or two sentences, written for this project:
a header `sentence<TAB>label`, label 1 for positive and 0 for negative, UTF-8, no quoting. The dev
rows speak of other things, often in other words, than the training rows, so that knowing what words
mean pays off.
"""

from importlib import resources

LANGUAGES = ("en", "zh")
CLASS_NAMES = ("negative", "positive")


def sentiment(language: str = "en") -> dict[str, tuple[list[str], list[str]]]:
    """Returns the review sample of a language, split into training and held-out rows.

    Args:
        language: `"en"` (English) or `"zh"` (Chinese, simplified characters).

    Returns:
        `{"train": (texts, labels), "dev": (texts, labels)}`: 600 and 300 reviews, half of them of
        each class; every label is a class name, `"negative"` or `"positive"`.

    Raises:
        ValueError: there is no sample in this language.

    Example:

    >>> from zoo.data.samples import sentiment
    >>> texts, labels = sentiment("en")["train"]
    >>> len(texts), sorted(set(labels))
    (600, ['negative', 'positive'])
    """
    if language not in LANGUAGES:
        raise ValueError(
            "`language` must be one of the languages that have a sentiment sample: "
            f"{', '.join(LANGUAGES)}. Received: language={language!r}. "
            "For another language, give your own files: "
            "`zoo quickstart --train my.tsv --validation dev.tsv`."
        )
    return {split: _read(f"{language}_sentiment.{split}.tsv") for split in ("train", "dev")}


def _read(file_name: str) -> tuple[list[str], list[str]]:
    content = resources.files(__name__).joinpath(file_name).read_text(encoding="utf-8")
    # Not splitlines(): it would also break a row at characters such as U+2028.
    rows = [line.split("\t") for line in content.rstrip("\n").split("\n")[1:]]
    return [text for text, _ in rows], [CLASS_NAMES[int(label)] for _, label in rows]
