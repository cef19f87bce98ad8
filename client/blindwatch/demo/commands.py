"""`blindwatch demo`: the main job end to end, on photographs."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from blindwatch.cli.progress import progress
from blindwatch.demo.clear import ClearView
from blindwatch.demo.photographs import built_in, from_folder
from blindwatch.demo.report import render
from blindwatch.demo.scene import Scene
from blindwatch.demo.table import tables
from blindwatch.he.presets import preset
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import Registry

PRESET: Final = "reveal-128"
REPORT: Final = "report.html"
TABLE_WIDTH: Final = 100
"""Where the output is kept, tables have this width at least."""

app = typer.Typer()


@app.callback(invoke_without_command=True)
def demo(
    faces: Annotated[
        Path | None, typer.Option(help="Folder with NAME/*.jpg to use instead of the built-in photographs.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the report.", file_okay=False)] = Path(
        "blindwatch-demo"
    ),
    people: Annotated[int, typer.Option(help="How many people pass the camera.", min=4, max=60)] = 16,
) -> None:
    """Run the main job end to end on photographs and write a report."""
    chosen = preset(PRESET)
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, TABLE_WIDTH)
    with TemporaryDirectory(prefix="blindwatch-") as folder, progress() as display:
        task = display.add_task("Choosing photographs", total=1)
        view = ClearView(FacePipeline.named(Registry.load()), chosen)
        cast = built_in(people, view.usable) if faces is None else from_folder(faces, people, view.usable)
        display.advance(task)
        outcome = Scene(Path(folder), chosen, cast, display).play(view)
        task = display.add_task("Writing the report", total=1)
        out.mkdir(parents=True, exist_ok=True)
        (out / REPORT).write_text(render(outcome), encoding="utf-8")
        display.advance(task)
    for each in tables(outcome):
        console.print(each)
    console.print(Text.assemble("\nReport: ", (str(out / REPORT), "bold")), soft_wrap=True)
