"""Write a net as ONNX with its weights in half precision, and check that the file computes the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from faces import SIZE
from onnx import helper, numpy_helper


def export(net: torch.nn.Module, path: Path, source: str, target: str) -> None:
    """Trace the net with a free batch size; large weights are stored as float16 and cast when loaded."""
    torch.onnx.export(
        net,
        (torch.zeros(2, 3, SIZE, SIZE),),
        str(path),
        input_names=[source],
        output_names=[target],
        dynamic_axes={source: {0: "batch"}, target: {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    model = onnx.load(str(path))
    casts = []
    for weights in model.graph.initializer:
        if weights.data_type == onnx.TensorProto.FLOAT and np.prod(weights.dims) >= 256:
            half = numpy_helper.from_array(
                numpy_helper.to_array(weights).astype(np.float16), weights.name + "_half"
            )
            casts.append(helper.make_node("Cast", [half.name], [weights.name], to=onnx.TensorProto.FLOAT))
            weights.CopyFrom(half)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)
    model.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def check(net: torch.nn.Module, path: Path) -> None:
    """Compare the file with the net on random pixels, in batches of one and of several."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).uniform(0, 255, (5, 3, SIZE, SIZE)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(pixels)).numpy()
    name = session.get_inputs()[0].name
    for batch in 1, 5:
        gap = np.abs(session.run(None, {name: pixels[:batch]})[0] - expected[:batch]).max()
        print(f"{path.name}: {path.stat().st_size} bytes; batch of {batch}: largest difference {gap:.2e}")
        if gap > 5e-3:
            raise SystemExit(f"{path.name} does not compute what the net computes")
