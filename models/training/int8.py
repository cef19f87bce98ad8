"""Try the embedder in eight bits: what weights and activations of INT8 cost in accuracy, and save in size and time.

    python models/training/int8.py --faces ../shared/faces --work $WORK

Activations are calibrated on photographs of people to train on; the nets are compared on the held-out ones, with the
same aligned faces. Writes embedder-int8.onnx into the scratch folder and nothing into models/.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import onnx
import onnxruntime as ort
from faces import nchw, part, unit
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from blindwatch.evaluation.fairness import decide
from blindwatch.evaluation.reading import Choice, find, read_names
from blindwatch.evaluation.samples import Samples, Source
from blindwatch.evaluation.scoring import cosines
from blindwatch.evaluation.verification import Comparisons
from blindwatch.he.presets import preset
from blindwatch.vision import image
from blindwatch.vision.pipeline import FacePipeline
from blindwatch.vision.registry import Registry

SEED = 4
CALIBRATED_ON = 300
TIMED = 300
RATES = (1e-2, 1e-3, 1e-4)
PRESET = preset("reveal-128")


class Calibration(CalibrationDataReader):
    """Aligned faces, one at a time."""

    def __init__(self, name: str, crops: np.ndarray) -> None:
        self._rest = ({name: nchw(crop[np.newaxis])} for crop in crops)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._rest, None)


def aligned(pipeline: FacePipeline, photographs: Sequence[Path]) -> Iterator[np.ndarray | None]:
    """The central face of each photograph, as it would be embedded."""
    for photograph in photographs:
        pixels = image.load(photograph)
        found = pipeline.detect(pixels)
        yield pipeline.crop(pixels, found[0]) if found else None


def widened(path: Path) -> onnx.ModelProto:
    """The net with its weights in single precision, not in half precision and cast when loaded."""
    model = onnx.load(str(path))
    stored = {each.name: each for each in model.graph.initializer}
    for node in [each for each in model.graph.node if each.op_type == "Cast" and each.input[0] in stored]:
        weights = numpy_helper.to_array(stored[node.input[0]]).astype(np.float32)
        stored[node.input[0]].CopyFrom(numpy_helper.from_array(weights, node.output[0]))
        model.graph.node.remove(node)
    return model


def quantised(source: Path, work: Path, crops: np.ndarray) -> Path:
    """Write the net with INT8 weights for each channel and UINT8 activations."""
    wide, target = work / "embedder-fp32.onnx", work / "embedder-int8.onnx"
    model = widened(source)
    onnx.save(model, str(wide))
    quant_pre_process(str(wide), str(wide))
    reader = Calibration(model.graph.input[0].name, crops)
    quantize_static(
        str(wide),
        str(target),
        reader,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return target


def embedded(path: Path, crops: np.ndarray) -> tuple[np.ndarray, float]:
    """Unit embeddings, and the milliseconds that one takes on one core, the median."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name, rows, times = session.get_inputs()[0].name, [], []
    for crop in crops:
        batch, began = nchw(crop[np.newaxis]), perf_counter()
        rows.append(session.run(None, {name: batch})[0][0])
        times.append(perf_counter() - began)
    return unit(np.stack(rows).astype(np.float64)), 1e3 * float(np.median(times[:TIMED]))


def figures(path: Path, crops: np.ndarray, samples: Samples, threshold: float) -> Iterator[str]:
    """What is to be known of one net, line by line."""
    rows, time = embedded(path, crops)
    samples.embeddings[samples.acquired] = rows
    yield f"{path.name}: {path.stat().st_size:,} bytes, {time:.2f} ms"
    floats = Comparisons.of(cosines(rows), samples.subject[samples.acquired])
    for rate in RATES:
        at = floats.threshold(rate)
        yield f"  FMR {100 * rate:g} %: cosine {at:.4f}, FNMR {floats.fnmr(at)}"
    decided = decide(samples, PRESET, PRESET.thresholds(threshold))
    integers = Comparisons.of(decided.scores, decided.subject)
    yield (
        f"  integers at {threshold}: FMR {integers.fmr(decided.threshold)}, FNMR {integers.fnmr(decided.threshold)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    registry = Registry.load()
    pipeline = FacePipeline.named(registry)
    photographs = args.faces / "lfw"
    trained = [path for path in sorted(photographs.glob("*/*.jpg")) if part(path.parent.name) == "train"]
    drawn = np.random.default_rng(SEED).permutation(len(trained))[:CALIBRATED_ON]
    learnt = [crop for crop in aligned(pipeline, [trained[at] for at in drawn]) if crop is not None]
    source = Path(__file__).parents[1] / registry.find("blindwatch-embedder").file
    small = quantised(source, args.work, np.stack(learnt))
    held_out = Choice(held_out=True, left_out=read_names(args.faces / "lfw_errata_images.txt"))
    chosen = find(photographs, held_out)
    crops = list(aligned(pipeline, [photographs / each for each in chosen.images]))
    nothing = np.full((len(crops), pipeline.dimension), np.nan)
    nothing[[crop is not None for crop in crops]] = 0
    samples = chosen.samples(nothing, Source("held-out people", "blindwatch-embedder", None, None))
    for path in (source, small):
        seen = np.stack([crop for crop in crops if crop is not None])
        print(*figures(path, seen, samples, pipeline.operating_point), sep="\n")


if __name__ == "__main__":
    main()
