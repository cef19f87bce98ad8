"""`blindwatch operator`: fetch results and read the matches among them; search where ranking is allowed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.errors import ConfigurationError, WrongKey
from blindwatch.he.ranked.keys import RankKey
from blindwatch.operator.fetching import Reading, readings
from blindwatch.operator.reading import Reader
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
    secret = unwrap(files.read(keys / "secret.key", "secret key"), _passphrase(passphrase_file))
    names, threshold, key_id = _entries(entries)
    if key_id != secret.key_id:
        raise WrongKey("The watchlist was made for another key.")
    reader = Reader(secret, threshold, len(names))
    done: list[Reading] = []
    with ServerClient(server, files.read_line(token_file, "token file")) as client, progress() as display:
        task = display.add_task("Fetching results", total=count)
        for reading in islice(readings(client, deployment, reader, wait), count):
            done.append(reading)
            display.advance(task)
    if out is not None:
        files.write_json(out, [_describe(reading, names) for reading in done], "matches")
    Console().print(_table(done, names))


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


def _entries(path: Path) -> tuple[list[str], int, str]:
    match files.read_json(path, "names of the entries"):
        case {"entries": list(names), "fineThreshold": int(threshold), "keyId": str(key_id)} if names:
            return [str(name) for name in names], threshold, key_id
    raise ConfigurationError("The file with the names of the entries does not have its fields.")


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
                reading.probe_id[:8], reading.camera, reading.captured_at, names[each.entry], str(each.score)
            )
        if reading.problem:
            table.add_row(
                reading.probe_id[:8],
                reading.camera,
                reading.captured_at,
                f"[bold red]not read: {reading.problem.title}[/]",
                "",
            )
    table.caption = f"{len(done)} results read, {sum(bool(each.matches) for each in done)} with a match"
    return table


def _ranking(candidates: list[Candidate], names: list[str], squared_norm: int) -> Table:
    table = Table("Rank", "Entry", "Score", "Likeness", title="Most alike, for a person to decide on")
    for place, each in enumerate(candidates, 1):
        table.add_row(str(place), names[each.entry], str(each.score), f"{each.score / squared_norm:.2f}")
    table.caption = "A ranking always has a first: whoever is searched for may not be in the gallery at all"
    return table
