"""`blindwatch operator`: fetch results and read the matches among them; search where ranking is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.errors import ConfigurationError, WrongKey
from blindwatch.he.ranked.keys import RankKey
from blindwatch.operator.fetching import Reading, check_deployment, readings
from blindwatch.operator.reading import Listed, Reader
from blindwatch.operator.searching import Candidate, Searcher, gallery_names
from blindwatch.secret.wrapping import unwrap, unwrap_ranked
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.quantise import quantise
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient

app = typer.Typer(no_args_is_help=True)


@app.callback()
def operator() -> None:
    """Fetch results and read the matches among them; search where ranking is allowed."""


@app.command()
def run(
    keys: Annotated[Path, typer.Option(help="Folder with the wrapped secret key.", file_okay=False)],
    entries: Annotated[Path, typer.Option(help="Names of the watchlist's entries.", dir_okay=False)],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    deployment: Annotated[str, typer.Option(help="Name of the deployment.")],
    token_file: Annotated[Path, typer.Option(help="File with the operator's token.")],
    count: Annotated[int | None, typer.Option(help="Stop after this many results.", min=1)] = None,
    wait: Annotated[float, typer.Option(help="Stop when no result comes for these seconds.")] = 30.0,
    out: Annotated[Path | None, typer.Option(help="New file for the matches, as JSON.")] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File with the passphrase; asked for if not given.")
    ] = None,
) -> None:
    """Fetch every result, decrypt it and show the matches; of everybody else nothing is shown or kept."""
    _check_new(out)
    secret = unwrap(files.read(keys / "secret.key", "secret key"), _passphrase(passphrase_file))
    listed = _entries(entries)
    if listed.key_id != secret.key_id:
        raise WrongKey("The watchlist was made for another key.")
    reader = Reader(secret, listed.threshold, len(listed.names))
    done: list[Reading] = []
    with ServerClient(server, files.read_line(token_file, "token file")) as client:
        check_deployment(client, deployment, listed)
        try:
            with progress() as display:
                task = display.add_task("Fetching results", total=count)
                for reading in readings(client, deployment, reader, wait, count):
                    done.append(reading)
                    display.advance(task)
        except BaseException:
            # What was read is gone from the server, so it is kept whatever ends the run.
            if done:
                _keep(done, listed.names, out)
            raise
    _keep(done, listed.names, out)


@app.command()
def rank(
    keys: Annotated[Path, typer.Option(help="Folder of the ceremony for ranked search.", file_okay=False)],
    entries: Annotated[Path, typer.Option(help="Names of the gallery's entries.", dir_okay=False)],
    photograph: Annotated[Path, typer.Option(help="Photograph of the person to search for.", exists=True)],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    deployment: Annotated[str, typer.Option(help="Name of the deployment.")],
    token_file: Annotated[Path, typer.Option(help="File with the operator's token.")],
    top: Annotated[int, typer.Option(help="How many entries to show; all others are dropped.", min=1)] = 20,
    wait: Annotated[float, typer.Option(help="Give up after these seconds.", min=1)] = 120.0,
    out: Annotated[Path | None, typer.Option(help="New file for the ranking, as JSON.")] = None,
    pipeline: Annotated[str, typer.Option(help="Pipeline of the registry of models.")] = DEFAULT,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File with the passphrase; asked for if not given.")
    ] = None,
) -> None:
    """Search a gallery for the most central face of one photograph and show the entries that are most alike."""
    _check_new(out)
    secret = unwrap_ranked(files.read(keys / "secret.key", "secret key"), _passphrase(passphrase_file))
    key = RankKey.from_bytes(files.read(keys / "encryption.key", "encryption key"))
    names = gallery_names(entries, secret.key_id)
    models = FacePipeline.named(Registry.load(), pipeline)
    template = quantise(models.faces(photograph)[0].embedding, secret.preset.squared_norm)
    with ServerClient(server, files.read_line(token_file, "token file")) as client:
        searcher = Searcher(client, deployment, secret, key, models.model_digest)
        searcher.check_deployment(len(names))
        candidates = searcher.rank(template, len(names), top, wait)
    if out is not None:
        described = [{"entry": c.entry, "name": names[c.entry], "score": c.score} for c in candidates]
        files.write_json(out, described, "ranking")
    Console().print(_ranking(candidates, names, secret.preset.squared_norm))


def _passphrase(file: Path | None) -> str:
    if file is not None:
        return files.read_line(file, "passphrase file")
    asked: str = typer.prompt("Passphrase", hide_input=True)
    return asked


def _check_new(out: Path | None) -> None:
    """Refuse a file that cannot be written, before results are fetched that would then be lost."""
    if out is not None and (out.exists() or not out.parent.is_dir()):
        raise ConfigurationError(
            "The file to write is there already, or its folder is not.",
            "Name a new file in an existing folder.",
        )


def _entries(path: Path) -> Listed:
    match files.read_json(path, "names of the entries"):
        case {
            "entries": list(names),
            "fineThreshold": int(threshold),
            "keyId": str(key_id),
            "modelDigest": str(model_digest),
        } if names:
            return Listed([str(name) for name in names], threshold, key_id, model_digest)
    raise ConfigurationError("The file with the names of the entries does not have its fields.")


def _keep(done: list[Reading], names: list[str], out: Path | None) -> None:
    Console().print(_table(done, names))
    if out is not None:
        files.write_json(out, [_describe(reading, names) for reading in done], "matches")


def _describe(reading: Reading, names: list[str]) -> dict[str, object]:
    """A result for the record: its matches, and of a result without any only that it was read."""
    return {
        "probeId": reading.probe_id,
        "camera": reading.camera,
        "capturedAt": reading.captured_at,
        "matches": [
            {"entry": each.entry, "name": names[each.entry], "score": each.score} for each in reading.matches
        ],
        "problem": reading.problem.urn if reading.problem else None,
        "serverMs": reading.server_ms,
        "decryptMs": round(reading.decrypt_ms, 1),
        "bytes": reading.size,
    }


def _table(done: list[Reading], names: list[str]) -> Table:
    table = Table("Probe", "Camera", "Captured", "Entry", "Score", title="Matches, for a person to decide on")
    for reading in done:
        for each in reading.matches:
            table.add_row(
                reading.probe_id[:8],
                reading.camera,
                reading.captured_at,
                escape(names[each.entry]),
                str(each.score),
            )
        if reading.problem:
            table.add_row(
                reading.probe_id[:8],
                reading.camera,
                reading.captured_at,
                f"[bold red]not read: {reading.problem.title}[/]",
                "",
            )
    failed = sum(each.problem is not None for each in done)
    table.caption = (
        f"{len(done) - failed} results read, {sum(bool(each.matches) for each in done)} with a match"
    )
    if failed:
        table.caption += f"; {failed} not read, which says nothing about who was seen"
    return table


def _ranking(candidates: list[Candidate], names: list[str], squared_norm: int) -> Table:
    table = Table("Rank", "Entry", "Score", "Likeness", title="Most alike, for a person to decide on")
    for place, each in enumerate(candidates, 1):
        table.add_row(
            str(place), escape(names[each.entry]), str(each.score), f"{each.score / squared_norm:.2f}"
        )
    table.caption = "A ranking always has a first: whoever is searched for may not be in the gallery at all"
    return table
