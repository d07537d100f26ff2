"""BATL in ann-benchmarks: drives the index through server.js, which says what goes over the pipes."""

import json
import os
import struct
import subprocess
import tempfile

import numpy as np

from ..base.module import BaseANN

BUILD, EFFORT, QUERY, BATCH, MEMORY = range(1, 6)
METRICS = {"angular": "cosine", "euclidean": "l2", "ip": "ip"}


class BATL(BaseANN):
    """An index of `batl`, built with the given options and asked for a recall, or for probes and rerank."""

    def __init__(self, metric, options=None):
        if metric not in METRICS:
            raise NotImplementedError(f"BATL has no metric {metric!r}; it has {', '.join(METRICS)}")
        self.options = {"metric": METRICS[metric], **(options or {})}
        self.name = f"BATL({json.dumps(options or {})})"
        self.effort = {}
        self.results = None
        server = os.environ.get("BATL_SERVER", os.path.join(os.path.dirname(os.path.abspath(__file__)), "server.js"))
        self.server = subprocess.Popen(
            [os.environ.get("BATL_NODE", "node"), server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )

    def _read(self, length):
        data = bytearray()
        while len(data) < length:
            part = self.server.stdout.read(length - len(data))
            if not part:
                raise RuntimeError(f"the server ended with status {self.server.wait()}")
            data += part
        return data

    def _ask(self, operation, payload=b""):
        request = memoryview(struct.pack("<II", operation, len(payload)) + payload)
        while request:
            request = request[self.server.stdin.write(request) :]
        status, length = struct.unpack("<II", self._read(8))
        answer = self._read(length)
        if status != 0:
            raise RuntimeError(answer.decode())
        return answer

    def fit(self, X):
        rows = np.ascontiguousarray(X, np.float32)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "rows.fbin")
            with open(path, "wb") as file:
                file.write(struct.pack("<II", *rows.shape))
                rows.tofile(file)
            self._ask(BUILD, json.dumps({"rows": path, "options": self.options}).encode())

    def set_query_arguments(self, effort, rerank=None):
        """A recall below or at 1, or a whole number of probes from 2 on, with the rows to rerank."""
        if isinstance(effort, float) or effort == 1:
            self.effort = {"recall": effort}
        else:
            self.effort = {"probes": effort, **({} if rerank is None else {"rerank": rerank})}
        self._ask(EFFORT, json.dumps(self.effort).encode())

    def query(self, q, n):
        row = np.ascontiguousarray(q, np.float32)
        return np.frombuffer(self._ask(QUERY, struct.pack("<I", n) + row.tobytes()), np.uint32)

    def batch_query(self, X, n):
        rows = np.ascontiguousarray(X, np.float32)
        ids = self._ask(BATCH, struct.pack("<II", n, len(rows)) + rows.tobytes())
        self.results = np.frombuffer(ids, np.uint32).reshape(len(rows), -1)

    def get_batch_results(self):
        return self.results

    def get_memory_usage(self):
        """Of the server, in kilobytes: that is where the index lives."""
        return json.loads(self._ask(MEMORY))["bytes"] / 1024

    def done(self):
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()

    def __str__(self):
        return f"{self.name} {json.dumps(self.effort)}"
