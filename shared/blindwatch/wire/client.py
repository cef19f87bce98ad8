"""The client of the match server's API, for all roles."""

from __future__ import annotations

import hashlib
import ssl
from types import TracebackType
from typing import Final, Self

import httpx

from blindwatch.errors import (
    BlindwatchError,
    ConfigurationError,
    InternalError,
    NotFound,
    ServerUnavailable,
    TooLarge,
)
from blindwatch.wire import digests, limits, problems
from blindwatch.wire.messages import (
    DEPLOYMENT_ID,
    CameraList,
    DeploymentInfo,
    DeploymentOffer,
    FacesSeen,
    Health,
    KeptList,
    KeptProbe,
    Logged,
    MaskSecret,
    Probe,
    ProbeReceipt,
    ResultBatch,
    Search,
    SearchAnswer,
    SearchReceipt,
)

CBOR: Final = "application/cbor"
ENVELOPE: Final = "application/vnd.dsse.envelope.v1+json"


class ServerClient:
    """Calls the match server; what it refuses is raised as the error it reports.

    Nothing is tried twice here: a camera drops and counts, a custodian or an operator repeats the call.
    """

    def __init__(
        self,
        base_url: str,
        credentials: str | httpx.Auth,
        timeout: float = 60.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`credentials` are the token of a role, or what signs for a camera; `tls` is whom to trust and to be."""
        if tls is not None and not base_url.startswith("https://"):
            raise ConfigurationError(
                "Certificates are of no use with this address.", "An address with TLS begins with https://."
            )
        auth = credentials if isinstance(credentials, httpx.Auth) else None
        headers = {"Accept": f"{CBOR}, {problems.MEDIA_TYPE}"}
        try:
            self._http = httpx.Client(
                base_url=base_url,
                headers=headers if auth else {**headers, "Authorization": f"Bearer {credentials}"},
                auth=auth,
                timeout=timeout,
                verify=tls or True,
            )
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise ConfigurationError("The server's address or the token is not valid.") from None
        self._timeout = timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def put_deployment(self, deployment: str, offer: DeploymentOffer) -> DeploymentInfo:
        """Offer a deployment or a newer version of it; repeating the same offer changes nothing."""
        body = self._call("PUT", _path(deployment), DeploymentInfo.limit, offer.to_cbor())
        return DeploymentInfo.from_cbor(body)

    def get_deployment(self, deployment: str) -> DeploymentInfo:
        """Describe a deployment."""
        return DeploymentInfo.from_cbor(self._call("GET", _path(deployment), DeploymentInfo.limit))

    def put_blob(self, deployment: str, data: bytes) -> str:
        """Upload one ciphertext of a watchlist and return the digest that names it in the manifest."""
        digest = hashlib.sha256(data).hexdigest()
        self._call("PUT", f"{_path(deployment)}/blobs/{digest}", 0, data)
        return digest

    def activate(self, deployment: str, timeout: float = 600.0) -> None:
        """Put the newest version into force; returns once every worker of the server has loaded its list."""
        self._call("POST", f"{_path(deployment)}/activation", 0, timeout=timeout)

    def get_manifest(self, deployment: str) -> bytes:
        """The manifest in force, as the envelope that was signed."""
        return self._call("GET", f"{_path(deployment)}/manifest", limits.ENVELOPE, digested=True)

    def get_watchlist(self, deployment: str) -> bytes:
        """The list of the manifest in force, as the envelope that was signed."""
        return self._call("GET", f"{_path(deployment)}/watchlist", limits.ENVELOPE, digested=True)

    def put_tombstone(self, deployment: str, sequence: int, statement: bytes) -> None:
        """Remove entries from the list in force."""
        self._call("PUT", f"{_path(deployment)}/tombstones/{sequence}", 0, statement, media=ENVELOPE)

    def get_tombstone(self, deployment: str) -> bytes | None:
        """The newest removal, as the envelope that was signed; None if there is none."""
        try:
            return self._call("GET", f"{_path(deployment)}/tombstone", limits.ENVELOPE, digested=True)
        except NotFound:
            return None

    def get_tombstone_of(self, deployment: str, sequence: int) -> bytes:
        """The removal of this number, as the envelope that was signed."""
        path = f"{_path(deployment)}/tombstones/{sequence}"
        return self._call("GET", path, limits.ENVELOPE, digested=True)

    def put_revocation(self, deployment: str, camera_key: str, statement: bytes) -> None:
        """Revoke a camera's key."""
        self._call("PUT", f"{_path(deployment)}/revocations/{camera_key}", 0, statement, media=ENVELOPE)

    def put_authorisation(self, deployment: str, statement: bytes, timeout: float = 600.0) -> None:
        """Put down what an authority was asked or has decided about an urgent deployment."""
        path = f"{_path(deployment)}/authorisation"
        self._call("PUT", path, 0, statement, timeout, media=ENVELOPE)

    def close_deployment(self, deployment: str, statement: bytes, timeout: float = 600.0) -> bytes:
        """Close a deployment; the receipt of what was destroyed, as the envelope that the server signed."""
        path = f"{_path(deployment)}/closing"
        return self._call("POST", path, limits.ENVELOPE, statement, timeout, digested=True, media=ENVELOPE)

    def stop_deployment(self, deployment: str, statement: bytes) -> None:
        """Stop a deployment: the server takes nothing under the manifest in force any more."""
        self._call("POST", f"{_path(deployment)}/stop", 0, statement, media=ENVELOPE)

    def cameras(self, deployment: str) -> CameraList:
        """The cameras of a deployment, and when the server was called by each of them last."""
        return CameraList.from_cbor(self._call("GET", f"{_path(deployment)}/cameras", CameraList.limit))

    def get_receipt(self, deployment: str) -> bytes:
        """The receipt of a deployment that is closed."""
        return self._call("GET", f"{_path(deployment)}/receipt", limits.ENVELOPE, digested=True)

    def get_accepted(self, deployment: str) -> Logged:
        """The record of the acceptance of the newest version, proven to be in the server's log."""
        return Logged.from_cbor(
            self._call("GET", f"{_path(deployment)}/accepted", Logged.limit, digested=True)
        )

    def log_file(self, path: str, limit: int) -> bytes:
        """A file of the server's log."""
        return self._call("GET", f"/log/{path}", limit)

    def put_challenge(self, deployment: str, end: int, statement: bytes) -> KeptList:
        """Draw results for replay; the probes of those that are kept."""
        path = f"{_path(deployment)}/challenges/{end}"
        body = self._call("PUT", path, KeptList.limit, statement, digested=True, media=ENVELOPE)
        return KeptList.from_cbor(body)

    def kept(self, deployment: str) -> KeptList:
        """The probes that were drawn and are kept."""
        return KeptList.from_cbor(
            self._call("GET", f"{_path(deployment)}/kept", KeptList.limit, digested=True)
        )

    def get_kept(self, deployment: str, probe_id: str) -> KeptProbe:
        """A probe that is kept."""
        path = f"{_path(deployment)}/kept/{probe_id}"
        return KeptProbe.from_cbor(self._call("GET", path, KeptProbe.limit, digested=True))

    def get_blob(self, deployment: str, digest: str) -> bytes:
        """A ciphertext of the list in force, or the public keys, by digest."""
        path = f"{_path(deployment)}/blobs/{digest}"
        return self._call("GET", path, limits.BUNDLE, digested=True)

    def get_mask_secret(self, deployment: str) -> bytes:
        """The secret that seeded the masks of a deployment that is closed."""
        path = f"{_path(deployment)}/masks"
        return MaskSecret.from_cbor(self._call("GET", path, MaskSecret.limit, digested=True)).secret

    def post_probe(self, deployment: str, probe: Probe) -> ProbeReceipt:
        """Submit a probe."""
        body = self._call("POST", f"{_path(deployment)}/probes", ProbeReceipt.limit, probe.to_cbor())
        return ProbeReceipt.from_cbor(body)

    def put_counts(self, deployment: str, minute: str, seen: FacesSeen) -> None:
        """Say what a camera saw in a minute; repeating the same changes nothing. Raises AlreadyCounted."""
        self._call("PUT", f"{_path(deployment)}/counts/{minute}", 0, seen.to_cbor())

    def fetch_results(self, deployment: str, wait: float = 0.0) -> ResultBatch:
        """The oldest results, waiting up to `wait` seconds for the first one."""
        path = f"{_path(deployment)}/results?wait={min(wait, limits.WAIT_SECONDS):.3f}"
        body = self._call("GET", path, ResultBatch.limit, timeout=self._timeout + wait, digested=True)
        return ResultBatch.from_cbor(body)

    def fetch_result(self, deployment: str, probe_id: str, wait: float = 0.0) -> ResultBatch:
        """The result of one probe, waiting up to `wait` seconds for it; a batch without any if there is none yet."""
        path = f"{_path(deployment)}/results/{probe_id}?wait={min(wait, limits.WAIT_SECONDS):.3f}"
        try:
            body = self._call("GET", path, ResultBatch.limit, timeout=self._timeout + wait, digested=True)
        except NotFound:
            return ResultBatch(results=(), logged=())
        return ResultBatch.from_cbor(body)

    def acknowledge(self, deployment: str, probe_id: str) -> None:
        """Delete a result from the server."""
        self._call("DELETE", f"{_path(deployment)}/results/{probe_id}", 0)

    def post_search(self, deployment: str, search: Search) -> SearchReceipt:
        """Submit a search to a deployment of ranked use."""
        body = self._call("POST", f"{_path(deployment)}/searches", SearchReceipt.limit, search.to_cbor())
        return SearchReceipt.from_cbor(body)

    def fetch_search(self, deployment: str, search_id: str, wait: float = 0.0) -> SearchAnswer | None:
        """The result of a search, waiting up to `wait` seconds for it; None if there is none yet."""
        path = f"{_path(deployment)}/searches/{search_id}?wait={min(wait, limits.WAIT_SECONDS):.3f}"
        try:
            body = self._call("GET", path, SearchAnswer.limit, timeout=self._timeout + wait, digested=True)
        except NotFound:
            return None
        return SearchAnswer.from_cbor(body)

    def acknowledge_search(self, deployment: str, search_id: str) -> None:
        """Delete the result of a search from the server."""
        self._call("DELETE", f"{_path(deployment)}/searches/{search_id}", 0)

    def health(self) -> Health:
        """How the server is."""
        return Health.from_cbor(self._call("GET", "/v1/health", Health.limit))

    def _call(
        self,
        method: str,
        path: str,
        limit: int,
        content: bytes | None = None,
        timeout: float | None = None,
        digested: bool = False,
        media: str = CBOR,
    ) -> bytes:
        headers = {}
        if content is not None:
            headers = {"Content-Type": media, digests.FIELD: digests.content_digest(content)}
        try:
            with self._http.stream(
                method, path, content=content, headers=headers, timeout=timeout or self._timeout
            ) as response:
                if not response.is_success:
                    raise _refusal(response)
                body = _read(response, limit)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServerUnavailable(
                f"The server cannot be reached ({type(error).__name__}).",
                hint="Check the server's address and that it is running.",
            ) from None
        digests.check_content_digest(response.headers.get(digests.FIELD), body, required=digested)
        return body


def _refusal(response: httpx.Response) -> BlindwatchError:
    if response.headers.get("Content-Type") == problems.MEDIA_TYPE:
        return problems.from_json(_read(response, limits.JSON))
    if response.status_code in (502, 503, 504):
        return ServerUnavailable("The server cannot take requests at the moment.")
    return InternalError(f"The server answered with status {response.status_code} and no explanation.")


def _path(deployment: str) -> str:
    if not DEPLOYMENT_ID.fullmatch(deployment):
        raise ConfigurationError(
            "The name of the deployment is not valid.",
            hint="Use 1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen.",
        )
    return f"/v1/deployments/{deployment}"


def _read(response: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"The server's answer is over its limit of {limit} bytes.")
    return bytes(body)
