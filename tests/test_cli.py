"""The root command: what it lists, what it loads and how it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROLES = ("custodian", "deployment", "policy", "camera", "operator", "server", "demo", "models")
PLANTED_APP = """
import os, signal
import typer
from blindwatch.errors import NoFace

app = typer.Typer()

@app.command()
def fail() -> None:
    raise NoFace("No face was found in [one] photograph.", hint="Use a larger one.")

@app.command()
def interrupt() -> None:
    # What is started in the background by a shell inherits that this signal is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.kill(os.getpid(), signal.SIGINT)

@app.command()
def late() -> None:
    import a_package_that_is_absent

@app.command()
def succeed() -> None:
    typer.echo("done")
"""


@pytest.fixture
def environment(repo: Path, tmp_path: Path) -> dict[str, str]:
    """An installation whose 'models' role is planted here and whose 'camera' role lacks its packages."""
    info = tmp_path / "blindwatch-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: blindwatch\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(
        "[blindwatch.commands]\nmodels = planted:app\ncamera = bare:app\noperator = blindwatch.lost:app\n"
    )
    (tmp_path / "planted.py").write_text(PLANTED_APP)
    (tmp_path / "bare.py").write_text("import a_package_that_is_absent\n")
    roots = [tmp_path, *(repo / root for root in ("client", "server", "shared"))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots)), "COLUMNS": "200", "NO_COLOR": "1"}


def blindwatch(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "blindwatch.cli.main", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_help_lists_every_role_with_a_description(environment: dict[str, str]) -> None:
    done = blindwatch(environment, "--help")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    for role in ROLES:
        line = next(line for line in lines if line.strip("│ ").startswith(f"{role} "))
        assert len(line.strip("│ ").split()) > 4


def test_help_imports_no_role(environment: dict[str, str]) -> None:
    code = (
        "import sys; from blindwatch.cli.main import run; run(['--help']);"
        "print('LOADED', sorted(m for m in sys.modules if m.startswith('blindwatch.') or m == 'planted'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = done.stdout.split("LOADED")[1]
    assert loaded.strip() == "['blindwatch.cli', 'blindwatch.cli.main', 'blindwatch.errors']"


def test_version(environment: dict[str, str]) -> None:
    assert blindwatch(environment, "--version").stdout == "blindwatch 0.1.0\n"


def test_a_chosen_role_runs(environment: dict[str, str]) -> None:
    done = blindwatch(environment, "models", "succeed")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_an_error_is_one_sentence_and_a_hint(environment: dict[str, str]) -> None:
    done = blindwatch(environment, "models", "fail")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "Error: No face was found in [one] photograph.\nHint: Use a larger one.\n"


@pytest.mark.parametrize(
    ("command", "role", "extra"), [(["camera"], "camera", "camera"), (["models", "late"], "models", "vision")]
)
def test_a_role_without_its_packages_says_how_to_install_them(
    environment: dict[str, str], command: list[str], role: str, extra: str
) -> None:
    done = blindwatch(environment, *command)
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: The packages of the role '{role}' are not installed.\n"
        f'Hint: Install them with: pip install "blindwatch[{extra}]"\n'
    )


def test_a_missing_module_of_our_own_is_not_taken_for_a_missing_extra(environment: dict[str, str]) -> None:
    done = blindwatch(environment, "operator")
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'blindwatch.lost'" in done.stderr


def test_an_interrupt_ends_with_its_own_code(environment: dict[str, str]) -> None:
    done = blindwatch(environment, "models", "interrupt")
    assert done.returncode == 128 + signal.SIGINT
    assert "Traceback" not in done.stderr


def test_an_unknown_role_is_a_usage_error(environment: dict[str, str]) -> None:
    done = blindwatch(environment, "custodain")
    assert done.returncode == 2
    assert "Did you mean 'custodian'?" in done.stderr
