"""`blindwatch oversight`: see for yourself that nothing was kept and that every match was computed as claimed."""

from __future__ import annotations

import typer

from blindwatch.oversight import exporting, opinion, overview, recording, verifying
from blindwatch.oversight.canary import commands as canary
from blindwatch.oversight.challenge import commands as challenge
from blindwatch.oversight.evidence import evidence
from blindwatch.oversight.monitor import commands as monitor
from blindwatch.oversight.scan import commands as scan
from blindwatch.oversight.witness import commands as witness

app = typer.Typer(no_args_is_help=True)
app.add_typer(witness.app, name="witness", help="Cosign what logs sign, as long as they only grow.")
app.add_typer(
    monitor.app, name="monitor", help="Follow a server's log, and stop where it contradicts itself."
)
app.add_typer(challenge.app, name="challenge", help="Draw results for replay, as nobody can foresee.")
app.command("scan")(scan.scan)
app.add_typer(canary.app, name="canary", help="Make test faces to look for after they passed a camera.")
app.command("evidence")(evidence)
app.command("export")(exporting.export)
app.command("verify")(verifying.verify)
app.command("record")(recording.record)
app.command("overview")(overview.overview)
app.command("second-opinion")(opinion.second_opinion)
