"""What a manifest is held to before anybody signs it, beyond what cameras and servers check of it afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from blindwatch.deployment.operating_point import OperatingPoint
from blindwatch.deployment.prediction import Predicted, calibrated, curves, predict
from blindwatch.errors import OutsideWindow, StatementMismatch
from blindwatch.he.presets import preset
from blindwatch.statements.predicates import DeploymentManifest, Thresholds, instant
from blindwatch.vision.registry import Registry

_SLACK: Final = 1e-9
"""Of a prediction that was computed on another machine, relative."""


def expected(
    manifest: DeploymentManifest, registry: Registry, point: OperatingPoint | None = None
) -> Predicted | None:
    """What to expect of the manifest's list and threshold; nothing in ranked use, where people judge every score.

    Where the manifest names an operating point, that is what it is held to, and nobody signs without having it.
    """
    named = None if point is None else point.digest
    if named != manifest.operating_point:
        raise StatementMismatch(
            "The errors that the manifest predicts are not those of this operating point."
            if point
            else "The errors that the manifest predicts follow from an operating point.",
            "Give the file that it names with --operating-point, or none if it names none.",
        )
    if manifest.use == "ranked":
        return None
    if point is not None:
        point.check(manifest.model_digest, manifest.preset, manifest.thresholds)
        return calibrated(point, manifest.watchlist.entries)
    measured = curves(registry, manifest.model_digest)
    return predict(measured, manifest.thresholds.similarity, manifest.watchlist.entries)


def check(manifest: DeploymentManifest, own: Predicted | None, at: datetime) -> None:
    """Refuse a manifest whose figures are not those that it leads people to believe, or whose time is over.

    `own` is what whoever is about to sign expects of it; a manifest may promise more errors, not fewer.
    """
    if at >= instant(manifest.window.not_after):
        raise OutsideWindow("The window of the manifest is over.", "Draw up a new one.")
    if manifest.thresholds != _thresholds(manifest):
        raise StatementMismatch(
            "The manifest decides by other integers than its similarity stands for.", "Draw it up again."
        )
    promised = manifest.predicted.false_alerts_per_1000
    if own is not None and promised < own.expected * (1 - _SLACK):
        raise StatementMismatch(
            f"The manifest promises {promised:.3g} false alerts in 1,000 faces, and {own.expected:.3g} are expected.",
            "Draw it up again.",
        )


def _thresholds(manifest: DeploymentManifest) -> Thresholds:
    similarity = manifest.thresholds.similarity
    if manifest.use == "ranked":
        return Thresholds(similarity=0.0, gate=0, fine=0)
    made = preset(manifest.preset).thresholds(similarity)
    return Thresholds(similarity=similarity, gate=made.gate, fine=made.fine)
