"""Options that several commands of operators have; those for papers are with the papers of a deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

JournalFolder: TypeAlias = Annotated[Path, typer.Option(help="Folder of your journal.", file_okay=False)]
Server: TypeAlias = Annotated[str, typer.Option(help="Address of the match server.")]
Deployment: TypeAlias = Annotated[str, typer.Option(help="Name of the deployment.")]
TokenFile: TypeAlias = Annotated[Path, typer.Option(help="File with the operator's token.", dir_okay=False)]
Wait: TypeAlias = Annotated[float, typer.Option(help="Give up after these seconds.", min=1)]
Pipeline: TypeAlias = Annotated[str, typer.Option(help="Pipeline of the registry of models.")]
Removal: TypeAlias = Annotated[
    Path | None, typer.Option(help="The newest removal from the list, if a custodian gave you one.")
]
ReleaseFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Folder for your request to the custodians and their answers.", file_okay=False),
]
Hours: TypeAlias = Annotated[
    float, typer.Option(help="For how long to ask for the key.", min=0.001, max=24 * 31)
]
ShareFiles: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        help="File with a custodian's share, for tests only; custodians are asked if none is given."
    ),
]
Faces: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="The list's candidates.cbor; beside operator.json if not given.", dir_okay=False),
]
Training: TypeAlias = Annotated[
    Path, typer.Option(help="File that says when each operator was trained.", dir_okay=False)
]
Photograph: TypeAlias = Annotated[
    str,
    typer.Option(
        help="- for standard input, the number of a device, an address (rtsp://...), or a file to be removed."
    ),
]
Place: TypeAlias = Annotated[
    str, typer.Option(help="Kind of place, as the policy profile has it, such as public.")
]
Harm: TypeAlias = Annotated[
    str | None, typer.Option(help="In a private place: the risk of significant harm, such as to-others.")
]
Remove: TypeAlias = Annotated[
    bool, typer.Option("--remove", help="Remove the file of the photograph once it is read.")
]
Port: TypeAlias = Annotated[int, typer.Option(help="Port on this machine; 0 takes a free one.", min=0)]
ReadyFile: TypeAlias = Annotated[
    Path | None, typer.Option(help="File to write the address into once the page is there.")
]
