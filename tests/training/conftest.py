import pytest

from zoo.tasks import Task


@pytest.fixture(scope="module")
def eager():
    """For models so small that compiling the step would take nearly all of the time."""
    compiled = Task.compile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Task, "compile", lambda self, *given, **named: compiled(self, *given, **named, run_eagerly=True))
        yield
