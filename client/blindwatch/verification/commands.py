"""`blindwatch verify`: whether a photograph shows the same person as one or a few others; one bit each, no score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindwatch.errors import ConfigurationError
from blindwatch.he.verdicts import ENTRIES
from blindwatch.opinion.faces import Templater
from blindwatch.opinion.showing import show
from blindwatch.verification.engines import Engine, opened
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.registry import Registry

# Without sub-commands, options may stand behind the photographs too.
app = typer.Typer(context_settings={"allow_interspersed_args": True})


@app.callback(invoke_without_command=True)
def verify(
    probe: Annotated[Path, typer.Argument(help="Photograph to check.", exists=True, dir_okay=False)],
    entries: Annotated[
        list[Path], typer.Argument(help="Photographs of the person in question.", exists=True, dir_okay=False)
    ],
    engine: Annotated[
        Engine, typer.Option(help="The match server's scheme, or the second one.")
    ] = Engine.BFV,
    threshold: Annotated[
        float | None, typer.Option(help="Lowest similarity of a match; the model's by default.")
    ] = None,
    pipeline: Annotated[str, typer.Option(help="Pipeline of the registry of models.")] = DEFAULT,
) -> None:
    """Compare one photograph with one or a few others, encrypted; only the verdicts are decrypted."""
    if len(entries) > ENTRIES:
        raise ConfigurationError(f"A photograph is compared with at most {ENTRIES} others.")
    reader = Templater(FacePipeline.named(Registry.load(), pipeline))
    limit = reader.threshold(threshold)
    sealed, listed = reader.template(probe), reader.templates(entries)
    with opened(engine) as chosen:
        verdicts = chosen.verdicts(sealed, listed, limit)
    show(Console(), chosen.scheme, [each.name for each in entries], verdicts, limit)
