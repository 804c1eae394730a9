"""The notebooks run, at a tiny size, and are kept as they should be."""

import ast
import functools
import importlib
import inspect
import os
import sys
import warnings
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient

import zoo
from tests.weights.hub_stand_in import HubStandIn

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# What a notebook's parameters cell becomes here, and the presets that the notebook leaves.
TINY = {
    "01_quickstart": ({"num_texts": 23, "epochs": 1}, ["review_judge"]),
    "02_pretrain_your_own": (
        {
            "num_documents": 41,
            "num_labelled": 19,
            "vocabulary_size": 503,
            "hidden_dim": 16,
            "batch_size": 7,
            "steps": 4,
            "epochs": 1,
            "shell_steps": 3,
        },
        ["topic_judge", "runs/mine/preset"],
    ),
    "03_next_sentence_or_sentence_order": (
        {
            "num_stories": 151,
            "hidden_dim": 16,
            "batch_size": 5,
            "steps": 2,
            "num_pairs": 64,
            "counted_dim": 16,
        },
        ["runs/order/sentence-order-0/preset"],
    ),
    "04_tagging": ({"num_sentences": 19, "epochs": 1, "batch_size": 7}, []),
    "05_natural_language_inference": ({"num_pairs": 13, "num_held_out": 11, "epochs": 1}, []),
    "06_question_answering": ({"num_questions": 17, "num_held_out": 16, "epochs": 1}, []),
    "07_glue": (
        {"num_rows": 13, "num_held_out": 17, "num_seeds": 1, "epochs": 1},
        ["runs/glue/presets/rte", "runs/clue/presets/afqmc"],
    ),
    "08_why_bert_works": ({"num_sentences": 3, "num_seeds": 1}, []),
    "09_every_way_to_corrupt_text": ({"num_texts": 43}, []),
    "10_sequence_to_sequence": ({"num_pairs": 23, "num_held_out": 5, "epochs": 1, "t5_epochs": 1}, []),
    "11_published_checkpoints": (
        {"preset": "hf://someone/tiny-bert", "num_texts": 13, "epochs": 1},
        ["review_judge", "review_judge_int8", "review_judge_hf"],
    ),
    "12_vectors_of_meaning": ({"num_texts": 23, "epochs": 1, "num_labelled": 19, "num_seeds": 1}, ["pupil"]),
}
# At this size nearly all of the time would go into tracing graphs.
EAGERLY = "import tensorflow\n\ntensorflow.config.run_functions_eagerly(True)"
# But these generate token by token, and export graphs.
COMPILED = ("10_sequence_to_sequence", "11_published_checkpoints")
QUICK = ("01_quickstart",)
RUN = [pytest.param(path, marks=[] if path.stem in QUICK else [pytest.mark.slow]) for path in PATHS]
NAMES = [path.stem for path in PATHS]
BY_NAME = pytest.mark.parametrize("path", PATHS, ids=NAMES)


def read(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def parameters_cell(notebook):
    (found,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    return found


def test_each_has_its_number_in_its_title():
    # A lecture's numbers are fixed before all of its notebooks are written.
    numbers = [int(path.name.partition("_")[0]) for path in PATHS]
    assert len(set(numbers)) == len(numbers)
    for number, path in zip(numbers, PATHS, strict=True):
        assert path.name.startswith(f"{number:02}_")
        assert read(path).cells[0].source.startswith(f"# {number} · ")


@BY_NAME
def test_nothing_of_a_run_is_kept(path):
    notebook = read(path)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.language_info) == {"name"}
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
    for cell in code_cells(notebook):
        assert cell.outputs == []
        assert cell.execution_count is None


@BY_NAME
def test_the_first_code_cell_installs_in_colab_only(path):
    lines = code_cells(read(path))[0].source.splitlines()
    place = lines.index("    %pip install -q keras-text-zoo")
    assert lines[place - 1] == 'if "google.colab" in sys.modules:'
    assert any('os.environ.setdefault("KERAS_BACKEND"' in line for line in lines)
    assert not any("import zoo" in line or "import keras" in line for line in lines)


@BY_NAME
def test_the_parameters_are_those_that_the_tests_shrink(path):
    statements = ast.parse(parameters_cell(read(path)).source).body
    assert [statement.targets[0].id for statement in statements] == list(TINY[path.stem][0])


def chain(node):
    """`a.b.c` of a syntax tree as a list of names, or None for anything else."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and (names := chain(node.value)):
        return [*names, node.attr]
    return None


@BY_NAME
def test_what_it_takes_from_the_package_is_there(path):
    """Quick, so that a changed name or argument is found without running the notebook."""
    source = "\n".join(TransformerManager().transform_cell(cell.source) for cell in code_cells(read(path)))
    nodes = list(ast.walk(ast.parse(source)))
    known = {"zoo": zoo}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "zoo":
            module = importlib.import_module(node.module)
            known.update({name.asname or name.name: getattr(module, name.name) for name in node.names})
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("zoo"):
                    importlib.import_module(name.name)
    found = {}
    for node in nodes:
        names = chain(node) if isinstance(node, (ast.Name, ast.Attribute)) else None
        if names and names[0] in known:
            found[node] = functools.reduce(getattr, names[1:], known[names[0]])
    assert found
    for node in nodes:
        if isinstance(node, ast.Call) and node.func in found:
            parameters = inspect.signature(found[node.func]).parameters.values()
            if all(parameter.kind != parameter.VAR_KEYWORD for parameter in parameters):
                given = {keyword.arg for keyword in node.keywords if keyword.arg}
                assert given <= {parameter.name for parameter in parameters}, ast.unparse(node)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A stand-in for the hub, with a model that a notebook may ask for by its address."""
    folder = tmp_path_factory.mktemp("hub") / "tiny-bert"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RobertaPreLayerNorm has no head for pairs")
        zoo.presets.export_to_huggingface("bert_tiny_en_uncased_books", folder)
    with HubStandIn(**{"someone/tiny-bert": folder}) as stand_in:
        yield stand_in


@pytest.mark.parametrize("path", RUN, ids=NAMES)
def test_it_runs(path, tmp_path, monkeypatch, hub):
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # The copy that is tested, its shell command included, whatever else is installed.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = read(path)
    values, presets = TINY[path.stem]
    assignments = [f"{name} = {value!r}" for name, value in values.items()]
    parameters_cell(notebook).source = "\n".join([*assignments, *([] if path.stem in COMPILED else [EAGERLY])])
    client = NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    for preset in presets:
        assert (tmp_path / preset / "config.json").is_file()
