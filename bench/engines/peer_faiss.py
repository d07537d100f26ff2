"""Faiss: any index that its factory knows; the settings name it."""

import os

import faiss

from serve import file_bytes, read_floats, serve


class Engine:
    MATRIX = True

    def build(self, job):
        rows, settings = read_floats(job["set"]["floats"]), job["settings"]
        faiss.omp_set_num_threads(job["threads"])
        metric = faiss.METRIC_L2 if job["set"]["metric"] == "l2" else faiss.METRIC_INNER_PRODUCT
        index = faiss.index_factory(rows.shape[1], settings["factory"], metric)
        if "efConstruction" in settings:
            index.hnsw.efConstruction = settings["efConstruction"]
        index.train(rows)
        index.add(rows)
        path = os.path.join(job["folder"], "index.faiss")
        faiss.write_index(index, path)
        return {"fileBytes": file_bytes(path)}

    def open(self, job):
        self.index = faiss.read_index(os.path.join(job["folder"], "index.faiss"))
        faiss.omp_set_num_threads(1)

    def prepare(self, setting, k):
        space = faiss.ParameterSpace()
        for name, value in setting.items():
            space.set_index_parameter(self.index, name, value)

    def search(self, query, k):
        return self.index.search(query, k)[1]

    def batch(self, queries, k, threads):
        faiss.omp_set_num_threads(threads)
        ids = self.index.search(queries, k)[1]
        faiss.omp_set_num_threads(1)
        return ids


serve(Engine())
