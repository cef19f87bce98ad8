"""`blindwatch models`: list, fetch, import and verify face models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blindwatch.cli.progress import progress
from blindwatch.errors import ModelCorrupt
from blindwatch.vision.download import import_file
from blindwatch.vision.download import pull as download
from blindwatch.vision.registry import VARIABLE, Registry

app = typer.Typer(no_args_is_help=True)

ModelsDir = Annotated[
    Path | None,
    typer.Option(envvar=VARIABLE, file_okay=False, help="Directory of models that is searched first."),
]


@app.command("list")
def list_models(models_dir: ModelsDir = None) -> None:
    """Show every registered model and where it was found."""
    registry = Registry.load(models_dir)
    table = Table("Model", "Role", "Size", "Licence", "Found in", title="Registered models")
    for model in registry.models:
        place = registry.locate(model)
        found = "[dim]missing[/]" if place is None else place.label
        table.add_row(model.name, model.role, f"{model.size / 1e6:.1f} MB", model.licence, found)
    Console().print(table)


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="Name of a registered model.")],
    source: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="Fetch from a mirror instead.")
    ] = None,
    models_dir: ModelsDir = None,
) -> None:
    """Download a model and check its digest."""
    registry = Registry.load(models_dir)
    model = registry.find(name)
    with progress(counts_bytes=True) as display:
        task = display.add_task(model.name, total=model.size)
        download(
            model, registry.install_directory, source, progress=lambda count: display.advance(task, count)
        )
    Console().print(f"[green]Installed[/] {model.name}")


@app.command("import")
def import_model(
    path: Annotated[Path, typer.Argument(help="A model file; its digest says which model it is.")],
    models_dir: ModelsDir = None,
) -> None:
    """Install a model from a file."""
    model = import_file(Registry.load(models_dir), path)
    Console().print(f"[green]Installed[/] {model.name}")


@app.command()
def verify(models_dir: ModelsDir = None) -> None:
    """Check the digest of every model that is on this machine."""
    registry = Registry.load(models_dir)
    table = Table("Model", "Found in", "Digest", title="Models on this machine")
    corrupt = []
    for model in registry.models:
        place = registry.locate(model)
        if place is None:
            continue
        try:
            registry.read(model)
            table.add_row(model.name, place.label, "[green]as registered[/]")
        except ModelCorrupt:
            corrupt.append(model.name)
            table.add_row(model.name, place.label, "[bold red]different[/]")
    Console().print(table)
    if corrupt:
        raise ModelCorrupt(
            f"These models differ from their registered digests: {', '.join(corrupt)}.",
            "Remove their files and get them again.",
        )
