"""The options with which commands say whom to trust in TLS, and who they are in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Ca = Annotated[
    Path | None,
    typer.Option("--ca", help="Certificates in PEM to trust instead of the usual ones.", dir_okay=False),
]
Certificate = Annotated[
    Path | None,
    typer.Option("--certificate", help="Certificate for a server that asks for one, in PEM.", dir_okay=False),
]
CertificateKey = Annotated[
    Path | None,
    typer.Option("--certificate-key", help="Key of the certificate, in PEM.", dir_okay=False),
]
