"""Who may import what, read from the source of every file, with a planted offence for each rule."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOTS = ("client", "server", "shared")
HOME = {
    "client": {
        "bench",
        "camera",
        "console",
        "custodian",
        "demo",
        "deployment",
        "evaluation",
        "integrations",
        "operator",
        "opinion",
        "oversight",
        "pages",
        "secret",
        "verification",
        "vision",
    },
    "server": {"evaluator", "matching", "store"},
    "shared": {"cli", "errors", "he", "policy", "records", "statements", "tlog", "wire"},
}
MAY_IMPORT = {"client": {"client", "shared"}, "server": {"server", "shared"}, "shared": {"shared"}}
HOLDS_SECRET = {
    "secret",
    "console",
    "custodian",
    "deployment",
    "operator",
    "demo",
    "bench",
    "evaluation",
    "verification",
}
NEVER_IN_CAMERA = {
    "bench",
    "console",
    "custodian",
    "demo",
    "deployment",
    "evaluation",
    "integrations",
    "operator",
    "opinion",
    "oversight",
    "secret",
    "verification",
}
NATIVE_SECRET = {"KeyGenerator", "Decryptor", "SecretKey"}
NATIVE_SCHEME = {"he", "secret", "bench"}
PLAIN_NUMBERS = ("blindwatch.he.presets.", "blindwatch.he.ranked.presets.", "blindwatch.he.verdicts.")
TELLS_OTHERS = {"integrations", "cli", "errors", "wire"}
"""What sends to others knows neither alerts nor results nor keys, so that it cannot send any."""
CLIENT_ONLY_LIBRARIES = {"av", "onnxruntime", "cv2", "skimage", "matplotlib"}


@dataclass(frozen=True)
class Module:
    """A source file, the package it belongs to and what it imports and names."""

    where: str
    root: str
    package: str
    imports: frozenset[str]
    names: frozenset[str]

    @property
    def packages(self) -> set[str]:
        """The project's packages that it imports."""
        return {name.split(".")[1] for name in self.imports if name.startswith("blindwatch.")}

    @property
    def libraries(self) -> set[str]:
        """The other top-level packages that it imports."""
        return {name.split(".")[0] for name in self.imports} - {"blindwatch"}


def modules(tree: Path) -> list[Module]:
    """Every module under the three roots."""
    found = []
    for root in ROOTS:
        base = tree / root / "blindwatch"
        for path in sorted(base.rglob("*.py")):
            inside = path.relative_to(base)
            source = ast.parse(path.read_text(encoding="utf-8"))
            package = inside.parts[0].removesuffix(".py")
            names = frozenset(_names(source))
            where = str(path.relative_to(tree))
            found.append(Module(where, root, package, frozenset(_imports(source, inside)), names))
    return found


def _imports(source: ast.Module, inside: Path) -> Iterator[str]:
    here = ("blindwatch", *inside.parts)
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(here[: -node.level]) if node.level else ""
            module = ".".join(part for part in (above, node.module) if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _names(source: ast.Module) -> Iterator[str]:
    for node in ast.walk(source):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield from (node.name.split(".")[-1], node.asname or "")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def offences(tree: Path) -> set[str]:
    """Every rule that a file breaks, as 'rule: file'."""
    found = {f"namespace: {root}" for root in ROOTS if (tree / root / "blindwatch" / "__init__.py").exists()}
    everything = modules(tree)
    for module in everything:
        found |= {f"{rule}: {module.where}" for rule in _broken(module)}
    for module in everything:
        if module.package == "camera":
            reached = _reach(module, everything)
            found |= {f"camera: {module.where} reaches {name}" for name in reached & NEVER_IN_CAMERA}
    return found


def _broken(module: Module) -> Iterator[str]:
    root_of = {package: root for root, packages in HOME.items() for package in packages}
    allowed = {package for root in MAY_IMPORT[module.root] for package in HOME[root]}
    if root_of.get(module.package) != module.root and module.package != "__init__":
        yield "home"
    if module.packages - allowed:
        yield "root"
    if "secret" in module.packages and module.package not in HOLDS_SECRET:
        yield "secret"
    if "tenseal" in module.libraries and module.package not in NATIVE_SCHEME:
        yield "tenseal"
    if module.package != "secret" and module.names & NATIVE_SECRET - _ours(module):
        yield "decryption"
    if module.package == "oversight" and _forbidden(module):
        yield "oversight"
    if module.package == "integrations" and module.packages - TELLS_OTHERS:
        yield "integrations"
    if module.root != "client" and module.libraries & CLIENT_ONLY_LIBRARIES:
        yield "vision"
    if module.names & {"import_module", "__import__"}:
        yield "dynamic"


def _forbidden(module: Module) -> set[str]:
    """What an oversight body must not need: nothing that can decrypt, and the engine in its replay alone.

    A scan knows the dimensions and norms of templates from the presets, which are numbers and bring no engine.
    """
    engine = {name for name in module.imports if name.startswith("blindwatch.he")}
    plain = {name for name in engine if name.startswith(PLAIN_NUMBERS)}
    may_replay = module.where.endswith("oversight/replay.py")
    needed = set() if may_replay or engine == plain else {"he"}
    return module.packages & ({"secret"} | needed) | module.libraries & {"tenseal"}


def _ours(module: Module) -> set[str]:
    """The names in a module that are the project's own classes, where these may be used."""
    if module.package not in HOLDS_SECRET:
        return set()
    own = "blindwatch.secret.keys."
    return {name.removeprefix(own) for name in module.imports if name.startswith(own)}


def _reach(start: Module, everything: list[Module]) -> set[str]:
    """All packages that importing a module brings in, directly or through others."""
    reached: set[str] = set()
    waiting = set(start.packages)
    while waiting:
        package = waiting.pop()
        reached.add(package)
        imported = {name for module in everything if module.package == package for name in module.packages}
        waiting |= imported - reached
    return reached


def test_the_tree_keeps_the_rules(repo: Path) -> None:
    assert len(modules(repo)) > 3
    assert offences(repo) == set()


def test_every_package_is_typed_and_documented(repo: Path) -> None:
    for root in ROOTS:
        for folder in (repo / root / "blindwatch").iterdir():
            if folder.is_dir() and any(folder.glob("*.py")):
                assert (folder / "py.typed").is_file(), f"{folder.name} has no py.typed"
                only = ast.parse((folder / "__init__.py").read_text(encoding="utf-8")).body
                assert len(only) == 1, f"{folder.name}/__init__.py holds more than its docstring"


PLANTED = [
    ("namespace", "shared/blindwatch/__init__.py", ""),
    ("home", "client/blindwatch/matching/x.py", ""),
    ("root", "shared/blindwatch/wire/x.py", "from blindwatch.camera import commands"),
    ("root", "shared/blindwatch/he/x.py", "def f():\n    import blindwatch.secret.keys"),
    ("root", "server/blindwatch/matching/x.py", "from blindwatch.vision.pipeline import FacePipeline"),
    ("root", "server/blindwatch/store/x.py", "from blindwatch import custodian"),
    ("root", "client/blindwatch/operator/x.py", "import blindwatch.store.database"),
    ("root", "shared/blindwatch/tlog/x.py", "from ..matching import workers"),
    ("secret", "client/blindwatch/vision/x.py", "from blindwatch import secret"),
    ("secret", "client/blindwatch/oversight/x.py", "from blindwatch.secret.keys import generate"),
    ("tenseal", "client/blindwatch/custodian/x.py", "import tenseal.sealapi as seal"),
    ("tenseal", "server/blindwatch/matching/x.py", "from tenseal import sealapi"),
    ("decryption", "shared/blindwatch/he/x.py", "import tenseal.sealapi as seal\nd = seal.Decryptor"),
    ("decryption", "shared/blindwatch/he/x.py", "from tenseal.sealapi import KeyGenerator as Plain"),
    ("decryption", "shared/blindwatch/he/x.py", "import tenseal as t\nk = getattr(t.sealapi, 'SecretKey')"),
    ("decryption", "client/blindwatch/operator/x.py", "def f(seal):\n    return seal.Decryptor()"),
    ("decryption", "server/blindwatch/matching/x.py", "from blindwatch.secret.keys import Decryptor"),
    ("decryption", "client/blindwatch/operator/x.py", "def f(seal):\n    return seal.SecretKey()"),
    ("oversight", "client/blindwatch/oversight/x.py", "from blindwatch.he import presets"),
    ("oversight", "client/blindwatch/oversight/scan/x.py", "from blindwatch.he.matching import Matcher"),
    ("oversight", "client/blindwatch/oversight/replay.py", "from blindwatch.secret import keys"),
    ("oversight", "client/blindwatch/oversight/replay.py", "import tenseal.sealapi"),
    ("vision", "server/blindwatch/matching/x.py", "import cv2"),
    ("integrations", "client/blindwatch/integrations/x.py", "from blindwatch.console.alerts import Alert"),
    ("integrations", "client/blindwatch/integrations/x.py", "from blindwatch.secret import keys"),
    ("dynamic", "server/blindwatch/store/x.py", "import importlib\nimportlib.import_module('a' + 'b')"),
    ("camera", "client/blindwatch/camera/x.py", "from blindwatch.operator import fetch"),
]


@pytest.mark.parametrize(("rule", "path", "source"), PLANTED)
def test_a_planted_offence_is_found(tmp_path: Path, rule: str, path: str, source: str) -> None:
    planted = tmp_path / path
    planted.parent.mkdir(parents=True)
    planted.write_text(source, encoding="utf-8")
    assert [offence for offence in offences(tmp_path) if offence.startswith(f"{rule}:")]


def test_the_camera_may_not_reach_decryption_through_another_package(tmp_path: Path) -> None:
    for path, source in {
        "camera/capture.py": "from blindwatch.vision import pipeline",
        "vision/pipeline.py": "from blindwatch.custodian import ceremony",
    }.items():
        file = tmp_path / "client" / "blindwatch" / path
        file.parent.mkdir(parents=True)
        file.write_text(source, encoding="utf-8")
    assert any("reaches custodian" in offence for offence in offences(tmp_path))


def test_what_is_allowed_is_not_reported(tmp_path: Path) -> None:
    for path, source in {
        "client/blindwatch/secret/keys.py": "import tenseal.sealapi as seal\nmake = seal.KeyGenerator",
        "client/blindwatch/operator/reading.py": "from blindwatch.secret.keys import Decryptor, SecretKey",
        "server/blindwatch/matching/scoring.py": "from blindwatch.he.matching import Matcher",
        "client/blindwatch/oversight/scan/x.py": "from blindwatch.he.presets import PRESETS",
    }.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True)
        file.write_text(source, encoding="utf-8")
    assert offences(tmp_path) == set()
