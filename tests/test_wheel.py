"""The wheel holds all that is needed: it is built, installed elsewhere, and runs the README's first example."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks import quick

ROOT = Path(__file__).parent.parent


def first_example(readme):
    return re.search(r"```python\n(.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL).group(1)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder / "dist", ROOT], check=True)
    (wheel,) = (folder / "dist").glob("keras_text_zoo-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder


@pytest.mark.parametrize("readme", quick(["README.md", "README.zh.md"], "README.md"))
def test_the_first_example_runs_from_the_wheel(installed, readme):
    script = f"import zoo; print(zoo.__file__)\n{first_example(readme)}"
    environment = {**os.environ, "PYTHONPATH": str(installed / "site"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=installed, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith(str(installed / "site"))
