"""hnswlib, by its own Python binding."""

import os

import hnswlib
import numpy as np

from serve import file_bytes, read_floats, serve


class Engine:
    MATRIX = True

    def build(self, job):
        rows, settings = read_floats(job["set"]["floats"]), job["settings"]
        index = hnswlib.Index(space=job["set"]["metric"], dim=rows.shape[1])
        index.init_index(max_elements=len(rows), M=settings["M"], ef_construction=settings["ef_construction"])
        index.add_items(rows, np.arange(len(rows)), num_threads=job["threads"])
        path = os.path.join(job["folder"], "index.hnsw")
        index.save_index(path)
        return {"fileBytes": file_bytes(path)}

    def open(self, job):
        self.index = hnswlib.Index(space=job["set"]["metric"], dim=job["set"]["dim"])
        self.index.load_index(os.path.join(job["folder"], "index.hnsw"))

    def prepare(self, setting, k):
        self.index.set_ef(setting["ef"])

    def search(self, query, k):
        return self.index.knn_query(query, k, num_threads=1)[0]

    def batch(self, queries, k, threads):
        return self.index.knn_query(queries, k, num_threads=threads)[0]


serve(Engine())
