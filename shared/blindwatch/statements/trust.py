"""What makes a statement hold: whose signatures it needs, and what its profile demands of it. Every check raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from blindwatch.errors import (
    ConfigurationError,
    NotAuthorised,
    OutsideWindow,
    PolicyViolation,
    StatementMismatch,
)
from blindwatch.policy.profile import Profile
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import (
    Authorisation,
    Challenge,
    Closing,
    DeploymentManifest,
    Revocation,
    Stop,
    Tombstone,
    Watchlist,
    instant,
)
from blindwatch.statements.register import PersonRole, Register, Signers

_CUSTODIAN: Final = PersonRole.CUSTODIAN
_OFFICER: Final = PersonRole.AUTHORISING_OFFICER
USES: Final = {"live": "reveal", "retrospective": "ranked", "operator-initiated": "reveal"}
"""The use of a deployment for each use that a profile is for."""


def check_deployment(envelope: Envelope, register: Register, profile: Profile) -> DeploymentManifest:
    """The manifest in an envelope, once it keeps to its profile and has the signatures that it needs."""
    manifest = DeploymentManifest.read(envelope)
    check_policy(manifest, profile)
    check_approved(envelope, manifest, register, profile)
    return manifest


def check_approved(
    envelope: Envelope, manifest: DeploymentManifest, register: Register, profile: Profile
) -> None:
    """The creator, a custodian, has signed, and as many authorising officers as the profile asks for."""
    signers = register.signers(envelope)
    if manifest.creator not in signers.of_role(_CUSTODIAN):
        raise NotAuthorised("The custodian who drew up the manifest has not signed it as it is now.")
    approved = len(signers.of_role(_OFFICER) - {manifest.creator})
    if approved < profile.approvals:
        raise NotAuthorised(
            f"The manifest has the approval of {approved} authorising officers of the {profile.approvals} it needs.",
            "A change after approval voids it: have it approved again.",
        )


def check_policy(manifest: DeploymentManifest, profile: Profile) -> None:
    """The manifest keeps to every rule of its profile that can be told from it alone."""
    for check in RULES.values():
        check(manifest, profile)


def _check_profile(manifest: DeploymentManifest, profile: Profile) -> None:
    if (manifest.profile.name, manifest.profile.digest) != (profile.name, profile.digest):
        raise PolicyViolation("The manifest follows another version of the policy profile.")
    if manifest.use != USES[profile.use]:
        raise PolicyViolation("The profile is for another use than the manifest's.")


def _check_window(manifest: DeploymentManifest, profile: Profile) -> None:
    length = instant(manifest.window.not_after) - instant(manifest.window.not_before)
    if length > timedelta(hours=profile.window_hours):
        raise PolicyViolation(f"The window is longer than the {profile.window_hours:g} hours of the profile.")


def _check_size(manifest: DeploymentManifest, profile: Profile) -> None:
    check_categories(manifest.watchlist.by_category, profile)
    if profile.list_cap is not None and manifest.watchlist.entries > profile.list_cap:
        raise PolicyViolation(f"The list has more entries than the {profile.list_cap} of the profile.")


def _check_approvals(manifest: DeploymentManifest, profile: Profile) -> None:
    needed = least_approvals(manifest, profile)
    if manifest.watchlist.second_approvals < needed:
        raise PolicyViolation(
            f"The list has {needed} entries at least that need a second approval, with a reason, and "
            f"{manifest.watchlist.second_approvals} that have one.",
            "Have somebody else agree to each of them, with a reason, or take them off the list.",
        )


def least_approvals(manifest: DeploymentManifest, profile: Profile) -> int:
    """How many entries at least need a second person to agree: children, and those of sensitive categories."""
    counted = manifest.watchlist.by_category
    sensitive = sum(counted.get(each.name, 0) for each in profile.categories if each.sensitive)
    return max(manifest.watchlist.under_age, sensitive)


def _check_age(manifest: DeploymentManifest, profile: Profile) -> None:
    age = instant(manifest.window.not_before) - instant(manifest.watchlist.built_at)
    if profile.list_age_hours is not None and age > timedelta(hours=profile.list_age_hours):
        raise PolicyViolation(
            f"The list is more than {profile.list_age_hours:g} hours old when the deployment begins.",
            "Build it again, and have the manifest approved with the new one.",
        )


def _check_threshold(manifest: DeploymentManifest, profile: Profile) -> None:
    if manifest.use == "reveal" and manifest.thresholds.similarity < profile.lowest_similarity:
        raise PolicyViolation("The threshold is below the lowest that the profile allows.")


def _check_false_alerts(manifest: DeploymentManifest, profile: Profile) -> None:
    cap = profile.false_alerts_per_1000
    if exceeds_cap(manifest, profile) and manifest.predicted.acknowledged is None:
        raise PolicyViolation(
            f"More than {cap:g} false alerts in 1,000 faces are predicted, and nobody has acknowledged it.",
            "Choose a higher threshold or a shorter list, or acknowledge it with a reason.",
        )


def exceeds_cap(manifest: DeploymentManifest, profile: Profile) -> bool:
    """Whether more false alerts are predicted than the profile has without a reason."""
    cap = profile.false_alerts_per_1000
    return cap is not None and manifest.predicted.false_alerts_per_1000 > cap


def check_categories(categories: Iterable[str], profile: Profile) -> None:
    """All categories are among those of the profile, which are closed."""
    if not set(categories) <= {each.name for each in profile.categories}:
        raise PolicyViolation("The list has a category that the profile does not have.")


def _check_urgency(manifest: DeploymentManifest, profile: Profile) -> None:
    if manifest.urgent and profile.urgency is None:
        raise PolicyViolation("The profile has no urgent beginning before an authorisation.")


def _check_evidence(manifest: DeploymentManifest, profile: Profile) -> None:
    if profile.matched_input and manifest.evidence_recipient is None:
        raise PolicyViolation(
            "The profile has what led to a match sealed to an oversight body, and the manifest names none.",
            "Ask it for its age recipient, as age-keygen prints it.",
        )


def _check_documents(manifest: DeploymentManifest, profile: Profile) -> None:
    held = {each.kind: each for each in manifest.documents}
    late = {profile.urgency.document} if manifest.urgent and profile.urgency else set()
    missing = [kind for kind in profile.documents if kind not in held and kind not in late]
    if missing:
        raise PolicyViolation(f"The profile requires documents that are missing: {', '.join(missing)}.")
    end = instant(manifest.window.not_after)
    lapsing = [kind for kind in profile.documents if kind in held and instant(held[kind].expires) < end]
    if lapsing:
        raise PolicyViolation(f"Documents lapse before the deployment ends: {', '.join(lapsing)}.")


def _check_log(manifest: DeploymentManifest, profile: Profile) -> None:
    try:
        least = manifest.read_log_policy().least
    except ConfigurationError as error:
        raise PolicyViolation(error.detail, error.hint) from None
    if least < profile.witnesses:
        raise PolicyViolation(
            f"The log has to be cosigned by {least} witnesses, and the profile asks for {profile.witnesses}.",
            "Name more of them in the policy of witnesses, and ask for them in its quorum.",
        )


RULES: Final[Mapping[str, Callable[[DeploymentManifest, Profile], None]]] = MappingProxyType(
    {
        "Profile": _check_profile,
        "Window": _check_window,
        "Size and categories of the list": _check_size,
        "Second approvals": _check_approvals,
        "Age of the list": _check_age,
        "Threshold": _check_threshold,
        "False alerts": _check_false_alerts,
        "Urgency": _check_urgency,
        "What led to a match": _check_evidence,
        "Documents": _check_documents,
        "Witnesses of the log": _check_log,
    }
)
"""What a profile demands of a manifest, one check for each rule. Every check raises PolicyViolation."""


def check_open(manifest: DeploymentManifest, at: datetime) -> None:
    """The deployment runs at this time."""
    if at < instant(manifest.window.not_before):
        raise OutsideWindow("The deployment has not begun yet.", "Its window is in the manifest.")
    if at >= instant(manifest.window.not_after):
        raise OutsideWindow("The deployment has ended.", "Its window is in the manifest.")


def check_succeeds(new: DeploymentManifest, old: DeploymentManifest) -> None:
    """A version that may take the place of another: newer, of the same deployment and the same key."""
    if new.version <= old.version:
        raise StatementMismatch("The manifest is not newer than the one in force.", "Draw up a new version.")
    same = ("deployment", "use", "preset", "key_id", "bundle_digest", "model_digest")
    if any(getattr(new, name) != getattr(old, name) for name in same):
        raise StatementMismatch(
            "The manifest has another key, preset, model or use than the one in force.",
            "Open another deployment; within one these stay as they are.",
        )


def check_watchlist(
    envelope: Envelope, register: Register, profile: Profile, manifest: DeploymentManifest
) -> Watchlist:
    """The list in an envelope, once it is the one that the manifest names and custodians have signed it."""
    if envelope.digest != manifest.watchlist.digest:
        raise StatementMismatch("The list is not the one that the deployment's manifest names.")
    watchlist = Watchlist.read(envelope)
    shared = ("deployment", "preset", "key_id", "model_digest")
    counted = ("built_at", "entries", "by_category", "under_age", "second_approvals")
    if any(getattr(watchlist, name) != getattr(manifest, name) for name in shared) or any(
        getattr(watchlist, name) != getattr(manifest.watchlist, name) for name in counted
    ):
        raise StatementMismatch("The list was made on other terms than the deployment's manifest states.")
    _check_list_signed(watchlist, register.signers(envelope), profile)
    return watchlist


def _check_list_signed(watchlist: Watchlist, signers: Signers, profile: Profile) -> None:
    """Whoever built the list has signed it, as many custodians as the profile asks for, and every second approver."""
    custodians = signers.of_role(_CUSTODIAN)
    if watchlist.builder not in custodians:
        raise NotAuthorised("The custodian who built the list has not signed it as it is now.")
    if len(custodians) < profile.list_signatures:
        raise NotAuthorised(
            f"The list is signed by {len(custodians)} custodians of the {profile.list_signatures} it needs."
        )
    missing = set(watchlist.approvers) - custodians - signers.of_role(_OFFICER)
    if missing:
        raise NotAuthorised(
            f"Second approvals are missing, of {', '.join(sorted(missing))}.",
            "They agree to the entries that need it by 'blindwatch custodian sign-watchlist --approve-sensitive'.",
        )


def check_tombstone(
    envelope: Envelope, register: Register, manifest: DeploymentManifest, before: Tombstone | None
) -> Tombstone:
    """The removal in an envelope, which goes on from the one before and takes nothing of it back."""
    tombstone = check_removal(envelope, register, manifest)
    sequence, removed = (before.sequence, set(before.removed)) if before else (0, set())
    if tombstone.sequence != sequence + 1 or not removed <= set(tombstone.removed):
        raise StatementMismatch(
            "The removal does not go on from the one in force.", "Make it again from the newest."
        )
    return tombstone


def check_removal(envelope: Envelope, register: Register, manifest: DeploymentManifest) -> Tombstone:
    """The removal in an envelope, of entries of the list of this manifest, whatever came before it."""
    tombstone = Tombstone.read(envelope)
    if (tombstone.deployment, tombstone.watchlist_digest) != (
        manifest.deployment,
        manifest.watchlist.digest,
    ):
        raise StatementMismatch("The removal is for another list.")
    if tombstone.removed[-1] >= manifest.watchlist.entries:
        raise StatementMismatch("The removal names an entry that the list does not have.")
    _require_one(envelope, register, _CUSTODIAN)
    return tombstone


def check_revocation(envelope: Envelope, register: Register, manifest: DeploymentManifest) -> Revocation:
    """The revocation of a camera in an envelope. It takes one person, as everything that only takes away."""
    revocation = Revocation.read(envelope)
    if revocation.deployment != manifest.deployment:
        raise StatementMismatch("The revocation is for another deployment.")
    _require_one(envelope, register, _CUSTODIAN, _OFFICER)
    return revocation


def check_authorisation(envelope: Envelope, register: Register, manifest: Envelope) -> Authorisation:
    """What an authority was asked or has decided, as an officer of the force puts it down."""
    authorisation = Authorisation.read(envelope)
    _require_about(authorisation, manifest, "authorisation")
    _require_one(envelope, register, _OFFICER)
    return authorisation


def check_closing(envelope: Envelope, register: Register, manifest: Envelope) -> Closing:
    """The closing in an envelope, for the deployment of this manifest. It takes one person."""
    closing = Closing.read(envelope)
    _require_about(closing, manifest, "closing")
    _require_one(envelope, register, _CUSTODIAN, _OFFICER)
    return closing


def check_stop(envelope: Envelope, register: Register, manifest: Envelope) -> Stop:
    """The stop in an envelope, for the deployment of this manifest. It takes one person, an operator as well."""
    stop = Stop.read(envelope)
    _require_about(stop, manifest, "stop")
    _require_one(envelope, register, PersonRole.OPERATOR, _CUSTODIAN, _OFFICER)
    return stop


def check_challenge(
    envelope: Envelope, register: Register, deployment: str, origin: str, end: int
) -> Challenge:
    """The challenge in an envelope: an oversight body draws from records that a log has, of a deployment."""
    challenge = Challenge.read(envelope)
    if (challenge.deployment, challenge.origin) != (deployment, origin) or challenge.end > end:
        raise StatementMismatch("The challenge is for another deployment, another log, or records to come.")
    _require_one(envelope, register, PersonRole.OVERSIGHT)
    return challenge


def _require_about(statement: Authorisation | Closing | Stop, manifest: Envelope, what: str) -> None:
    about = (statement.deployment, statement.manifest_digest)
    if about != (DeploymentManifest.read(manifest).deployment, manifest.digest):
        raise StatementMismatch(f"The {what} is for another deployment, or another version of its manifest.")


def _require_one(envelope: Envelope, register: Register, *roles: PersonRole) -> None:
    signers = register.signers(envelope)
    if not any(signers.of_role(role) for role in roles):
        wanted = " or an ".join(role.value.replace("-", " ") for role in roles)
        raise NotAuthorised(f"The statement needs the signature of a {wanted} of the register.")
