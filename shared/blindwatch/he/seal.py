"""Contexts and serialized objects of Microsoft SEAL, through TenSEAL's `sealapi`."""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Final, TypeVar

import tenseal.sealapi as sealapi

from blindwatch.errors import InternalError, MalformedCiphertext
from blindwatch.he import objects
from blindwatch.he.objects import Residues
from blindwatch.he.parameters import Parameters
from blindwatch.he.presets import PLAIN_MODULUS, Preset

Object = TypeVar("Object")
_CHUNK: Final = 1 << 24


@cache
def context(preset: Preset) -> Any:
    """SEAL's context of a preset."""
    return new_context(preset, PLAIN_MODULUS)


def new_context(
    preset: Parameters, plain_modulus: int, primes: int | None = None, generator: Any = None
) -> Any:
    """A context of SEAL, of the first primes or all; refused by it unless the parameters have 128-bit security."""
    parameters = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.BFV)
    parameters.set_poly_modulus_degree(preset.poly_degree)
    parameters.set_coeff_modulus([sealapi.Modulus(prime) for prime in preset.primes[:primes]])
    parameters.set_plain_modulus(plain_modulus)
    if generator is not None:
        parameters.set_random_generator(generator)
    built = sealapi.SEALContext(parameters, True, sealapi.SEC_LEVEL_TYPE.TC128)
    if not built.parameters_set():
        raise InternalError("SEAL does not accept the parameters of the preset.")
    return built


@cache
def encoder(preset: Preset) -> Any:
    """SEAL's encoder between slots and plaintext polynomials."""
    return sealapi.BatchEncoder(context(preset))


def save(seal_object: Any) -> bytes:
    """The serialized form of an object. SEAL writes to paths only, so this is a file in memory."""
    descriptor = os.memfd_create("seal", os.MFD_CLOEXEC)
    try:
        seal_object.save(f"/proc/self/fd/{descriptor}")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            return file.read()
    finally:
        os.close(descriptor)


def load(preset: Preset, kind: type[Object], data: bytes) -> Object:
    """An object from its serialized form, which SEAL checks against the preset; MalformedCiphertext if it fails."""
    return load_into(context(preset), kind, data)


def load_into(context: Any, kind: type[Object], data: bytes) -> Object:
    """As `load`, under a context."""
    seal_object = kind(context) if kind is sealapi.Ciphertext else kind()  # type: ignore[call-arg]
    descriptor = os.memfd_create("seal", os.MFD_CLOEXEC)
    try:
        for start in range(0, len(data), _CHUNK):
            with memoryview(data)[start : start + _CHUNK] as view:
                written = 0
                while written < len(view):
                    written += os.write(descriptor, view[written:])
        seal_object.load(context, f"/proc/self/fd/{descriptor}")  # type: ignore[attr-defined]
    except (RuntimeError, ValueError):
        raise MalformedCiphertext("SEAL cannot load the object under the preset.") from None
    finally:
        os.close(descriptor)
    return seal_object


def ciphertext(preset: Preset, residues: Residues) -> Any:
    """SEAL's ciphertext of residues (polynomials, primes, N) that are not transformed."""
    return load(preset, sealapi.Ciphertext, objects.write_ciphertext(preset, residues))


def residues(preset: Preset, seal_object: Any) -> Residues:
    """The residues (2, k, N) of a ciphertext of SEAL."""
    return objects.read_ciphertext(preset, save(seal_object), seal_object.coeff_modulus_size()).residues


def plaintext(preset: Preset, slots: list[int]) -> Any:
    """A plaintext with these slot values; negative ones stand for themselves modulo t."""
    encoded = sealapi.Plaintext()
    encoder(preset).encode([value % PLAIN_MODULUS for value in slots], encoded)
    return encoded


def constant(value: int) -> Any:
    """A plaintext with one value in all slots."""
    return sealapi.Plaintext(f"{value % PLAIN_MODULUS:x}")
