"""How a task is put into words: a prefix before its texts, and answers that are words.

Raffel et al. (2020), arXiv 1910.10683, section 2.4 and appendix D. The table of the paper's tasks is
`text_forms.json`; its order of the texts is that of the released code (`mnli hypothesis: ... premise: ...`, as in
appendix D), by which the published models were trained. In the paper WNLI is put otherwise, as a choice of nouns.
"""

import dataclasses
import difflib
import functools
import json
import string
from decimal import Decimal
from pathlib import Path

TABLE = Path(__file__).with_name("text_forms.json")


@dataclasses.dataclass(frozen=True)
class TextForm:
    """A task in words.

    Args:
        template: str, what the model reads, with a `{name}` in the place of each text, one or two, such as
            `"mnli hypothesis: {hypothesis} premise: {premise}"`.
        fields: the names in the order in which the texts are given; that of the template when None.
        class_names: the answers of a classifier, in the order of the numbers of the classes; or None.
        numbers: lowest, highest and step of the numbers that are the answers; a label is rounded to the nearest
            one (STS-B: 0.0, 5.0, 0.2). Or None.

    With neither classes nor numbers the answer is free text.

    Raises:
        ValueError: if the template has no place or more than two, the fields are not its places, there are
            not at least two different answers, or both classes and numbers.

    Example:

    >>> from zoo.tasks import TextForm
    >>> form = TextForm("topic of {headline}", class_names=["sports", "politics"])
    >>> form.sources(["A late goal"])
    ['topic of A late goal']
    """

    template: str
    fields: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None
    numbers: tuple[float, float, float] | None = None

    def __post_init__(self):
        places = [name for _, name, _, _ in string.Formatter().parse(self.template) if name is not None]
        given = {"fields": self.fields or places, "class_names": self.class_names, "numbers": self.numbers}
        for name, value in given.items():
            object.__setattr__(self, name, None if value is None else tuple(value))
        if not 1 <= len(places) <= 2 or not all(map(str.isidentifier, places)) or len(set(places)) < len(places):
            raise ValueError(
                "A template has a {name} in the place of each of its texts, one or two. "
                f"Received: template={self.template!r}"
            )
        if sorted(self.fields) != sorted(places):
            raise ValueError(
                f"`fields` must be the names in the template: {places}. Received: fields={list(self.fields)}"
            )
        if self.class_names is not None and self.numbers is not None:
            raise ValueError(
                "The answers are classes or numbers. "
                f"Received: class_names={list(self.class_names)}, numbers={list(self.numbers)}"
            )
        self._check_answers()

    def _check_answers(self):
        if self.numbers is not None and not (len(self.numbers) == 3 and self.numbers[2] > 0):
            raise ValueError(
                f"`numbers` are the lowest, the highest and the step, above 0. Received: numbers={list(self.numbers)}"
            )
        answers = self.answers
        if answers is not None and (len(answers) < 2 or len(set(answers)) < len(answers)):
            raise ValueError(f"There must be at least 2 answers, each another. Received: {list(answers)[:20]}")

    @property
    def answers(self) -> tuple[str, ...] | None:
        """All possible answers, as text; None where the answer is free text."""
        if self.numbers is None:
            return self.class_names
        lowest, highest, step = (Decimal(str(number)) for number in self.numbers)
        digits = max(0, -step.normalize().as_tuple().exponent)
        return tuple(f"{lowest + index * step:.{digits}f}" for index in range(int((highest - lowest) / step) + 1))

    def sources(self, texts, second=None) -> list[str]:
        """The texts, or pairs of texts, in the template.

        Raises:
            ValueError: if the template is for pairs and these are none, or the other way round.
        """
        columns = [texts] if second is None else [texts, second]
        if len(columns) != len(self.fields):
            expected = "pairs of texts" if len(self.fields) == 2 else "single texts"
            raise ValueError(
                f"This form takes {expected} ({', '.join(self.fields)}): {self.template!r}. "
                f"Received: {'pairs of texts' if len(columns) == 2 else 'single texts'}."
            )
        return [self.template.format(**dict(zip(self.fields, row, strict=True))) for row in zip(*columns, strict=True)]

    def to_dict(self) -> dict:
        """What `TextForm(**...)` makes the same form of, as JSON holds it."""
        given = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}


@functools.cache
def text_forms() -> dict[str, TextForm]:
    """The table of the paper's tasks: forms by name."""
    return {name: TextForm(**form) for name, form in json.loads(TABLE.read_text(encoding="utf-8")).items()}


def prefixed_form(name: str, count: int, **answers) -> TextForm:
    """The form of a task that the table has not, by the rule of the table: its name, and each text behind one.

    Args:
        name: str.
        count: int, 1 for single texts, 2 for pairs.
        **answers: `class_names` or `numbers`, see `TextForm`.

    Example:

    >>> from zoo.tasks.text_forms import prefixed_form
    >>> prefixed_form("afqmc", 2, class_names=["different", "same"]).template
    'afqmc sentence1: {sentence1} sentence2: {sentence2}'
    """
    fields = ["sentence"] if count == 1 else [f"sentence{number + 1}" for number in range(count)]
    return TextForm(" ".join([name, *(f"{field}: {{{field}}}" for field in fields)]), **answers)


def text_form(form, **changes) -> TextForm:
    """A form, given as one, by its name in the table, or by its arguments.

    Args:
        form: str, `TextForm`, or dict.
        **changes: arguments of `TextForm` that are to be others, such as `class_names`.

    Raises:
        ValueError: if there is no form of that name, with the nearest names; or as `TextForm` does.

    Example:

    >>> from zoo.tasks import text_form
    >>> text_form("sst2", class_names=["bad", "good"]).template
    'sst2 sentence: {sentence}'
    """
    if isinstance(form, dict):
        form = TextForm(**form)
    if not isinstance(form, TextForm):
        table = text_forms()
        if form not in table:
            near = difflib.get_close_matches(str(form), table)
            raise ValueError(
                f"`form` must be one of {', '.join(table)}, or a `zoo.tasks.TextForm(template, ...)` of your own. "
                f"Received: form={form!r}." + (f" Nearest: {', '.join(near)}." if near else "")
            )
        form = table[form]
    return dataclasses.replace(form, **changes)
