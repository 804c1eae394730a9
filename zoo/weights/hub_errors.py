"""What the failures of a hub mean, and what a person can do about them."""

import contextlib

from zoo.weights.files import DISK_FULL


@contextlib.contextmanager
def explained(model, name=None):
    """Say what a failure of `huggingface_hub` means and what to do.

    Args:
        model: `zoo.weights.hub.HubModel` that is asked for.
        name: str, the file that is asked for, or None for the model.

    Raises:
        ValueError: if there is no such model, revision or file, or its reading is not allowed.
        ConnectionError: if the hub cannot be reached, or does not answer as it should.
    """
    from huggingface_hub import errors

    try:
        yield
    except (OSError, RuntimeError, ValueError, errors.HTTPError) as error:
        if getattr(error, "errno", None) in DISK_FULL:
            raise
        raise _explanation(error, model, name) from error


def _explanation(error, model, name):
    from huggingface_hub import constants, errors

    causes = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    answers = [each for each in causes if isinstance(each, errors.HfHubHTTPError)]
    status = next((each.response.status_code for each in answers if each.response is not None), None)
    page, received = f"{constants.ENDPOINT}/{model.repository}", f" Received: {model.address}"
    who = "`hf auth login`, or the environment variable HF_TOKEN"
    if any(isinstance(each, errors.GatedRepoError) for each in answers):
        return ValueError(
            f"Who uses this model must accept its terms first: do so at {page}, then say who you are ({who}).{received}"
        )
    if any(isinstance(each, errors.RevisionNotFoundError) for each in answers):
        return ValueError(f"The model has no revision {model.revision!r}; {page}/tree/main shows them.{received}")
    if status in (401, 403) or any(isinstance(each, errors.RepositoryNotFoundError) for each in answers):
        return ValueError(
            f"The hub has no model of that name, or does not show it to you (status {status}). Check the name; for a "
            f"private model say who you are ({who}), with a token that may read it.{received}"
        )
    if status == 404:
        return ValueError(f"The model has no file {name}; {page}/tree/{model.revision} shows them.{received}")
    reason = f"{constants.ENDPOINT}: {str(error).strip().rstrip('.') or type(error).__name__}"
    if name is None:
        return ConnectionError(f"the hub cannot be asked ({reason}).")
    return ConnectionError(f"{name} could not be downloaded to its end; ask again ({reason}).{received}")
