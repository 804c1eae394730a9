"""The heads that models of Hugging Face have and our tasks have too."""

from zoo.weights.name_table import Head


def class_names(config: dict) -> list[str] | None:
    """The names of the classes in `config.json`, in their order; None if it only numbers them.

    Raises:
        ValueError: if `id2label` does not name the classes 0, 1, 2, ...
    """
    names = config.get("id2label")
    if not names:
        return None
    numbers = [str(number) for number in range(len(names))]
    if not isinstance(names, dict) or names.keys() != set(numbers):
        raise ValueError(f"`id2label` must name the classes 0, 1, 2, ... Received: {names!r}")
    in_order = [str(names[number]) for number in numbers]
    return None if in_order == [f"LABEL_{number}" for number in numbers] else in_order


def num_labels(config: dict) -> int:
    """The number of outputs of a head; 2 where nothing is said, as at Hugging Face."""
    return len(config.get("id2label") or {}) or config.get("num_labels", 2)


def refusal(head: Head, config: dict, activation: str) -> str | None:
    """Why a head cannot become a task of ours, or None.

    Args:
        head: `Head`.
        config: dict, `config.json`.
        activation: str, the backbone's.
    """
    if head.refused is not None:
        return head.refused
    if head.activation not in (None, activation):
        return f"its activation is {head.activation!r} there, and here the backbone's, {activation!r}"
    problem = config.get("problem_type")
    if head.task == "TextClassifier" and problem not in (None, "single_label_classification"):
        return f"its outputs are no classes of which one is right (problem_type={problem!r})"
    if head.task == "TextRegressor" and (problem not in (None, "regression") or num_labels(config) != 1):
        return f"its outputs are not one number (problem_type={problem!r}, {num_labels(config)} outputs)"
    return None


def _classes(config):
    if num_labels(config) < 2:
        return None
    return {"num_classes": num_labels(config), "class_names": class_names(config)}


def _number(config):
    is_number = num_labels(config) == 1 or config.get("problem_type") == "regression"
    return {} if is_number else None


def _tags(config):
    return {"labels": class_names(config) or [f"LABEL_{number}" for number in range(num_labels(config))]}


def _labels(names, count):
    names = names or [f"LABEL_{number}" for number in range(count)]
    return {
        "id2label": {str(number): str(name) for number, name in enumerate(names)},
        "label2id": {str(name): number for number, name in enumerate(names)},
    }


def classification(output: str, inner: str | None = None, pooler: str | None = None, refused=None) -> tuple[Head, Head]:
    """Heads on the vector of a text: classes, and a number.

    Args:
        output: str, the last layer there.
        inner: str, the dense layer before it of an encoder-decoder.
        pooler: str, the same of an encoder, where the head has it and not the backbone.
        refused: str, why it cannot be taken over, or None.
    """

    def layers(ours):
        named = {f"{ours}/inner": inner, "pooler": pooler, f"{ours}/dense": output}
        return {path: name for path, name in named.items() if name is not None}

    return (
        Head(
            "ForSequenceClassification", "TextClassifier", layers("classifier"), _classes,
            lambda task: _labels(task.class_names, task.num_classes), refused=refused,
        ),
        Head(
            "ForSequenceClassification", "TextRegressor", layers("regressor"), _number,
            lambda task: {**_labels(None, 1), "problem_type": "regression"}, refused=refused,
        ),
    )  # fmt: skip


def tags(output: str = "classifier") -> Head:
    """A class for every token."""
    return Head(
        "ForTokenClassification", "TokenClassifier", {"classifier/dense": output}, _tags,
        lambda task: _labels(task.labels, len(task.labels)),
    )  # fmt: skip


def spans(output: str = "qa_outputs") -> Head:
    """Where an answer begins and where it ends: two rows there, two vectors here.

    The two numbers that are added there are the same for all tokens, and so change no probability.
    """
    return Head(
        "ForQuestionAnswering", "QuestionAnswering", {},
        rows={"span_head/start": (f"{output}.weight", 0), "span_head/end": (f"{output}.weight", 1)},
        blanks={f"{output}.bias": (2,)},
    )  # fmt: skip


def masked_lm(
    dense: str, norm: str, bias: str, sentence: str | None = None, kind="next_sentence", activation=None
) -> tuple[Head, ...]:
    """The head that names hidden tokens, and perhaps one that judges a pair of sentences.

    Args:
        dense: str, the dense layer there.
        norm: str, the normalization after it.
        bias: str, what the name of the bias of all pieces begins with.
        sentence: str, the layer that judges a pair, which has the name of the class `ForPreTraining`, but is in many
            files that call themselves `ForMaskedLM`.
        kind: str, the `sentence_head` of `zoo.MaskedLM` that it is.
        activation: str, the head's there, or None where it is the backbone's.
    """
    layers = {"masked_lm_head/dense": dense, "masked_lm_head/norm": norm, "masked_lm_head": bias}
    extras = {} if sentence is None else {"sentence_head/dense": sentence}
    suffixes = ("ForMaskedLM",) if sentence is None else ("ForMaskedLM", "ForPreTraining")
    return tuple(
        Head(
            suffix,
            "MaskedLM",
            layers,
            extras=extras,
            activation=activation,
            extra_arguments={"sentence_head": kind} if extras else {},
        )
        for suffix in suffixes
    )
