"""`blindwatch oversight export`: collect what there is to check of one deployment in a folder."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from blindwatch.cli import files
from blindwatch.cli.progress import progress
from blindwatch.cli.tls import Ca, Certificate, CertificateKey
from blindwatch.errors import StatementMismatch
from blindwatch.oversight import bundle as places
from blindwatch.oversight.bundle import FORMAT, Bundle, Info, Package, PresetNote
from blindwatch.oversight.collecting import Collector
from blindwatch.wire import limits
from blindwatch.wire.client import ServerClient
from blindwatch.wire.messages import now
from blindwatch.wire.tls import client_context

SECURITY: Final = {
    "reveal-128": "BFV, N = 16384, 384 bits of modulus; the HomomorphicEncryption.org standard has 438 at 128 bits",
    "rank-128": "BFV, N = 4096, 90 bits of modulus; the HomomorphicEncryption.org standard has 109 at 128 bits",
    "rank-256": "BFV, N = 4096, 90 bits of modulus; the HomomorphicEncryption.org standard has 109 at 128 bits",
    "rank-512": "BFV, N = 4096, 90 bits of modulus; the HomomorphicEncryption.org standard has 109 at 128 bits",
    "insecure-noop-128": "none: nothing is encrypted, for tests alone",
}


def export(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle; the same if it is run again.")],
    deployment: Annotated[str, typer.Option(help="Name of the deployment.")],
    server: Annotated[str, typer.Option(help="Address of the match server.")],
    token_file: Annotated[Path, typer.Option(help="File with the token of the oversight body.")],
    add: Annotated[
        list[Path] | None,
        typer.Option(help="Signed statements from other hands, a file or a folder; again for more."),
    ] = None,
    operator_log: Annotated[
        Path | None, typer.Option(help="Folder of the operator's log, once it is handed over.")
    ] = None,
    scan: Annotated[Path | None, typer.Option(help="Report of a search for plaintext, as JSON.")] = None,
    ca: Ca = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
) -> None:
    """Collect a deployment's log, statements, ciphertexts and drawn probes. Run it before the closing and after it.

    Before the closing it fetches what the closing destroys; afterwards the receipts and the secret of the masks.
    """
    _check_same(bundle, deployment)
    bundle.mkdir(mode=0o700, parents=True, exist_ok=True)
    token, tls = files.read_line(token_file, "token file"), client_context(ca, certificate, certificate_key)
    with progress() as display, ServerClient(server, token, tls=tls) as client:
        task = display.add_task("Collecting", total=None)
        collector = Collector(bundle, deployment, lambda what: display.update(task, description=what))
        collector.statements_of(client)
        collector.add_files(add or ())
        collector.ciphertexts_of(client)
        collector.kept_of(client)
        collector.mask_secret_of(client)
        if operator_log is not None:
            collector.operator_log(operator_log)
        # Last, since the log has these very views.
        size = collector.log_of(client.log_file, collector.key())
    if scan is not None:
        report = files.read_at_most(scan, limits.BUNDLE_SCAN, "report of the search")
        files.replace_private(bundle / places.SCAN, report, "report of the search")
    _describe(bundle, collector, size)
    Console().print(
        f"[green]Collected[/] {size:,} records of the log. Check them with: blindwatch oversight verify {bundle}",
        soft_wrap=True,
    )


def _check_same(folder: Path, deployment: str) -> None:
    if (folder / places.INFO).exists() and Bundle.open(folder).deployment != deployment:
        raise StatementMismatch("The folder is the bundle of another deployment.", "Name another folder.")


def _describe(folder: Path, collector: Collector, size: int) -> None:
    manifest = collector.manifest()
    preset = PresetNote(name=manifest.preset, security=SECURITY.get(manifest.preset, "not known"))
    info = Info(
        format=FORMAT,
        deployment=collector.deployment,
        exported_at=now(),
        software=f"blindwatch {metadata.version('blindwatch')}",
        presets=(preset,),
        models=(manifest.model_digest,),
        packages=_packages(),
        log_size=size,
    )
    data = info.model_dump_json(by_alias=True, indent=1).encode() + b"\n"
    files.replace_private(folder / places.INFO, data, "description of the bundle")


def _packages() -> tuple[Package, ...]:
    """What is installed here."""
    found = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    ordered = sorted(found.items())[: limits.BUNDLE_PACKAGES]
    return tuple(Package(name=name, version=version) for name, version in ordered)
