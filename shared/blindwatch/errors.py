"""Everything that Blindwatch raises, and the one list of problems both sides of the wire share.

    BlindwatchError
    ├── InputError          what was handed in cannot be used
    │   ├── ImageError          UnreadableImage, ImageTooLarge, NoFace
    │   ├── ConfigurationError
    │   ├── InvalidList
    │   ├── MalformedMessage
    │   └── TooLarge
    ├── ModelError          ModelMissing, ModelCorrupt, ModelMismatch, DownloadFailed
    ├── CipherError         MalformedCiphertext, WrongPreset, WrongKey, WrongShare, CropClosed, BudgetExhausted
    ├── DeploymentError     UnknownDeployment, DeploymentNotReady, EmptyWatchlist, MissingBlob,
    │                       RankedNotAllowed, WrongUse, DeploymentStopped, DeploymentClosed, NotClosed
    ├── StatementError      NotAuthorised, StatementMismatch, PolicyViolation, OutsideWindow,
    │                       RemovalIgnored, OtherWatchlist
    ├── AlertError          AlertTaken, WrongStep, SamePerson, NotTrained, AlertsOpen
    ├── AccessError         Unauthenticated, Forbidden, UnsignedRequest, UnknownCamera, InvalidSignature,
    │                       StaleRequest, FutureRequest, ReplayedRequest, RevokedCamera, UnauthorisedProbe
    ├── LogError            LogMissing, LogExists, LogInUse, LogUnwritable, MalformedLog, LogCorrupt, LogForked,
    │                       LogRolledBack, InvalidProof, UntrustedCheckpoint, CosignatureMissing, UnknownLog,
    │                       StaleCheckpoint, RecordMismatch
    └── ServiceError        NotFound, Busy, QueryBudgetUsed, WorkerLost, ServerUnavailable, NotDestroyed,
                            AlreadyCounted, InternalError

A message never repeats data from the request: it may be shown to people who must not see that data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class Problem(Enum):
    """RFC 9457 problem types: URN suffix, HTTP status and title. The only such list in the project."""

    INVALID_INPUT = ("invalid-input", 422, "The input cannot be used")
    UNREADABLE_IMAGE = ("unreadable-image", 422, "The image cannot be read")
    IMAGE_TOO_LARGE = ("image-too-large", 413, "The image has too many pixels")
    NO_FACE = ("no-face", 422, "No face was found")
    INVALID_CONFIGURATION = ("invalid-configuration", 422, "The configuration is not valid")
    INVALID_LIST = ("invalid-list", 422, "The list has rows that cannot be enrolled")
    MALFORMED_MESSAGE = ("malformed-message", 422, "The message does not follow its schema")
    TOO_LARGE = ("too-large", 413, "The input is over its byte limit")
    MODEL_MISSING = ("model-missing", 404, "The model is not installed")
    MODEL_CORRUPT = ("model-corrupt", 422, "The model file is not the registered one")
    MODEL_MISMATCH = ("model-mismatch", 409, "The template was made by another model")
    DOWNLOAD_FAILED = ("download-failed", 502, "The download did not succeed")
    MALFORMED_CIPHERTEXT = ("malformed-ciphertext", 422, "The ciphertext is not well formed")
    WRONG_PRESET = ("wrong-preset", 409, "The parameters are those of another preset")
    WRONG_KEY = ("wrong-key", 409, "The ciphertext belongs to another key")
    WRONG_SHARE = ("wrong-share", 422, "The shares of the key do not fit")
    CROP_CLOSED = ("crop-closed", 422, "The image that was sealed with the probe does not open")
    BUDGET_EXHAUSTED = ("budget-exhausted", 422, "The noise budget does not allow a safe release")
    UNKNOWN_DEPLOYMENT = ("unknown-deployment", 404, "There is no such deployment")
    DEPLOYMENT_NOT_READY = ("deployment-not-ready", 409, "The deployment has no watchlist yet")
    EMPTY_WATCHLIST = ("empty-watchlist", 422, "The watchlist has no entries")
    MISSING_BLOB = ("missing-blob", 409, "The watchlist names data that was not uploaded")
    RANKED_NOT_ALLOWED = ("ranked-not-allowed", 403, "The server does not allow ranked search")
    WRONG_USE = ("wrong-use", 409, "The deployment is for another use")
    NOT_AUTHORISED = ("not-authorised", 403, "The statement lacks a signature that it needs")
    STATEMENT_MISMATCH = ("statement-mismatch", 409, "The statement is not the one that belongs here")
    POLICY_VIOLATION = ("policy-violation", 422, "The policy profile does not allow this")
    REMOVAL_IGNORED = ("removal-ignored", 409, "The server does not keep to a removal from the list")
    OTHER_WATCHLIST = ("other-watchlist", 409, "The result is for another list than the operator has")
    OUTSIDE_WINDOW = ("outside-window", 403, "The deployment does not run at this time")
    DEPLOYMENT_STOPPED = ("deployment-stopped", 409, "The deployment was stopped")
    DEPLOYMENT_CLOSED = ("deployment-closed", 410, "The deployment is over, and what it held is destroyed")
    NOT_CLOSED = ("not-closed", 409, "The deployment is not over yet")
    ALERT_TAKEN = ("alert-taken", 409, "Another operator has this alert")
    WRONG_STEP = ("wrong-step", 409, "The alert is not at this step")
    SAME_PERSON = ("same-person", 403, "A second person has to decide")
    NOT_TRAINED = ("not-trained", 403, "The training of this operator has run out")
    ALERTS_OPEN = ("alerts-open", 409, "There are alerts without an outcome")
    UNAUTHENTICATED = ("unauthenticated", 401, "The request carries no valid credentials")
    FORBIDDEN = ("forbidden", 403, "The role is not allowed to do this")
    UNSIGNED_REQUEST = ("unsigned-request", 403, "The request is not signed in the way that is asked for")
    UNKNOWN_CAMERA = ("unknown-camera", 403, "The deployment has no camera with this key")
    INVALID_SIGNATURE = ("invalid-signature", 403, "The signature is not for this request")
    STALE_REQUEST = ("stale-request", 403, "The request was signed too long ago")
    FUTURE_REQUEST = ("future-request", 403, "The request was signed in the future")
    REPLAYED_REQUEST = ("replayed-request", 403, "The request was sent before")
    REVOKED_CAMERA = ("revoked-camera", 403, "The camera's key is revoked")
    UNAUTHORISED_PROBE = ("unauthorised-probe", 403, "The probe is not authorised as its deployment asks for")
    LOG_MISSING = ("log-missing", 404, "The log, or a part of it, is not there")
    LOG_EXISTS = ("log-exists", 409, "There is a log already")
    LOG_IN_USE = ("log-in-use", 409, "Another process has the log open")
    LOG_UNWRITABLE = ("log-unwritable", 503, "The log cannot be written")
    MALFORMED_LOG = ("malformed-log", 400, "A part of the log does not follow its format")
    LOG_CORRUPT = ("log-corrupt", 422, "The log is not what was signed")
    LOG_FORKED = ("log-forked", 409, "The log has two histories")
    LOG_ROLLED_BACK = ("log-rolled-back", 409, "The log has gone back behind what it has signed")
    INVALID_PROOF = ("invalid-proof", 422, "The proof does not hold")
    UNTRUSTED_CHECKPOINT = ("untrusted-checkpoint", 403, "The checkpoint is not one of a trusted log")
    COSIGNATURE_MISSING = ("cosignature-missing", 403, "The checkpoint lacks the cosignature of a witness")
    UNKNOWN_LOG = ("unknown-log", 404, "The witness does not know the log")
    STALE_CHECKPOINT = ("stale-checkpoint", 409, "The witness knows another checkpoint as the latest")
    RECORD_MISMATCH = ("record-mismatch", 409, "The log has recorded something else")
    NOT_FOUND = ("not-found", 404, "There is nothing at this address")
    BUSY = ("busy", 429, "The server has all the work it accepts")
    QUERY_BUDGET_USED = ("query-budget-used", 429, "The camera has sent as many probes as it may")
    ALREADY_COUNTED = ("already-counted", 409, "The minute of this camera has other counts already")
    WORKER_LOST = ("worker-lost", 500, "The worker process ended before it finished")
    SERVER_UNAVAILABLE = ("server-unavailable", 503, "The server cannot be reached")
    NOT_DESTROYED = ("not-destroyed", 500, "What the deployment held is not destroyed yet")
    INTERNAL = ("internal", 500, "The server met an unexpected condition")

    def __init__(self, slug: str, status: int, title: str) -> None:
        self.slug = slug
        self.status = status
        self.title = title

    @property
    def urn(self) -> str:
        """The problem type as a URN."""
        return f"urn:blindwatch:problem:{self.slug}"

    @classmethod
    def from_urn(cls, urn: str) -> Problem:
        """The member a URN names; unknown ones are `INTERNAL`."""
        return next((member for member in cls if member.urn == urn), cls.INTERNAL)


class BlindwatchError(Exception):
    """Base of all errors: one sentence that says what is wrong, and a hint that says what to do."""

    problem: ClassVar[Problem] = Problem.INTERNAL

    def __init__(self, detail: str = "", hint: str = "") -> None:
        super().__init__(detail or f"{self.problem.title}.")
        self.detail = str(self.args[0])
        self.hint = hint


class InputError(BlindwatchError):
    """What was handed in cannot be used."""

    problem = Problem.INVALID_INPUT


class ImageError(InputError):
    """An image cannot be used."""

    problem = Problem.INVALID_INPUT


class UnreadableImage(ImageError):
    """The file is not an image that can be decoded."""

    problem = Problem.UNREADABLE_IMAGE


class ImageTooLarge(ImageError):
    """The image has more pixels than the limit."""

    problem = Problem.IMAGE_TOO_LARGE


class NoFace(ImageError):
    """The detector found no face."""

    problem = Problem.NO_FACE


class ConfigurationError(InputError):
    """A configuration file or option is not valid."""

    problem = Problem.INVALID_CONFIGURATION


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field of one row of a list, and what to do about it."""

    row: str
    field: str
    wrong: str
    remedy: str


class InvalidList(InputError):
    """A list of people cannot be enrolled as it is; all that is wrong with it comes at once."""

    problem = Problem.INVALID_LIST

    def __init__(self, detail: str = "", hint: str = "", faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail, hint)
        self.faults = tuple(faults)


class MalformedMessage(InputError):
    """A message does not follow its schema."""

    problem = Problem.MALFORMED_MESSAGE


class TooLarge(InputError):
    """An input is over its byte limit."""

    problem = Problem.TOO_LARGE


class ModelError(BlindwatchError):
    """A model cannot be used."""

    problem = Problem.MODEL_CORRUPT


class ModelMissing(ModelError):
    """A registered model is not on this machine."""

    problem = Problem.MODEL_MISSING


class ModelCorrupt(ModelError):
    """A model file differs from its registered digest."""

    problem = Problem.MODEL_CORRUPT


class ModelMismatch(ModelError):
    """A template was made by another model than the deployment's."""

    problem = Problem.MODEL_MISMATCH


class DownloadFailed(ModelError):
    """A model could not be fetched."""

    problem = Problem.DOWNLOAD_FAILED


class CipherError(BlindwatchError):
    """Encrypted data or keys cannot be used."""

    problem = Problem.MALFORMED_CIPHERTEXT


class MalformedCiphertext(CipherError):
    """Bytes are not a well-formed object of the preset."""

    problem = Problem.MALFORMED_CIPHERTEXT


class WrongPreset(CipherError):
    """An object belongs to another preset."""

    problem = Problem.WRONG_PRESET


class WrongKey(CipherError):
    """An object belongs to another key."""

    problem = Problem.WRONG_KEY


class WrongShare(CipherError):
    """Words are not a share, or shares do not belong together."""

    problem = Problem.WRONG_SHARE


class CropClosed(CipherError):
    """A sealed face does not open: its key was not released, it is another probe's, or it was changed."""

    problem = Problem.CROP_CLOSED


class BudgetExhausted(CipherError):
    """A release would not be safe or exact, so there is none."""

    problem = Problem.BUDGET_EXHAUSTED


class DeploymentError(BlindwatchError):
    """A deployment cannot do what was asked."""

    problem = Problem.INVALID_INPUT


class UnknownDeployment(DeploymentError):
    """No deployment has this name."""

    problem = Problem.UNKNOWN_DEPLOYMENT


class DeploymentNotReady(DeploymentError):
    """The deployment has no watchlist yet."""

    problem = Problem.DEPLOYMENT_NOT_READY


class EmptyWatchlist(DeploymentError):
    """A watchlist needs at least one entry."""

    problem = Problem.EMPTY_WATCHLIST


class MissingBlob(DeploymentError):
    """A watchlist names data that was not uploaded."""

    problem = Problem.MISSING_BLOB


class RankedNotAllowed(DeploymentError):
    """The server is not set to allow ranked search."""

    problem = Problem.RANKED_NOT_ALLOWED


class WrongUse(DeploymentError):
    """The deployment reveals matches only and ranking was asked for, or the other way round."""

    problem = Problem.WRONG_USE


class DeploymentStopped(DeploymentError):
    """An operator has stopped the deployment; a newer version that is approved takes it up again."""

    problem = Problem.DEPLOYMENT_STOPPED


class DeploymentClosed(DeploymentError):
    """The deployment of this name is over."""

    problem = Problem.DEPLOYMENT_CLOSED


class NotClosed(DeploymentError):
    """What was asked for is given out only when the deployment is over."""

    problem = Problem.NOT_CLOSED


class StatementError(BlindwatchError):
    """A signed statement does not hold."""

    problem = Problem.NOT_AUTHORISED


class NotAuthorised(StatementError):
    """Nobody, or too few of those who would have to, signed the statement as it is."""

    problem = Problem.NOT_AUTHORISED


class StatementMismatch(StatementError):
    """A statement is of another kind, version or deployment than the one that belongs here."""

    problem = Problem.STATEMENT_MISMATCH


class PolicyViolation(StatementError):
    """A statement breaks a rule of its policy profile."""

    problem = Problem.POLICY_VIOLATION


class OutsideWindow(StatementError):
    """The deployment has not begun, or has ended."""

    problem = Problem.OUTSIDE_WINDOW


class RemovalIgnored(StatementError):
    """The server matched an entry that was removed from the list, or does not have the removal."""

    problem = Problem.REMOVAL_IGNORED


class OtherWatchlist(StatementError):
    """A result numbers the entries of a list that the operator does not have."""

    problem = Problem.OTHER_WATCHLIST


class AlertError(BlindwatchError):
    """An operator cannot do this with an alert."""

    problem = Problem.WRONG_STEP


class AlertTaken(AlertError):
    """One operator at a time has an alert."""

    problem = Problem.ALERT_TAKEN


class WrongStep(AlertError):
    """The alert has gone on in the meantime, or something comes before this."""

    problem = Problem.WRONG_STEP


class SamePerson(AlertError):
    """Whoever has agreed once cannot be the second person as well."""

    problem = Problem.SAME_PERSON


class NotTrained(AlertError):
    """Only somebody whose training is in force decides."""

    problem = Problem.NOT_TRAINED


class AlertsOpen(AlertError):
    """Nothing is reported as over while an alert has no outcome."""

    problem = Problem.ALERTS_OPEN


class AccessError(BlindwatchError):
    """The caller may not do this."""

    problem = Problem.UNAUTHENTICATED


class Unauthenticated(AccessError):
    """No valid credentials came with the request."""

    problem = Problem.UNAUTHENTICATED


class Forbidden(AccessError):
    """The caller's role does not include this."""

    problem = Problem.FORBIDDEN


class UnsignedRequest(AccessError):
    """The request carries no signature, or one that does not keep to the profile."""

    problem = Problem.UNSIGNED_REQUEST


class UnknownCamera(AccessError):
    """The deployment's manifest does not list the key."""

    problem = Problem.UNKNOWN_CAMERA


class InvalidSignature(AccessError):
    """The signature was made over another request, or with another key."""

    problem = Problem.INVALID_SIGNATURE


class StaleRequest(AccessError):
    """The signature has expired."""

    problem = Problem.STALE_REQUEST


class FutureRequest(AccessError):
    """The signature is dated later than now."""

    problem = Problem.FUTURE_REQUEST


class ReplayedRequest(AccessError):
    """The signature has been used."""

    problem = Problem.REPLAYED_REQUEST


class RevokedCamera(AccessError):
    """The camera's key was valid once."""

    problem = Problem.REVOKED_CAMERA


class UnauthorisedProbe(AccessError):
    """No operator has authorised this probe, or one did where none may."""

    problem = Problem.UNAUTHORISED_PROBE


class LogError(BlindwatchError):
    """A transparency log, or something about it, does not hold."""

    problem = Problem.LOG_CORRUPT


class LogMissing(LogError):
    """There is no log in this place, or a file of it is missing."""

    problem = Problem.LOG_MISSING


class LogExists(LogError):
    """A log is made once; it is never made anew in the place of another."""

    problem = Problem.LOG_EXISTS


class LogInUse(LogError):
    """One process at a time has a log, or the state of a witness, open."""

    problem = Problem.LOG_IN_USE


class LogUnwritable(LogError):
    """An append failed, and nothing is appended any more until the log is opened again."""

    problem = Problem.LOG_UNWRITABLE


class MalformedLog(LogError):
    """A note, checkpoint, tile, bundle, proof or submission does not follow its format."""

    problem = Problem.MALFORMED_LOG


class LogCorrupt(LogError):
    """Entries or tiles differ from what was signed: the first that does is between two indices, both included."""

    problem = Problem.LOG_CORRUPT

    def __init__(self, detail: str = "", hint: str = "", first: int = 0, last: int = 0) -> None:
        super().__init__(detail, hint)
        self.first = first
        self.last = last


class LogForked(LogError):
    """Two trees of the log cannot both be its history."""

    problem = Problem.LOG_FORKED


class LogRolledBack(LogError):
    """The log is smaller than a checkpoint that it has signed."""

    problem = Problem.LOG_ROLLED_BACK


class InvalidProof(LogError):
    """An inclusion or consistency proof does not lead to the root."""

    problem = Problem.INVALID_PROOF


class UntrustedCheckpoint(LogError):
    """No trusted key signed the checkpoint, or a signature that names one is not valid."""

    problem = Problem.UNTRUSTED_CHECKPOINT


class CosignatureMissing(LogError):
    """A checkpoint lacks cosignatures that the policy requires; `missing` names the witnesses."""

    problem = Problem.COSIGNATURE_MISSING

    def __init__(self, detail: str = "", hint: str = "", missing: Sequence[str] = ()) -> None:
        super().__init__(detail, hint)
        self.missing = tuple(missing)


class UnknownLog(LogError):
    """A witness cosigns only for the logs that it was told of."""

    problem = Problem.UNKNOWN_LOG


class StaleCheckpoint(LogError):
    """A submission starts from another size than the witness has; `size` is the one that it has."""

    problem = Problem.STALE_CHECKPOINT

    def __init__(self, detail: str = "", hint: str = "", size: int = 0) -> None:
        super().__init__(detail, hint)
        self.size = size


class RecordMismatch(LogError):
    """A record is in the log, and is about something else than what came with it."""

    problem = Problem.RECORD_MISMATCH


class ServiceError(BlindwatchError):
    """A service could not do its work."""

    problem = Problem.INTERNAL


class NotFound(ServiceError):
    """Nothing is kept under this name."""

    problem = Problem.NOT_FOUND


class AlreadyCounted(ServiceError):
    """The server has other counts of this minute and camera."""

    problem = Problem.ALREADY_COUNTED


class Busy(ServiceError):
    """The queue is full."""

    problem = Problem.BUSY


class QueryBudgetUsed(ServiceError):
    """A camera has sent as many probes as the policy profile allows, in this minute or at all."""

    problem = Problem.QUERY_BUDGET_USED

    def __init__(self, detail: str = "", hint: str = "", retry_seconds: int = 60) -> None:
        super().__init__(detail, hint)
        self.retry_seconds = retry_seconds


class WorkerLost(ServiceError):
    """A worker process ended before it finished."""

    problem = Problem.WORKER_LOST


class ServerUnavailable(ServiceError):
    """The server cannot be reached."""

    problem = Problem.SERVER_UNAVAILABLE


class NotDestroyed(ServiceError):
    """A deployment is over, and something of it is still there; there is no receipt until it is gone."""

    problem = Problem.NOT_DESTROYED


class InternalError(ServiceError):
    """An unexpected condition, described without request data."""

    problem = Problem.INTERNAL


def error_for(problem: Problem) -> type[BlindwatchError]:
    """The class that raises a problem, for turning a response back into the error it reports."""

    def leaves(cls: type[BlindwatchError]) -> list[type[BlindwatchError]]:
        below = cls.__subclasses__()
        return [leaf for sub in below for leaf in leaves(sub)] if below else [cls]

    return next((cls for cls in leaves(BlindwatchError) if cls.problem is problem), InternalError)
