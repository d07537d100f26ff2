"""module.py against exact answers, computed here with NumPy. Run by `npm run bench:ann-benchmarks`.

ann-benchmarks itself is not needed: of it, the module uses only the base class.
"""

import importlib.util
import os
import sys
import types

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
K = 10


class BaseANN:
    """The methods that ann-benchmarks calls; the module overrides all of them that it needs."""

    def done(self):
        pass


def load():
    """The module, in the place that it has inside ann-benchmarks."""
    for name in ("ann_benchmarks", "ann_benchmarks.algorithms", "ann_benchmarks.algorithms.batl"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = []
    for name in ("ann_benchmarks.algorithms.base", "ann_benchmarks.algorithms.base.module"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["ann_benchmarks.algorithms.base.module"].BaseANN = BaseANN
    name = "ann_benchmarks.algorithms.batl.module"
    spec = importlib.util.spec_from_file_location(name, os.path.join(HERE, "module.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.BATL


def exact(rows, queries, metric):
    """Row numbers of the nearest, [queries x K]."""
    if metric == "euclidean":
        distances = ((queries[:, None, :].astype(np.float64) - rows[None]) ** 2).sum(-1)
    else:
        unit = rows if metric == "ip" else rows / np.linalg.norm(rows, axis=1, keepdims=True)
        distances = -(queries.astype(np.float64) @ unit.T)
    return np.argsort(distances, axis=1, kind="stable")[:, :K]


def recall(found, truth):
    return np.mean([len(set(a) & set(b)) / K for a, b in zip(found, truth)])


def expect(condition, what):
    if not condition:
        raise SystemExit(f"failed: {what}")
    print(f"ok: {what}")


def check(BATL, metric, rows, queries):
    """Exact answers at recall 1, good ones below, the same ones in a batch, and errors that leave the server alive."""
    truth = exact(rows, queries, metric)
    index = BATL(metric, {})
    try:
        index.query(queries[0], K)
        expect(False, "a query before fit raises")
    except RuntimeError as error:
        expect("no index" in str(error), f"{metric}: a query before fit raises")
    index.fit(rows)
    index.set_query_arguments(1)
    found = np.array([index.query(query, K) for query in queries])
    expect(np.array_equal(found, truth), f"{metric}, {len(rows)} rows: recall 1 gives the exact answers")
    index.batch_query(queries, K)
    expect(np.array_equal(index.get_batch_results(), truth), f"{metric}: a batch gives them too")
    index.set_query_arguments(0.9)
    found = np.array([index.query(query, K) for query in queries])
    # .9 was promised for queries like the rows, and these are; a few hundred of them may fall short by a little.
    expect(recall(found, truth) > 0.85, f"{metric}: recall .9 gives {recall(found, truth):.3f}")
    index.batch_query(queries, K)
    expect(np.array_equal(index.get_batch_results(), found), f"{metric}: a batch gives the same answers")
    index.set_query_arguments(8, 50)
    expect(len(index.query(queries[0], K)) == K, f"{metric}: probes and rerank are taken: {index}")
    try:
        index.query(queries[0][:-1], K)
        expect(False, "a query of the wrong dimension raises")
    except RuntimeError as error:
        expect(str(rows.shape[1]) in str(error), f"{metric}: a query of the wrong dimension raises")
    expect(len(index.query(queries[0], K)) == K, f"{metric}: the server goes on after an error")
    expect(index.get_memory_usage() > rows.nbytes / 1024, f"{metric}: memory is at least the rows")
    index.done()
    expect(index.server.returncode == 0, f"{metric}: the server ends with status 0")


def main():
    BATL = load()
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(50, 24))
    make = lambda count: (centres[rng.integers(50, size=count)] + 0.5 * rng.normal(size=(count, 24))).astype(np.float32)
    check(BATL, "euclidean", make(6000), make(200))
    check(BATL, "angular", make(6000), make(200))
    check(BATL, "ip", make(1000), make(50))
    try:
        BATL("hamming")
        expect(False, "an unknown metric raises")
    except NotImplementedError:
        expect(True, "an unknown metric raises")


main()
