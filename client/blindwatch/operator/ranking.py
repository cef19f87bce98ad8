"""`blindwatch operator rank`: one search of a gallery, with its ranking at the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.deployment.papers import People, SigningKeys
from blindwatch.operator import showing
from blindwatch.operator.inquiring import Inquirer
from blindwatch.operator.journal import Journal
from blindwatch.operator.options import (
    Deployment,
    Hours,
    JournalFolder,
    Pipeline,
    ReleaseFolder,
    Removal,
    Server,
    ShareFiles,
    TokenFile,
    Wait,
)
from blindwatch.operator.papers import Papers
from blindwatch.operator.searches import Purpose
from blindwatch.operator.searching import Candidate
from blindwatch.operator.unlocking import Release
from blindwatch.records.operator import Searched
from blindwatch.statements.package import PackageEntry
from blindwatch.vision.pipeline import DEFAULT, FacePipeline
from blindwatch.vision.registry import Registry
from blindwatch.wire.client import ServerClient
from blindwatch.wire.tls import client_context

Keys: TypeAlias = Annotated[
    Path, typer.Option(help="Folder of the ceremony for ranked search.", file_okay=False)
]
Entries: TypeAlias = Annotated[Path, typer.Option(help="The gallery's operator.json.", dir_okay=False)]
Top: TypeAlias = Annotated[
    int, typer.Option(help="How many entries to show; all others are dropped.", min=1, max=200)
]


def rank(
    keys: Keys,
    entries: Entries,
    register: People,
    photograph: Annotated[Path, typer.Option(help="Photograph of the person to search for.", exists=True)],
    crime_reference: Annotated[str, typer.Option(help="Reference of the crime, as your force has it.")],
    reason: Annotated[str, typer.Option(help="Why, as a word such as unknown-suspect; no names.")],
    journal: JournalFolder,
    identity: SigningKeys,
    server: Server,
    deployment: Deployment,
    token_file: TokenFile,
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    top: Top = 20,
    wait: Wait = 120.0,
    out: Annotated[Path | None, typer.Option(help="New file for the ranking, as JSON.")] = None,
    pipeline: Pipeline = DEFAULT,
    removal: Removal = None,
    release: ReleaseFolder = None,
    hours: Hours = 8.0,
    share_file: ShareFiles = None,
) -> None:
    """Search a gallery for the most central face of one photograph and show the entries that are most alike.

    Who searches, for which crime and why is in the journal before anything is sent.
    """
    files.check_new_file(out)
    papers = Papers.read(entries, register, identity, removal)
    data = files.read(photograph, "photograph")
    purpose = Purpose(crime_reference, reason)
    asked = Release(keys, hours, release, share_file or ())
    tls, token = client_context(ca, certificate, certificate_key), files.read_line(token_file, "token file")
    models = FacePipeline.named(Registry.load(), pipeline)
    with Journal(journal) as kept, ExitStack() as held, ServerClient(server, token, tls=tls) as client:
        inquirer = Inquirer.open(held, papers, asked, kept, client, deployment, models)
        searched = purpose.search(inquirer.approved.manifest, inquirer.operator, data)
        found = inquirer.search(searched, data, top, wait)
    _show(searched, found.candidates, papers.package.entries, inquirer.squared_norm, out)


def _show(
    searched: Searched,
    candidates: Sequence[Candidate],
    entries: Sequence[PackageEntry],
    squared_norm: int,
    out: Path | None,
) -> None:
    if out is not None:
        files.write_json(out, showing.describe_candidates(candidates, entries), "ranking")
    Console().print(showing.ranking(candidates, entries, squared_norm))
    Console().print(
        f"Search {searched.search[:8]} is in your journal. Say later what became of it: blindwatch operator conclude",
        soft_wrap=True,
    )
