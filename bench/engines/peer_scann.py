"""ScaNN, by its pybind interface: a tree, asymmetric hashing, and exact reordering."""

import os

import scann

from serve import file_bytes, read_floats, serve


class Engine:
    MATRIX = False

    def build(self, job):
        rows, settings = read_floats(job["set"]["floats"]), job["settings"]
        distance = "squared_l2" if job["set"]["metric"] == "l2" else "dot_product"
        searcher = (
            scann.scann_ops_pybind.builder(rows, 10, distance)
            .set_n_training_threads(job["threads"])
            .tree(
                num_leaves=settings["num_leaves"],
                num_leaves_to_search=max(1, settings["num_leaves"] // 20),
                training_sample_size=min(len(rows), settings["training_sample_size"]),
                soar_lambda=settings.get("soar_lambda"),
            )
            .score_ah(
                settings["dimensions_per_block"],
                anisotropic_quantization_threshold=settings["anisotropic_quantization_threshold"],
            )
            .reorder(settings["reorder"])
            .build()
        )
        folder = os.path.join(job["folder"], "index")
        os.makedirs(folder, exist_ok=True)
        searcher.serialize(folder)
        return {"fileBytes": file_bytes(folder)}

    def open(self, job):
        self.searcher = scann.scann_ops_pybind.load_searcher(os.path.join(job["folder"], "index"))
        self.threads = None

    def prepare(self, setting, k):
        self.effort = {
            "leaves_to_search": setting["leaves_to_search"],
            "pre_reorder_num_neighbors": setting["pre_reorder_num_neighbors"],
        }

    def search(self, query, k):
        return self.searcher.search(query, final_num_neighbors=k, **self.effort)[0]

    def batch(self, queries, k, threads):
        if threads == 1:
            return self.searcher.search_batched(queries, final_num_neighbors=k, **self.effort)[0]
        if self.threads != threads:
            self.searcher.set_num_threads(threads)
            self.threads = threads
        return self.searcher.search_batched_parallel(queries, final_num_neighbors=k, **self.effort)[0]


serve(Engine())
