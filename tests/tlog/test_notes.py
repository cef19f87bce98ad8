"""Notes, checkpoints, keys and cosignatures: one spelling each, and signatures of others."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindwatch.errors import ConfigurationError, CosignatureMissing, MalformedLog, UntrustedCheckpoint
from blindwatch.tlog.checkpoints import Checkpoint, SignedCheckpoint
from blindwatch.tlog.cosignatures import check_cosignature, cosign
from blindwatch.tlog.encoding import LARGEST
from blindwatch.tlog.keys import Signer, Use, VerifierKey
from blindwatch.tlog.notes import Note, NoteSignature, parse_signatures

from .logs import ORIGIN, SIGNER

WITNESS = Signer.generate("witness.example.org/w1", Use.WITNESS)
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(range(32)))
SIGNED = CHECKPOINT.signed_by(SIGNER)

# A signed tree of the checksum database of Go, and its key as it is built into the Go tools.
SUMDB_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SUMDB_NOTE = """go.sum database tree
15368405
/g9am3I6YWNKaZX/jkne1fqd9zEyjss+JXyPXG0WfkY=

— sum.golang.org Az3grqJGUaSGukG9p8nI2vKgiFn7qGHxn0W+mrwyI6Gz3F0t1J3LzmWk/p96Ybf295EjwdSwlzgijq5WA9d1Ded7owM=
"""

roots = st.binary(min_size=32, max_size=32)
lines = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
checkpoints = st.builds(
    Checkpoint, lines, st.integers(0, LARGEST), roots, st.lists(lines, max_size=2).map(tuple)
)


def test_a_note_that_was_signed_elsewhere() -> None:
    key = VerifierKey.parse(SUMDB_KEY, Use.LOG)
    assert str(key) == SUMDB_KEY
    signed = SignedCheckpoint.parse(SUMDB_NOTE.encode())
    assert signed.to_bytes().decode() == SUMDB_NOTE
    assert signed.checkpoint.size == 15_368_405
    (signature,) = signed.signatures
    key.verify(signed.checkpoint.text.encode(), signature.value)
    with pytest.raises(UntrustedCheckpoint):
        key.verify(signed.checkpoint.text.replace("15", "16").encode(), signature.value)
    # Its first line is no name of a key, so as a checkpoint it is nobody's.
    with pytest.raises(UntrustedCheckpoint):
        signed.verify(key)


@given(checkpoints)
def test_a_checkpoint_comes_back_as_itself(checkpoint: Checkpoint) -> None:
    signed = checkpoint.signed_by(SIGNER)
    assert SignedCheckpoint.parse(signed.to_bytes()) == signed


def test_the_signature_of_the_log() -> None:
    assert SIGNED.verify(SIGNER.verifier) == CHECKPOINT
    both = SIGNED.with_signatures([cosign(CHECKPOINT, WITNESS, 5)])
    assert SignedCheckpoint.parse(both.to_bytes()).verify(SIGNER.verifier) == CHECKPOINT


OTHER = Signer.generate(ORIGIN, Use.LOG)


@pytest.mark.parametrize(
    "signed",
    [
        SignedCheckpoint(replace(CHECKPOINT, size=8), SIGNED.signatures),
        SignedCheckpoint(replace(CHECKPOINT, extensions=("more",)), SIGNED.signatures),
        replace(CHECKPOINT, origin="another.example.org").signed_by(SIGNER),
        CHECKPOINT.signed_by(OTHER),
        SignedCheckpoint(CHECKPOINT, (NoteSignature.by(SIGNER.verifier, bytes(64)),)),
        SignedCheckpoint(CHECKPOINT, (NoteSignature.by(SIGNER.verifier, b"short"),)),
        SIGNED.with_signatures([NoteSignature.by(SIGNER.verifier, bytes(64))]),
        SignedCheckpoint(CHECKPOINT, (cosign(CHECKPOINT, WITNESS, 5),)),
    ],
)
def test_not_a_checkpoint_of_the_log(signed: SignedCheckpoint) -> None:
    with pytest.raises(UntrustedCheckpoint):
        signed.verify(SIGNER.verifier)


TEXT = CHECKPOINT.text
LINE = SIGNED.signatures[0].line


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + "\n",
        LINE,
        "\n\n" + LINE,
        TEXT + LINE,
        f"{TEXT}\n{LINE}"[:-1],
        f"{TEXT}\n{LINE}\n",
        f"{TEXT}\n{LINE} ",
        f"{TEXT}\n-{LINE[1:]}",
        f"{TEXT}\n{LINE}".replace("\n", "\r\n"),
        f"\t{TEXT}\n{LINE}",
        f"{TEXT}\n\N{EM DASH} {ORIGIN}\n",
        f"{TEXT}\n\N{EM DASH}  AAAAAAAA\n",
        f"{TEXT}\n\N{EM DASH} a+b AAAAAAAA\n",
        f"{TEXT}\n\N{EM DASH} a\N{NO-BREAK SPACE}b AAAAAAAA\n",
        f"{TEXT}\n\N{EM DASH} {ORIGIN} AAAAAA==\n",
        f"{TEXT}\n\N{EM DASH} {ORIGIN} AAAAAAB=\n",
        f"{TEXT}\n\N{EM DASH} {ORIGIN} AAAAA_AA\n",
        f"{TEXT}\n{LINE * 65}",
        f"{'x' * 65_536}\n\n{LINE}",
        f"{ORIGIN}\n7\n\n{LINE}",
        f"\n7\n{TEXT.splitlines()[2]}\n\n{LINE}",
        f"{TEXT}\nextension\n\n{LINE}",
        *(
            f"{TEXT}\n{LINE}".replace("\n7\n", f"\n{size}\n")
            for size in ("07", "-7", "+7", "7 ", "\u0667", 2**63)
        ),
        f"{TEXT}\n{LINE}".replace("=\n\n", "\n\n"),
        f"{TEXT}\n{LINE}".replace("Hh8=", "Hh9="),
        f"{TEXT}\n{LINE}".replace(TEXT.splitlines()[2], "AAAA"),
    ],
)
def test_not_a_signed_checkpoint(note: str) -> None:
    assert note != f"{TEXT}\n{LINE}"
    with pytest.raises(MalformedLog):
        SignedCheckpoint.parse(note.encode())


def test_not_in_utf_8() -> None:
    with pytest.raises(MalformedLog, match="UTF-8"):
        Note.parse(b"\xff\n\n" + LINE.encode())


def test_many_signatures_are_accepted() -> None:
    assert len(parse_signatures(LINE * 64)) == 64


def test_a_note_may_have_empty_lines() -> None:
    note = Note("one\n\n\ntwo\n\n", SIGNED.signatures)
    assert Note.parse(note.to_bytes()) == note


def test_the_number_of_a_key() -> None:
    key = SIGNER.verifier
    assert key.key_id == sha256(f"{ORIGIN}\n\x01".encode() + key.public).digest()[:4]
    assert VerifierKey.parse(str(key), Use.LOG) == key
    assert replace(key, use=Use.WITNESS).key_id != key.key_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sum.golang.org+033de0ae",
        SUMDB_KEY.replace("033de0ae", "033de0af"),
        SUMDB_KEY.replace("033de0ae", "033DE0AE"),
        SUMDB_KEY.replace("sum.", "sun."),
        SUMDB_KEY.replace("Ac4", "BM4"),
        SUMDB_KEY[:-4],
        SUMDB_KEY + "\n",
        SUMDB_KEY.replace("sum.", "sum "),
        pytest.param(str(WITNESS.verifier), id="that of a witness"),
    ],
)
def test_not_the_key_of_a_log(text: str) -> None:
    with pytest.raises(ConfigurationError):
        VerifierKey.parse(text, Use.LOG)


def test_a_private_key_is_kept_in_pem() -> None:
    again = Signer.from_pem(SIGNER.to_pem(), ORIGIN, Use.LOG)
    assert again.verifier == SIGNER.verifier
    assert CHECKPOINT.signed_by(again) == SIGNED
    assert "private" not in repr(SIGNER).lower()
    for wrong in (b"", SIGNER.to_pem()[:40], SIGNER.to_pem().replace(b"PRIVATE", b"PUBLIC")):
        with pytest.raises(ConfigurationError):
            Signer.from_pem(wrong, ORIGIN, Use.LOG)
    with pytest.raises(ConfigurationError):
        Signer.generate("two words", Use.LOG)


def test_cosignatures() -> None:
    cosignature = cosign(CHECKPOINT, WITNESS, 1_679_315_147)
    assert len(cosignature.value) == 72
    # What the specification has the witness sign.
    message = f"cosignature/v1\ntime 1679315147\n{TEXT}".encode()
    WITNESS.verifier.verify(message, cosignature.value[8:])
    both = SIGNED.with_signatures([cosignature, cosign(CHECKPOINT, WITNESS, 3)])
    assert check_cosignature(both, WITNESS.verifier) == 1_679_315_147


def test_cosignatures_that_do_not_hold() -> None:
    with pytest.raises(CosignatureMissing) as caught:
        check_cosignature(SIGNED, WITNESS.verifier)
    assert caught.value.missing == (WITNESS.verifier.name,)
    good = cosign(CHECKPOINT, WITNESS, 5)
    for value in (
        cosign(replace(CHECKPOINT, size=8), WITNESS, 5).value,
        (6).to_bytes(8) + good.value[8:],
        (2**63).to_bytes(8) + good.value[8:],
        good.value[:-1],
        b"\x00",
    ):
        with pytest.raises(UntrustedCheckpoint):
            check_cosignature(SIGNED.with_signatures([good, replace(good, value=value)]), WITNESS.verifier)
