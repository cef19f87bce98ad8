"""`blindwatch custodian`: ceremony, enrol, upload."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.custodian import ceremony as ceremonies
from blindwatch.custodian import enrolment
from blindwatch.custodian.gallery import GalleryTerms, write_gallery
from blindwatch.custodian.uploading import Upload
from blindwatch.errors import ConfigurationError
from blindwatch.he.presets import preset as find_preset
from blindwatch.he.ranked.presets import RANK_PRESETS, RankPreset
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.quantise import quantise, templates
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient

app = typer.Typer(no_args_is_help=True)

Keys = Annotated[Path, typer.Option(help="Folder of the key ceremony.", file_okay=False)]


@app.command()
def ceremony(
    out: Annotated[Path, typer.Option(help="New folder for the keys.")],
    preset: Annotated[str, typer.Option(help="Parameter preset.")] = "reveal-128",
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File with the passphrase; asked for if not given.")
    ] = None,
) -> None:
    """Make the keys of a deployment; the secret key is written under a passphrase."""
    chosen = RANK_PRESETS.get(preset) or find_preset(preset)
    if passphrase_file is None:
        passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
    else:
        passphrase = files.read_line(passphrase_file, "passphrase file")
    keys = (
        ceremonies.hold_ranked(chosen, passphrase, out)
        if isinstance(chosen, RankPreset)
        else ceremonies.hold(chosen, passphrase, out)
    )
    Console().print(f"[green]Made keys[/] {keys.encryption.key_id}")


@app.command()
def enrol(
    keys: Keys,
    faces: Annotated[Path, typer.Option(help="Folder with NAME/*.jpg.", exists=True, file_okay=False)],
    watchlist: Annotated[Path, typer.Option(help="New folder for the encrypted watchlist.")],
    threshold: Annotated[
        float | None,
        typer.Option(help="Lowest similarity (cosine) of a match; the model's operating point by default."),
    ] = None,
    pipeline: Annotated[str, typer.Option(help="Pipeline of the registry of models.")] = DEFAULT,
) -> None:
    """Encrypt one template per person into a new folder; under a ranked preset as a gallery to be searched."""
    if ceremonies.is_ranked(keys):
        if threshold is not None:
            raise ConfigurationError("Ranked search has no threshold.", "Leave out --threshold.")
        _enrol_gallery(keys, enrolment.people(faces), watchlist, pipeline)
        return
    key = ceremonies.encryption_key(keys)
    people = enrolment.people(faces)
    models = FacePipeline.named(Registry.load(), pipeline)
    if models.dimension != key.preset.dimension:
        raise ConfigurationError("The pipeline's embeddings do not have the preset's dimension.")
    lowest = models.operating_point if threshold is None else threshold
    terms = enrolment.Terms(key, models.model_digest, key.preset.thresholds(lowest))
    with progress() as display:
        embeddings = [
            enrolment.central_face(person, models).embedding
            for person in display.track(people, description="Reading photographs")
        ]
        total = sum(2 * each.parts for each in key.preset.plan(len(people)))
        names = [person.name for person in people]
        writing = enrolment.write_watchlist(watchlist, terms, names, templates(embeddings, key.preset))
        for _ in display.track(writing, total, description="Encrypting"):
            pass
    console = Console()
    console.print(f"[green]Enrolled[/] {len(people)} people, threshold {lowest:.3f}")
    preset = key.preset
    if terms.thresholds.gate == preset.lowest_threshold:
        least = preset.lowest_threshold / preset.squared_norm
        console.print(f"[yellow]Note:[/] below a similarity of about {least:.3f} the preset finds nobody.")


def _enrol_gallery(keys: Path, people: list[enrolment.Person], out: Path, pipeline: str) -> None:
    key = ceremonies.ranked_key(keys)
    models = FacePipeline.named(Registry.load(), pipeline)
    if models.dimension != key.preset.dimension:
        raise ConfigurationError("The pipeline's embeddings do not have the preset's dimension.")
    with progress() as display:
        templates = [
            quantise(enrolment.central_face(person, models).embedding, key.preset.squared_norm)
            for person in display.track(people, description="Reading photographs")
        ]
        names = [person.name for person in people]
        writing = write_gallery(out, GalleryTerms(key, models.model_digest), names, np.stack(templates))
        for _ in display.track(writing, key.preset.blocks(len(names)), description="Encrypting"):
            pass
    Console().print(f"[green]Enrolled[/] {len(people)} people for ranked search")


@app.command()
def upload(
    manifest: Annotated[Path, typer.Option(help="The approved manifest of the deployment.", dir_okay=False)],
    keys: Keys,
    watchlist: Annotated[Path, typer.Option(help="Folder of the watchlist.", exists=True, file_okay=False)],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    token_file: Annotated[Path, typer.Option(help="File with the custodian's token.")],
) -> None:
    """Send an approved deployment to a match server, with its public keys and encrypted list, and put it into force."""
    token = files.read_line(token_file, "token file")
    with ServerClient(server, token) as client, progress() as display:
        sending = Upload(client, manifest, keys, watchlist)
        task = display.add_task("Uploading", total=sending.parts)
        for _ in sending.send():
            display.advance(task)
    Console().print(f"[green]In force[/] {sending.deployment}")
