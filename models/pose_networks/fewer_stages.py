"""Leaves the last refinements of a pose network out: a cropped speaker needs fewer of them than a whole picture."""

MOST = 6


def keep_stages(model: bytes, stages: int) -> bytes:
    """Cut an ONNX file of convert_thin.py after so many stages; one whose nodes aren't named so stays as it is."""
    import onnx

    network = onnx.load_model_from_string(model)
    graph = network.graph
    outputs = {name for node in graph.node for name in node.output}
    ends = [f"stages.{stages - 1}.{branch}.4.pointwise.out" for branch in ("heat", "fields")]
    if not outputs.issuperset(ends):
        return model
    left_out = (f"stages.{stages - 1}.joined", *(f"stages.{number}." for number in range(stages, MOST)))
    kept = [node for node in graph.node if not node.name.startswith(left_out)]
    kept[-1].input[:] = ends  # the last one, Concat, gives the maps
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input}
    weights = [array for array in graph.initializer if array.name in used]
    del graph.initializer[:]
    graph.initializer.extend(weights)
    return bytes(network.SerializeToString(deterministic=True))
