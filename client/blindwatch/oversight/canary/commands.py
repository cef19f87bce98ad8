"""`blindwatch oversight canary`: test faces to walk past a camera, so that they can be looked for afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.oversight.extras import needing

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Private folder of the canaries.", file_okay=False)]

_STEPS: Final = (
    "Agree with whoever runs the deployment that there will be a test, not with whom and when. The volunteers agreed "
    "in writing, and are not on the list.",
    "Scan every place before the walk. What is found then is not of this walk.",
    "While the deployment runs, let the volunteers walk past each camera at the pace of everybody else, some of them "
    "more than once.",
    "Where the camera can take files, give it the photographs as well: what it makes of them is then the very bytes "
    "that are looked for. A walk gives other pictures of the same faces. Of those, templates are recognised by their "
    "likeness, and image files as such.",
    "Scan while the deployment runs, with --pid for the server and the cameras, and after its end: stores, log "
    "folders, swap, core dumps, temporary folders and captured traffic, each time with --canaries, as the same user "
    "or as root.",
    "As a counter-check, copy one of the photographs into a copy of the store: the scan must find it. A scan that "
    "finds nothing says nothing until it was seen to find something.",
    "Destroy the canaries when the last scan is done: blindwatch oversight canary destroy FOLDER",
)


@app.command()
def make(
    photographs: Annotated[
        Path, typer.Option(help="Folder with one photograph of each volunteer.", file_okay=False)
    ],
    out: Annotated[Path, typer.Option(help="New private folder for the canaries.", file_okay=False)],
    pipeline: Annotated[
        str | None, typer.Option(help="Pipeline of the registry of models: that of the deployment.")
    ] = None,
) -> None:
    """Compute what is to be looked for from photographs of volunteers, who have agreed to it."""
    with needing("that find faces", "oversight,vision"):
        from blindwatch.oversight.canary.folder import write_canary
        from blindwatch.oversight.canary.making import make_canary
        from blindwatch.oversight.canary.making import photographs as found_in
        from blindwatch.vision.pipeline import DEFAULT, FacePipeline
        from blindwatch.vision.registry import Registry
    name = pipeline or DEFAULT
    models, found = FacePipeline.named(Registry.load(), name), found_in(photographs)
    with files.new_folder(out, "canaries") as folder, progress() as display:
        task = display.add_task("Computing", total=len(found))
        for number, photograph in enumerate(found, 1):
            write_canary(folder, number, make_canary(photograph, number, models, name))
            display.advance(task)
    console = Console()
    console.print(
        f"[green]Made[/] {len(found)} canaries. Next: blindwatch oversight canary show {escape(str(out))}",
        soft_wrap=True,
    )
    console.print(
        "[yellow]The folder holds biometric data of the volunteers:[/] keep it off the machines that are"
        " searched but for the scan, and destroy it when that is done.",
        soft_wrap=True,
    )


@app.command()
def show(folder: Folder) -> None:
    """Show the canaries of a folder, and the steps of the test."""
    from blindwatch.oversight.canary.folder import read_canaries

    table = Table("Canary", "Photograph", "Pipeline", "Faces in it", "Fragments", "Made", title="Canaries")
    for each in read_canaries(folder):
        counts = str(each.faces), f"{len(each.fragments):,}"
        table.add_row(each.name, escape(each.file), escape(each.pipeline), *counts, each.made_at)
    console = Console()
    console.print(table)
    for number, step in enumerate(_STEPS, 1):
        console.print(f"{number}. {step}", soft_wrap=True)


@app.command()
def destroy(folder: Folder) -> None:
    """Delete the canaries of a folder. Deleted is not overwritten: keep them on an encrypted disk."""
    from blindwatch.oversight.canary.folder import destroy_canaries

    Console().print(f"[green]Deleted[/] {destroy_canaries(folder)} canaries.")
