"""From a folder to an encrypted list: look at the photographs, and build what the server and the operator get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import SystemRandom

import numpy as np
from rich.progress import Progress

from blindwatch.custodian import ceremony
from blindwatch.custodian.building import Terms, build
from blindwatch.custodian.entries import Entry
from blindwatch.custodian.viewing import View, Viewing
from blindwatch.custodian.volunteers import Volunteers
from blindwatch.errors import ConfigurationError, PolicyViolation
from blindwatch.he.encrypting import Encryptor
from blindwatch.he.keys import EncryptionKey
from blindwatch.he.ranked.encrypting import RankEncryptor
from blindwatch.he.ranked.keys import RankKey
from blindwatch.policy.profile import Profile
from blindwatch.statements.predicates import Thresholds
from blindwatch.statements.signing import Identity
from blindwatch.statements.trust import USES
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.quantise import quantise, templates
from blindwatch.wire.messages import DEPLOYMENT_ID

RANKED = Thresholds(similarity=0.0, gate=0, fine=0)


def terms(
    keys: Path, deployment: str, profile: Profile, models: FacePipeline, threshold: float | None, builder: str
) -> Terms:
    """What a list is to be made for; refused where keys, profile, pipeline and threshold do not go together."""
    if not DEPLOYMENT_ID.fullmatch(deployment):
        raise ConfigurationError(
            "This cannot be the name of a deployment.", "Use small letters, digits and hyphens: gate-4."
        )
    ranked = ceremony.is_ranked(keys)
    if USES[profile.use] != ("ranked" if ranked else "reveal"):
        raise PolicyViolation(
            "The policy profile is for another use than the keys.",
            "Hold a ceremony for it.",
        )
    key = ceremony.ranked_key(keys) if ranked else ceremony.encryption_key(keys)
    if models.dimension != key.preset.dimension:
        raise ConfigurationError("The pipeline's embeddings do not have the preset's dimension.")
    lowest = models.operating_point if threshold is None else threshold
    if isinstance(key, RankKey):
        if threshold is not None:
            raise ConfigurationError("Ranked search has no threshold.", "Leave out --threshold.")
        chosen = RANKED
    else:
        chosen = _thresholds(key, lowest, profile)
    faces_to = ceremony.recipient(keys)
    return Terms(deployment, key, models.model_digest, chosen, profile.adult_age, builder, faces_to)


def _thresholds(key: EncryptionKey, lowest: float, profile: Profile) -> Thresholds:
    made = key.preset.thresholds(lowest)
    if lowest < profile.lowest_similarity:
        raise PolicyViolation(
            f"The threshold is below {profile.lowest_similarity:g}, the lowest that the profile allows."
        )
    return Thresholds(similarity=lowest, gate=made.gate, fine=made.fine)


def look(viewing: Viewing, entries: list[Entry], display: Progress) -> None:
    """Look at all photographs and compare all people; raises InvalidList once all is known that is wrong."""
    for entry in display.track(entries, description="Reading photographs"):
        viewing.look(entry)
    task = display.add_task("Comparing people", total=len(viewing.views))
    for left in viewing.compare():
        display.update(task, completed=len(viewing.views) - left)
    display.update(task, completed=len(viewing.views))
    viewing.check()


def write(
    folder: Path,
    made_for: Terms,
    views: list[View],
    volunteers: Volunteers,
    signer: Identity,
    display: Progress,
) -> None:
    """Build the list, in an order that says nothing of the one in which people were given."""
    shuffled = SystemRandom().sample(views, len(views))
    total, blocks = _encrypted(made_for.key, shuffled)
    built = build(folder, made_for, shuffled, blocks, signer, volunteers.beside(shuffled))
    for _ in display.track(built, total, description="Encrypting"):
        pass


def _encrypted(key: EncryptionKey | RankKey, views: list[View]) -> tuple[int, Iterator[Iterable[bytes]]]:
    """How many ciphertexts the templates of views become, and the ciphertexts, block by block."""
    embeddings = [view.embedding for view in views]
    if isinstance(key, RankKey):
        rows = np.stack([quantise(each, key.preset.squared_norm) for each in embeddings])
        return key.preset.blocks(len(views)), ([block] for block in RankEncryptor(key).gallery(rows))
    total = sum(2 * layout.parts for layout in key.preset.plan(len(views)))
    return total, Encryptor(key).watchlist(templates(embeddings, key.preset))
