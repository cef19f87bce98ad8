"""Drawing results for replay, range after range: the log is read, a challenge is signed, kept, sent and judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from blindwatch.errors import PolicyViolation, StatementMismatch, UntrustedCheckpoint, WrongUse
from blindwatch.oversight.challenge.drawing import Drawable, Rules, drawable, end_of, judged
from blindwatch.oversight.challenge.state import ChallengeFolder, Outcome
from blindwatch.oversight.log_source import newest, the_log
from blindwatch.policy.profile import profile
from blindwatch.records import replaying
from blindwatch.statements import trust
from blindwatch.statements.dsse import Envelope
from blindwatch.statements.predicates import Challenge, DeploymentManifest
from blindwatch.statements.register import Register
from blindwatch.statements.signing import Identity
from blindwatch.tlog.checkpoints import SignedCheckpoint
from blindwatch.tlog.fetching import Fetch
from blindwatch.tlog.policy import Policy
from blindwatch.tlog.reading import LogView
from blindwatch.wire.client import ServerClient


@dataclass(frozen=True)
class Challenger:
    """An oversight body that draws from the results of one deployment."""

    folder: ChallengeFolder
    deployment: str
    client: ServerClient
    fetch: Fetch
    policy: Policy
    register: Register
    identity: Identity

    def step(self, now: datetime) -> Outcome | None:
        """Draw from what is new in the log; None if there is no result in it.

        Raises LogForked or LogRolledBack, of which evidence is kept, CosignatureMissing while witnesses have not seen
        it, what the server refuses, or what is wrong with the deployment's manifest.
        """
        signed = newest(self.fetch, the_log(self.policy), self.folder.seen, self.folder.evidence)
        self.policy.check(signed)
        rules = self._rules()
        envelope = self.folder.unanswered() or self._draw(signed, rules)
        return None if envelope is None else self._send(envelope, signed, rules, now)

    def _draw(self, signed: SignedCheckpoint, rules: Rules) -> Envelope | None:
        """A new challenge, which is kept already."""
        first, size = self.folder.read, signed.checkpoint.size
        if first >= size:
            return None
        found = self._drawable(signed, first)
        if not found:
            self.folder.advance(size, signed)
            return None
        end = end_of(found, first, size, rules.rate)
        root = LogView(self.fetch, signed.checkpoint).root_at(end).hex()
        origin = signed.checkpoint.origin
        challenge = Challenge(deployment=self.deployment, origin=origin, first=first, end=end, root=root)
        envelope = challenge.envelope().signed_by(self.identity)
        self.folder.keep(envelope)
        return envelope

    def _send(self, envelope: Envelope, signed: SignedCheckpoint, rules: Rules, now: datetime) -> Outcome:
        challenge = Challenge.read(envelope)
        answer = self.client.put_challenge(self.deployment, challenge.end, envelope.to_json())
        found = [each for each in self._drawable(signed, challenge.first) if each.index < challenge.end]
        outcome = judged(challenge, replaying.seed(envelope), found, answer.probes, rules, now)
        self.folder.conclude(outcome)
        self.folder.advance(challenge.end, signed)
        return outcome

    def _drawable(self, signed: SignedCheckpoint, first: int) -> list[Drawable]:
        return drawable(self.fetch, signed.checkpoint, first, self.deployment)

    def _rules(self) -> Rules:
        """What the approved manifest in force has replayed; it has to name the log that is followed here."""
        approved = Envelope.from_json(self.client.get_manifest(self.deployment))
        chosen = profile(DeploymentManifest.read(approved).profile.name)
        manifest = trust.check_deployment(approved, self.register, chosen)
        if manifest.deployment != self.deployment:
            raise StatementMismatch("The server has the manifest of another deployment under this name.")
        if the_log(manifest.read_log_policy()) != the_log(self.policy):
            raise UntrustedCheckpoint(
                "The deployment's manifest names another log than the policy of witnesses."
            )
        if manifest.use == "ranked":
            raise WrongUse("Nothing is replayed in ranked use.")
        if not chosen.replay_rate:
            raise PolicyViolation("The profile of the deployment has nothing replayed.")
        return Rules(chosen.replay_rate, timedelta(minutes=chosen.clocks.challenge_minutes))
