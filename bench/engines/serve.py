"""The loop of an engine's process, in Python: serve.js says what goes in and out.

One JSON object a line on stdin, one answer a line on file descriptor 3.
"""

import json
import os
import resource
import sys
import time

import numpy as np

WARM_CALLS = 1000
WARM_SECONDS = 0.5
WARM_BATCH = 200


def memory():
    """Bytes of this process in memory: now, and at most so far."""
    try:
        with open("/proc/self/status") as status:
            fields = dict(line.split(":", 1) for line in status)
        return {name: int(fields[key].split()[0]) * 1024 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))}
    except FileNotFoundError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return {"now": peak, "peak": peak}


def read_floats(path, count=None):
    """The first rows of an .fbin file."""
    size, dim = np.fromfile(path, np.uint32, 2)
    size = int(size) if count is None else count
    return np.fromfile(path, np.float32, size * int(dim), offset=8).reshape(size, int(dim))


def file_bytes(path):
    """Bytes of a file, or of all files below a folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(top, name)) for top, _, names in os.walk(path) for name in names)


def single(engine, queries, job):
    """One query a call."""
    k, count = job["k"], len(queries)
    warm = time.perf_counter()
    for i in range(WARM_CALLS):
        if time.perf_counter() - warm > WARM_SECONDS:
            break
        engine.search(queries[i % count], k)
    passes = []
    answers = [None] * count
    started = time.perf_counter()
    while len(passes) < job["passes"] and (not passes or time.perf_counter() - started < job["seconds"]):
        times = np.empty(count)
        for i, query in enumerate(queries):
            start = time.perf_counter_ns()
            answers[i] = engine.search(query, k)
            times[i] = (time.perf_counter_ns() - start) / 1000
        passes.append(times)
    ids = np.full((count, k), -1, np.int32)
    for i, answer in enumerate(answers):
        answer = np.asarray(answer).reshape(-1)[:k]
        ids[i, : len(answer)] = answer.astype(np.int64)
    return len(passes), ids, np.concatenate(passes)


def batches(engine, matrix, job):
    """All queries in one call."""
    k, threads = job["k"], job["threads"]
    engine.batch(matrix[:WARM_BATCH], k, threads)
    seconds = []
    started = time.perf_counter()
    while len(seconds) < job["passes"] and (not seconds or time.perf_counter() - started < job["seconds"]):
        start = time.perf_counter()
        ids = engine.batch(matrix, k, threads)
        seconds.append(time.perf_counter() - start)
    return seconds, np.asarray(ids).astype(np.int64).astype(np.int32)


def serve(engine):
    """Answer requests until stdin ends."""
    replies = os.fdopen(3, "w", buffering=1)
    matrix, queries = None, []
    for line in sys.stdin:
        job = json.loads(line)
        if job["op"] == "build":
            started = time.perf_counter()
            info = engine.build(job)
            seconds = time.perf_counter() - started
            answer = {"seconds": seconds, "peakBytes": memory()["peak"], "info": info}
        elif job["op"] == "open":
            before = memory()["now"]
            info = engine.open(job)
            now = memory()["now"]
            matrix = read_floats(job["queries"], job["count"])
            queries = [row.reshape(1, -1) if engine.MATRIX else row for row in matrix]
            answer = {"openBytes": now - before, "processBytes": now, "info": info}
        else:
            engine.prepare(job["setting"], job["k"])
            passes, ids, times = single(engine, queries, job)
            ids.tofile(job["ids"])
            times.tofile(job["times"])
            seconds, ids = batches(engine, matrix, job)
            ids.tofile(job["batchIds"])
            answer = {"passes": passes, "batchSeconds": seconds, "peakBytes": memory()["peak"]}
        replies.write(json.dumps(answer) + "\n")
