"""The configuration of a saved Keras object, checked before anything is built from it.

A preset may come from anywhere, so a configuration may only name classes of this package, of KerasHub and
of Keras's own data types and initializers: nothing of it can run code.
"""

import importlib
import inspect
from pathlib import Path

from zoo.weights.strict_json import read_json

# KerasHub registers its classes under its older name too, which older presets have.
TRUSTED_PACKAGES = ("zoo", "keras_hub", "keras_nlp")
# A function by its name: the activation of T5 1.1 in KerasHub.
FUNCTIONS = ("keras_hub>gelu_approximate", "keras_nlp>gelu_approximate")
KERAS_CLASSES = {
    "keras": ("DTypePolicy", "DTypePolicyMap", "Quantizer"),
    "keras.dtype_policies": None,
    "keras.initializers": None,
    "keras.constraints": None,
    "keras.regularizers": None,
}
HOMES_OF_CLASSES = ("zoo.models", "zoo.tokenizers", "zoo.tasks")
# Arguments that would make a tokenizer read a file of the machine; in a preset it reads its own assets.
PATHS = ("vocabulary", "merges", "proto")
# KerasHub takes this one out of **kwargs, where no signature shows it.
HIDDEN_ARGUMENTS = {"config_file"}


def read_configuration(path: str | Path) -> dict:
    """Return the configuration in a JSON file of a preset folder, checked.

    Raises:
        ValueError: if it cannot be read, is not that of one Keras object, or names a class that a preset
            may not contain.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"The preset has no {path.name}. Received: folder={path.parent}")
    configuration = read_json(path)
    absent = {"module", "class_name", "config", "registered_name"} - configuration.keys()
    if absent or not isinstance(configuration["config"], dict):
        raise ValueError(
            f"{path} is not the configuration of a Keras object, as `save_to_preset` writes it. "
            f"Missing: {sorted(absent) or 'an object in `config`'}"
        )
    problems = sorted(set(_forbidden(configuration)))
    if problems:
        raise ValueError(
            f"{path} holds what a preset may not contain: {', '.join(problems)}. Allowed are classes of zoo and "
            "keras_hub, and Keras's data type policies and initializers; no paths. Load the file with Keras "
            "itself, if you trust where it comes from."
        )
    return configuration


def _forbidden(value):
    """Names of the classes in a nested configuration that must not be built, and of the files it points to."""
    if isinstance(value, list):
        return [name for item in value for name in _forbidden(item)]
    if not isinstance(value, dict):
        return []
    names = [f"{key}={value[key]!r}" for key in PATHS if isinstance(value.get(key), str)]
    if "class_name" in value and not _allowed(value):
        names.append(f"{value.get('module')}.{value['class_name']}")
    return names + [name for item in value.values() for name in _forbidden(item)]


def _allowed(entry):
    module, name, registered = entry.get("module"), entry["class_name"], entry.get("registered_name")
    if (module, name, registered) == ("builtins", "function", "function"):
        return entry.get("config") in FUNCTIONS
    if isinstance(registered, str) and ">" in registered:
        return registered.split(">")[0] in TRUSTED_PACKAGES and registered_class(registered) is not None
    classes = KERAS_CLASSES.get(module, ())
    return registered in (None, name) and (classes is None or name in classes)


def registered_class(registered_name: str) -> type | None:
    """Return the class registered as `"zoo>Name"` or `"keras_hub>Name"`, or None."""
    import keras
    import keras_hub  # noqa: F401  (registers its classes)

    for package in HOMES_OF_CLASSES:
        if keras.saving.get_registered_object(registered_name) is None:
            importlib.import_module(package)
    return keras.saving.get_registered_object(registered_name)


def deserialize(configuration: dict, base: type, where: str | Path, **overrides):
    """Build the object of a configuration that `read_configuration` returned.

    Args:
        configuration: dict with `module`, `class_name`, `config` and `registered_name`.
        base: class that it must be an instance of.
        where: file that it comes from, for errors.
        **overrides: arguments that replace those of the configuration.

    Raises:
        ValueError: if the class is not a subclass of `base`, or does not take an argument.
    """
    import keras

    kind = registered_class(configuration["registered_name"])
    if kind is None or not issubclass(kind, base):
        raise ValueError(f"{where} must hold a {base.__name__}. Received: {configuration['registered_name']}")
    configuration = {**configuration, "config": {**configuration["config"], **overrides}}
    check_arguments(kind, configuration["config"], where)
    try:
        return keras.saving.deserialize_keras_object(configuration)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where} does not make a {kind.__name__}: {error}") from error


def check_arguments(kind: type, arguments: dict, where: str | Path) -> None:
    """Raise a ValueError that lists every name in `arguments` that the constructor of `kind` does not take."""
    own = inspect.signature(kind.__init__).parameters.values()
    known = {parameter.name for parameter in own}
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in own):
        parents = (vars(parent)["__init__"] for parent in kind.__mro__ if "__init__" in vars(parent))
        known |= HIDDEN_ARGUMENTS.union(*(inspect.signature(parent).parameters for parent in parents))
    unknown = sorted(arguments.keys() - known)
    if unknown:
        takes = ", ".join(parameter.name for parameter in own if parameter.name not in ("self", "kwargs"))
        raise ValueError(f"{kind.__name__} has no argument {', '.join(unknown)} (in {where}). It takes: {takes}")
