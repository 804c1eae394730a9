"""How devices divide weights: every large one, along sizes that a mesh can divide; and the mesh is checked."""

import re

import keras
import pytest

import zoo

SIZES = {"vocabulary_size": 97, "num_layers": 1, "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 22}
MODELS = [
    (zoo.BertBackbone, {"normalize_first": True}),
    (zoo.AlbertBackbone, {"embedding_dim": 6}),
    (zoo.BartBackbone, {}),
    (zoo.MassBackbone, {}),
    (zoo.T5Backbone, {"gated": True, "tie_embedding": False}),
]


@pytest.fixture
def mesh(monkeypatch):
    if keras.config.backend() != "jax":
        pytest.skip("Keras divides weights on JAX")
    return keras.distribution.DeviceMesh((1, 1), ("batch", "model"), devices=keras.distribution.list_devices()[:1])


@pytest.mark.parametrize(("kind", "options"), MODELS, ids=[kind.__name__ for kind, _ in MODELS])
def test_every_matrix_is_divided(mesh, kind, options):
    layout_map = kind.get_layout_map(mesh)
    for variable in kind(**SIZES, **options).trainable_variables:
        layout = layout_map[variable.path]
        if layout is None:
            assert re.search("norm|pooler|projection|output/bias|positions?|segments", variable.path), variable.path
        else:
            assert len(layout.axes) == len(variable.shape) and "model" in layout.axes, variable.path


def test_a_mesh_of_other_dimensions_is_refused(mesh):
    with pytest.raises(ValueError, match=r"no dimension of this name\. Received: \['rows'\], and a mesh of \['batch'"):
        zoo.BertBackbone.get_layout_map(mesh, data_parallel_dim_name="rows")
